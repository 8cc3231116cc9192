import { sim, sleep, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { blockOf, numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

/** Puts that are tried at most: what waits for the end of them all sees this number. */
const most = 3000

/** Runs something in the simulator while eight others put without a pause. Resolves to the puts that had ended by then. */
async function whileOthersPut(
  put: (store: Blocks, number: number) => Promise<unknown>,
  what: (store: Blocks) => Promise<unknown>,
): Promise<number> {
  return await withBackend(
    async () => {
      const disk = simDisk({ seed: 1, faults: { latencyMs: 2, slowReads: 0.5 } })
      await using store = await openOn(disk, { maxBytes: 67_108_864 })
      let begun = 0
      let ended = 0
      let done = false
      let atEnd = 0
      await taskGroup(async (group) => {
        for (let putter = 0; putter < 8; putter += 1) {
          group.spawn(async () => {
            while (!done && begun < most) {
              await put(store, begun++)
              ended += 1
            }
          })
        }
        while (ended < 100) await sleep(1)
        await what(store)
        done = true
        atEnd = ended
      })
      return atEnd
    },
    { backend: sim(1, { maxSteps: 20_000_000 }) },
  )
}

const putToLease = (): ((store: Blocks, number: number) => Promise<unknown>) => {
  let lease: ReturnType<Blocks['lease']> | undefined
  return (store, number) => {
    const { cid, bytes } = numbered(number, 1000)
    return (lease ??= store.lease({ name: 'a large add' })).put(cid, bytes)
  }
}
const putToCache = (store: Blocks, number: number): Promise<unknown> => {
  const { cid, bytes } = numbered(number, 1000)
  return store.put(cid, bytes)
}

describe('while others go on putting', () => {
  test('a flush ends', async () => {
    const small = blockOf(Buffer.from('a small add'))
    const puts = await whileOthersPut(putToLease(), async (store) => {
      using lease = store.lease({ name: 'a small add' })
      await lease.put(small.cid, small.bytes)
      await lease.flush()
      expect(await store.explain(small.cid)).toMatchObject({ state: 'kept', synced: true })
    })
    expect(puts).toBeLessThan(most / 2)
  })

  test('a collection ends', async () => {
    expect(await whileOthersPut(putToCache, (store) => store.collect())).toBeLessThan(most / 2)
  })

  test('a compaction ends', async () => {
    expect(await whileOthersPut(putToLease(), (store) => store.compact())).toBeLessThan(most / 2)
  })
})

test('what a large add leaves unsynced is synced before it flushes', async () => {
  await withBackend(
    async () => {
      await using store = await openOn(simDisk({ seed: 1, faults: { latencyMs: 2 } }), {
        maxBytes: 268_435_456,
        packBytes: 67_108_864,
      })
      using lease = store.lease()
      let number = 0
      await taskGroup(async (group) => {
        for (let putter = 0; putter < 8; putter += 1) {
          group.spawn(async () => {
            while (number < 400) {
              const { cid, bytes } = numbered(number++, 100_000)
              await lease.put(cid, bytes, { verify: 'on-read' })
            }
            // Among the last of eight others it still puts.
            expect(store.stats().syncs).toBeGreaterThan(0)
          })
        }
      })
    },
    { backend: sim(1, { maxSteps: 20_000_000 }) },
  )
})

test('cached puts that never pause find room without waiting for it', async () => {
  await withBackend(
    async () => {
      const disk = simDisk({ seed: 1, faults: { latencyMs: 2, slowReads: 0 } })
      await using store = await openOn(disk, { maxBytes: 2_097_152, readmitShare: 0.5 })
      let number = 0
      await taskGroup(async (group) => {
        for (let putter = 0; putter < 4; putter += 1) {
          group.spawn(async () => {
            while (number < 6000) {
              const mine = number++
              await putToCache(store, mine)
              if (mine % 8 === 0) await store.get(numbered(mine, 1000).cid)
            }
          })
        }
      })
      const { evictedPacks, readmittedBytes, longestRoomWaitMs } = store.stats()
      expect(evictedPacks).toBeGreaterThan(50)
      expect(readmittedBytes).toBeGreaterThan(50 * 1000)
      expect(longestRoomWaitMs).toBe(0)
    },
    { backend: sim(1, { maxSteps: 20_000_000 }) },
  )
})
