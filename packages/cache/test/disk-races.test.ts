/** Many callers at once on few keys. */
import assert from 'node:assert/strict'
import { openBlocks } from '@ipfs-kit/blocks'
import { openDiskCache } from '@ipfs-kit/cache/disk'
import { checkpoint, moveOnAfter, random, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { test } from 'vitest'
import { bytesOf, chunked, comesTo, mib } from './disk-ground.ts'
import { collect } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 40 })
const keys = ['a', 'b', 'c']
const sizes = [3, 5000, 30_000, 70_000]

function whole(limit: number): number {
  return Math.floor(random() * limit)
}

for (const maxBytes of [mib, 64 * mib]) {
  onBoth(
    `callers who race in ${maxBytes / mib} MiB never see what nobody put, and leave nothing behind`,
    async () => {
      let time = 0
      const disk = simDisk({ seed: whole(2 ** 31), faults: { latencyMs: whole(3), slowReads: random() } })
      const blocks = await openBlocks({ path: '/s', disk, maxBytes, minFreeBytes: 0, packBytes: 65_536 })
      const options = { blocks, failureDomain: 'test', now: () => (time += 1), maxEntries: 2 + whole(2) }
      const cache = await openDiskCache(options)
      const put = new Map<string, Buffer[]>(keys.map((key) => [key, []]))
      const check = (key: string, found: Uint8Array | undefined, offset = 0): void => {
        const isOne = put
          .get(key)!
          .some((bytes) => found !== undefined && Buffer.compare(bytes.subarray(offset), found) === 0)
        assert.ok(found === undefined || isOne, `${key} has ${found?.length} bytes that nobody put`)
      }
      let number = 0
      const step = async (): Promise<void> => {
        const key = keys[whole(keys.length)]!
        const dice = whole(12)
        if (dice < 5) {
          const bytes = bytesOf((number += 1), sizes[whole(sizes.length)]!)
          put.get(key)!.push(bytes)
          const ttlMs = whole(3) === 0 ? 1 + whole(200) : Infinity
          await cache.put(key, whole(2) === 0 ? bytes : chunked(bytes, 9000), { ttlMs })
        } else if (dice < 7) check(key, await cache.getBytes(key))
        else if (dice < 9) {
          const offset = whole(2) * 2
          const found = await cache.get(key, { offset })
          try {
            if (whole(3) > 0) await checkpoint()
            check(key, await collect(found?.body), offset)
          } finally {
            // Who is cancelled leaves the body.
            await found?.body[Symbol.asyncIterator]().return?.()
          }
        } else if (dice < 10) await cache.delete(key)
        else if (dice < 11) await cache.touch(key, { ttlMs: 1 + whole(100) })
        else if (whole(4) === 0) await cache.clear()
        else await cache.list()
      }
      const worker = async (): Promise<void> => {
        for (let steps = 0; steps < 12; steps += 1) {
          try {
            // Some lose their patience.
            if (whole(5) === 0) await moveOnAfter(whole(4), step)
            else await step()
          } catch (error) {
            const { code } = error as { code?: string }
            assert.ok(code === 'STORAGE_FULL' || code === 'CACHE_LOST', String(error))
          }
        }
      }
      await taskGroup((group) => {
        for (let workers = 0; workers < 5; workers += 1) group.spawn(worker)
      })
      const { entries } = await cache.list()
      assert.ok(entries.length <= options.maxEntries)
      assert.equal(cache.stats().readers, 0)
      assert.equal(cache.stats().arrivingBytes, 0)
      await cache.clear()
      assert.equal(cache.stats().entries, 0)
      await comesTo(() => blocks.stats().entries, 0)
      await cache.close()
      await blocks.close()
    },
  )
}
