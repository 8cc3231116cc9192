/** A disk that fails now and then, under a cache that is closed or killed and opened again: nothing old comes back. */
import assert from 'node:assert/strict'
import { type DiskCache } from '@ipfs-kit/cache/disk'
import { random, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { test } from 'vitest'
import { bytesOf, codeOf, mib, openOn } from './disk-ground.ts'

const onBoth = forEachBackend(test, { seeds: 15 })
const keys = ['a', 'a/b', 'c', 'd']
const sizes = [3, 4000, 5000, 40_000]
const healthy = { readErrors: 0, writeErrors: 0, capacityBytes: 1024 ** 4 }

function whole(limit: number): number {
  return Math.floor(random() * limit)
}

/** What a key may have: what was answered last, and what has failed since. */
class May {
  readonly #values = new Map<string, (number | undefined)[]>(keys.map((key) => [key, [undefined]]))

  async change(
    changed: readonly string[],
    number: number | undefined,
    call: Promise<unknown>,
  ): Promise<void> {
    for (const key of changed) this.#values.set(key, [...this.#values.get(key)!, number])
    const code = await codeOf(call)
    assert.ok(['no error', 'BLOCKS_IO', 'STORAGE_FULL'].includes(code), code)
    if (code === 'no error') for (const key of changed) this.#values.set(key, [number])
  }

  /** It may be evicted, or unreadable. */
  check(key: string, found: Uint8Array | undefined): void {
    if (found === undefined) return
    const numbers = this.#values.get(key)!
    const isOne = numbers.some(
      (number) => number !== undefined && Buffer.compare(found, valueOf(number)) === 0,
    )
    assert.ok(isOne, `${key} has a value that it must not have: ${numbers.join(' ')} are allowed`)
  }
}

function valueOf(number: number): Buffer {
  return bytesOf(number, sizes[number % sizes.length]!)
}

async function read(cache: DiskCache, key: string, may: May): Promise<void> {
  try {
    may.check(key, await cache.getBytes(key))
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'BLOCKS_IO', String(error))
  }
}

async function openHealthy(disk: SimDisk, maxEntries: number): Promise<DiskCache> {
  disk.setFaults(healthy)
  return openOn(disk, { maxEntries, maxBytes: 4 * mib })
}

onBoth(
  'what was answered last is there or nothing, whatever has failed, also when it is opened again',
  async () => {
    let disk = simDisk({ seed: whole(2 ** 31), faults: { latencyMs: whole(3), slowReads: random() } })
    const may = new May()
    let number = 0
    for (let lives = 0; lives < 5; lives += 1) {
      const cache = await openHealthy(disk, 2 + whole(4))
      for (const key of keys) await read(cache, key, may)
      disk.setFaults({
        readErrors: whole(2) * 0.1,
        writeErrors: 0.2,
        capacityBytes: whole(4) === 0 ? 150_000 : healthy.capacityBytes,
      })
      await taskGroup((group) => {
        for (const key of keys) {
          group.spawn(async () => {
            for (let steps = 0; steps < 10; steps += 1) {
              const dice = whole(10)
              if (dice < 5) {
                const value = (number += 1)
                await may.change([key], value, cache.put(key, valueOf(value)))
              } else if (dice < 8) await may.change([key], undefined, cache.delete(key))
              else if (dice < 9) await codeOf(cache.touch(key))
              await read(cache, key, may)
            }
          })
        }
      })
      if (whole(3) === 0) await may.change(keys, undefined, cache.clear())
      if (whole(2) === 0) disk.setFaults(healthy)
      if (whole(3) === 0) {
        const next = disk.kill()
        await codeOf(cache.close())
        disk = next
      } else {
        const code = await codeOf(cache.close())
        assert.ok(['no error', 'BLOCKS_IO'].includes(code), code)
      }
    }
    const last = await openHealthy(disk, 10)
    for (const key of keys) await read(last, key, may)
    await last.close()
  },
)
