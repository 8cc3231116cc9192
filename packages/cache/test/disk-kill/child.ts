/** A process that puts, replaces and deletes until it is killed. Says a line for each call that has been answered. */
import { flushCompileCache } from 'node:module'
import { openDiskCache } from '@ipfs-kit/cache/disk'
import { bytesOf } from '../disk-ground.ts'

// It dies before it would keep what it has compiled for the next one.
flushCompileCache()
const [path = '', start = '0'] = process.argv.slice(2)
const cache = await openDiskCache({ path, maxBytes: 16 * 1024 * 1024, minFreeBytes: 0 })
process.stdout.write('open\n')
for (let number = Number(start); ; number += 1) {
  const key = `key ${number % 20}`
  if (number % 7 === 0) {
    process.stdout.write(`- ${key}\n`)
    await cache.delete(key)
    process.stdout.write(`-- ${key}\n`)
  } else {
    process.stdout.write(`+ ${key} ${number}\n`)
    await cache.put(key, bytesOf(number, (number * 7919) % 100_000))
    process.stdout.write(`++ ${key} ${number}\n`)
  }
}
