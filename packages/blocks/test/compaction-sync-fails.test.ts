import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { BlocksError } from '../src/errors.ts'
import { type Block, numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

async function expectAll(store: Blocks, blocks: readonly Block[]): Promise<void> {
  for (const { cid, bytes } of blocks) {
    const found = await store.get(cid)
    if (found === undefined || Buffer.compare(found, bytes) !== 0) throw new Error(`${cid} is lost`)
  }
}

/** A store of four kept packs, of which every fifth block is claimed. */
async function openHalfDead(
  disk: SimDisk,
): Promise<{ readonly store: Blocks; readonly claimed: readonly Block[] }> {
  const blocks = Array.from({ length: 60 }, (_, at) => numbered(1 + at, 4000))
  const claimed = blocks.filter((_, at) => at % 5 === 0)
  const store = await openOn(disk, { claimed })
  using lease = store.lease()
  for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
  await lease.flush()
  return { store, claimed }
}

test('a sync that fails in a compaction, whichever it is, leaves every claimed block readable', async () => {
  let failures = 0
  for (let nth = 1; nth <= 12; nth += 1) {
    for (let seed = 1; seed <= 4; seed += 1) {
      const disk = simDisk({ seed })
      const { store, claimed } = await openHalfDead(disk)
      disk.failAt('sync', nth)
      try {
        await store.collect()
      } catch (error) {
        expect(error).toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
        failures += 1
      }
      await expectAll(store, claimed)
      // None of them is where the system may have given its bytes up.
      for (const { cid } of claimed)
        expect(await store.explain(cid)).toMatchObject({ state: 'kept', synced: true })
      expect(store.stats().corruptReads).toBe(0)
      // What runs next fails as well, and costs nothing either.
      await store.collect().catch((error: unknown) => expect(error).toBeInstanceOf(BlocksError))
      await expectAll(store, claimed)
      await store.close().catch((error: unknown) => expect(error).toBeInstanceOf(BlocksError))

      for (const next of [disk.copy(seed).crash(), disk.copy(seed).kill(), disk.crash()]) {
        await using again = await openOn(next, { claimed })
        await expectAll(again, claimed)
        await again.collect()
        await expectAll(again, claimed)
      }
    }
  }
  expect(failures).toBeGreaterThan(12)
})
