/** Garbage in files of the old store. */
import { type Blocks, type CollectReport, keyOfBlock } from '@ipfs-kit/blocks'
import type { CallOptions } from './ipfs.ts'
import type { Migration } from './migration.ts'
import { orLeft } from './old-blocks.ts'
import { oldGroups } from './old-groups.ts'

/**
 * Removes the files of blocks that no pin reaches and no lease holds. What a lease for kept packs has found is in a pack by
 * then. A file that the disk refuses to remove stays: whoever moves it next tells.
 *
 * @throws BlocksError BLOCKS_MARK_INCOMPLETE; then nothing is removed
 */
export async function removeUnclaimed(
  migration: Migration,
  packs: Pick<Blocks, 'has'>,
  options?: CallOptions,
): Promise<Pick<CollectReport, 'removedBlocks' | 'removedBytes'>> {
  const { old, turns, holds } = migration
  const removed = { removedBlocks: 0, removedBytes: 0 }
  const reached = await migration.reached(options?.signal)
  for await (const { cids } of oldGroups(old, (cid) => !reached.has(cid))) {
    for (const cid of cids) {
      options?.signal?.throwIfAborted()
      using _turn = await turns.acquire(keyOfBlock(cid), { signal: options?.signal })
      if (holds.has(cid)) continue
      const size = (await old.size(cid)) ?? 0
      if (
        (await orLeft(
          () => old.remove(cid),
          () => {},
        )) !== true
      )
        continue
      migration.removed(cid, true)
      // One that is in a pack too is counted where that is collected.
      if (await packs.has(cid, options)) continue
      removed.removedBlocks += 1
      removed.removedBytes += size
    }
  }
  return removed
}
