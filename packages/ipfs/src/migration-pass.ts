/** Going over the files of the old store once, batch by batch. */
import { BlocksError, type Stream } from '@ipfs-kit/blocks'
import { now } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { Batch, type BatchParts } from './migration-batch.ts'
import { orLeft } from './old-blocks.ts'
import { type OldGroup, oldGroups } from './old-groups.ts'

/** After so many blocks, bytes or milliseconds a batch ends. */
export interface BatchLimits {
  /** Default 4,096. */
  readonly batchBlocks: number
  /** Default 67,108,864 (64 MiB). */
  readonly batchBytes: number
  /** Default 500. */
  readonly batchMs: number
}

/** What a pass is made of. */
export interface PassOptions {
  readonly parts: BatchParts
  readonly limits: BatchLimits
  readonly stream: Stream
  readonly isWanted: (cid: CID) => boolean
  /** Asked before some more are copied. */
  readonly hasRoom: () => boolean
  /** Called when all of a shard that is wanted has moved. */
  readonly ended: (shard: string) => Promise<void>
  /** Ends it with the running batch. */
  readonly signal: AbortSignal
}

type Groups = AsyncGenerator<OldGroup, void, undefined>

/** Resolves to `undefined` when all that is wanted was moved or left, and to `BLOCKS_FULL` when some finds no room. */
export async function movePass(options: PassOptions): Promise<BlocksError | undefined> {
  const { parts, stream, isWanted, hasRoom, signal } = options
  const groups = oldGroups(parts.old, isWanted, parts.left)
  let refused: readonly CID[] = []
  while (!signal.aborted) {
    if (!hasRoom()) return await lackOfRoom(refused, groups)
    using batch = new Batch(parts, stream)
    // Since they found no room the files of others have gone.
    await batch.copy(refused)
    const { shards, isLast } = await fill(batch, groups, options)
    if (batch.blocks === 0 && batch.full !== undefined) return batch.full
    await batch.finish()
    for (const shard of shards) await endShard(shard, options)
    refused = batch.refused
    if (isLast && refused.length === 0) return undefined
  }
  return undefined
}

async function fill(
  batch: Batch,
  groups: Groups,
  { limits, hasRoom, signal }: PassOptions,
): Promise<{ readonly shards: readonly string[]; readonly isLast: boolean }> {
  const until = now() + limits.batchMs
  const shards: string[] = []
  while (batch.blocks < limits.batchBlocks && batch.bytes < limits.batchBytes && batch.refused.length === 0) {
    if (now() >= until || signal.aborted || !hasRoom()) break
    const { value, done } = await groups.next()
    if (done === true) return { shards, isLast: true }
    if (value.endOf !== undefined) shards.push(value.endOf)
    await batch.copy(value.cids)
  }
  return { shards, isLast: false }
}

async function endShard(shard: string, { parts, ended }: PassOptions): Promise<void> {
  await orLeft(() => parts.old.removeShard(shard), parts.left)
  await ended(shard)
}

/** That some are left; `undefined` if none is. */
async function lackOfRoom(refused: readonly CID[], groups: Groups): Promise<BlocksError | undefined> {
  const isSome = refused.length > 0 || (await hasMore(groups))
  if (!isSome) return undefined
  return new BlocksError('BLOCKS_FULL', 'no pin reaches them, and a collection removes them')
}

async function hasMore(groups: Groups): Promise<boolean> {
  for await (const { cids } of groups) if (cids.length > 0) return true
  return false
}
