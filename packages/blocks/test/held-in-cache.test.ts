import { sleep, taskGroup } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { numbered, whole } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

test(
  'a block that a lease holds stays while the packs around it are dropped',
  { timeout: 300_000 * soak },
  async () => {
    let held = 0
    let evicted = 0
    const { failed } = await simulate(
      async () => {
        const disk = simDisk({ seed: whole(1000), faults: { latencyMs: 3, slowReads: 0.7 } })
        const store = await openOn(disk, { readmitShare: 1 })
        let number = 0
        let writing = 3
        await taskGroup(async (group) => {
          for (let writer = 0; writer < 3; writer += 1) {
            group.spawn(async () => {
              for (let round = 0; round < 70; round += 1) {
                const { cid, bytes } = numbered(number++, 9000)
                await store.put(cid, bytes)
              }
              writing -= 1
            })
          }
          for (let reader = 0; reader < 4; reader += 1) {
            group.spawn(async () => {
              while (writing > 0) {
                await sleep(1)
                // Of the oldest ones, whose packs are about to go; what was read is tried to be kept as well.
                const block = numbered(Math.max(0, number - 60 - whole(60)), 9000)
                await store.get(block.cid)
                using lease = store.lease({ stream: 'cache' })
                if (!(await lease.hold(block.cid))) continue
                held += 1
                for (let look = 0; look < 5; look += 1) {
                  const found = await store.get(block.cid)
                  if (found === undefined || Buffer.compare(found, block.bytes) !== 0)
                    throw new Error('a held block is gone')
                }
              }
            })
          }
        })
        evicted += store.stats().evictedPacks
        await store.close()
      },
      { seeds: 6 * soak, maxFailures: 1 },
    )
    expect(failed[0]?.error).toBeUndefined()
    expect(held).toBeGreaterThan(100)
    expect(evicted).toBeGreaterThan(30)
  },
)
