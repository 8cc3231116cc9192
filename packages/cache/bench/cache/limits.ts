/** B-4: whether any policy is ever above its limit, counted from outside. */
import { createMemoryCache, lru } from '@ipfs-kit/cache'
import { arc } from '@ipfs-kit/cache/arc'
import { lirs } from '@ipfs-kit/cache/lirs'
import { s3Fifo } from '@ipfs-kit/cache/s3-fifo'
import { numbers } from './keys.ts'
import type { Row } from './row.ts'

const maxBytes = 4_000_000
const keyCount = 20_000

export const limits: Row = {
  specs: [
    {
      id: 'B-4',
      measure: 'most bytes above the limit over 10^7 random operations with random sizes, every policy',
      unit: 'bytes',
      bar: '== 0',
    },
  ],
  async measure({ quick, log }) {
    const operations = quick ? 1e5 : 1e7
    const names = Array.from({ length: keyCount }, (_, key) => `key ${key}`)
    const above: Record<string, number> = {}
    for (const policy of [lru, arc, s3Fifo, lirs]) {
      const next = numbers(3)
      /** What is in the cache by what it has told. */
      const held = new Map<string, number>()
      let bytes = 0
      let most = 0
      const cache = createMemoryCache<number>({
        maxBytes,
        policy,
        sizeOf: (size) => size,
        onEvict: (key, size, reason) => {
          bytes -= size
          if (reason !== 'replaced') held.delete(key)
        },
      })
      for (let done = 0; done < operations; done += 1) {
        const key = names[next() % keyCount]!
        const choice = next() % 100
        if (choice < 50) cache.get(key)
        else if (choice < 98) {
          // Sizes of five orders of magnitude; some are larger than the cache.
          const size = Math.floor(2 ** ((next() % 23_000) / 1000))
          if (cache.set(key, size)) {
            bytes += size
            held.set(key, size)
          }
        } else cache.delete(key)
        if (bytes > most) most = bytes
      }
      const walked = [...cache.entries()].reduce((sum, [, size]) => sum + size, 0)
      const counted = [...held.values()].reduce((sum, size) => sum + size, 0)
      if (walked !== bytes || counted !== bytes || cache.stats().bytes !== bytes)
        throw new Error(
          `${policy.name} has ${walked} bytes, says ${cache.stats().bytes}, and told of ${bytes}`,
        )
      above[policy.name] = Math.max(0, most - maxBytes)
      log(`B-4, ${policy.name}: at most ${most} of ${maxBytes} bytes`)
    }
    const samples = Object.values(above)
    return { 'B-4': { value: Math.max(...samples), samples, detail: { above, operations } } }
  },
}
