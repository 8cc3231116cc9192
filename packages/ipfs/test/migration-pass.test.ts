import { openBlocks } from '@ipfs-kit/blocks'
import { createKeyedLock } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { type BatchParts, Pace } from '../src/migration-batch.ts'
import { movePass } from '../src/migration-pass.ts'
import { findOldBlocks } from '../src/old-blocks.ts'
import { OldHolds } from '../src/old-holds.ts'
import { type Block, fileOf, leaves, oldDisk, path } from './old-disk.ts'

const maxBytes = 2 ** 20

/** Blocks that are copied side by side, and behind which there are no others. */
function inOneShard(count: number, size: number): Block[] {
  const shards = Map.groupBy(leaves(128 * count, size), ({ cid }) => fileOf(cid).split('/').at(-2))
  return [...shards.values()].find((blocks) => blocks.length >= count)!.slice(0, count)
}

test('what found no room last is told, also if by then nothing more may be copied', async () => {
  const { failed } = await simulate(
    async () => {
      const all = inOneShard(4, 60_000)
      const disk = await oldDisk(all)
      const packs = await openBlocks({ path, disk, maxBytes, minFreeBytes: 0, packBytes: 65_536 })
      const mayTake = (bytes: number): boolean => packs.stats().packBytes <= maxBytes - bytes
      // What a lease holds makes no room.
      const lease = packs.lease()
      for (const { cid, bytes } of leaves(200, 5000, 'kept'))
        if (mayTake(250_000)) await lease.put(cid, bytes)
      const done = { copied: 0, moved: 0, left: 0 }
      const parts: BatchParts = {
        packs,
        old: (await findOldBlocks(disk, path))!,
        turns: createKeyedLock(),
        holds: new OldHolds(),
        pace: new Pace(1e9),
        copied: () => void (done.copied += 1),
        moved: () => void (done.moved += 1),
        damaged: () => {},
        left: () => void (done.left += 1),
      }
      const problem = await movePass({
        parts,
        limits: { batchBlocks: 100, batchBytes: 1e9, batchMs: 1e9 },
        stream: 'cache',
        isWanted: () => true,
        hasRoom: () => mayTake(131_072),
        ended: async () => {},
        signal: new AbortController().signal,
      })
      expect(done).toEqual({ copied: 3, moved: 3, left: 0 })
      expect(problem).toMatchObject({ code: 'BLOCKS_FULL' })
      await packs.close()
    },
    { seeds: 10, maxFailures: 1 },
  )
  expect(failed).toEqual([])
})
