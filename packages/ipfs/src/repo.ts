/** The store as a whole: its counts, and garbage collection. */
import type { Owner } from '@ipfs-kit/concurrency'
import type { BlockStore } from './block-store.ts'
import type { Calls } from './calls.ts'
import type { Repo, RepoStat } from './ipfs.ts'
import type { Migration } from './migration.ts'
import type { PinRecords } from './pins.ts'
import { SharedCalls } from './shared-calls.ts'

/** Makes {@link Repo}. */
export function createRepo(parts: {
  readonly records: PinRecords
  readonly blocks: BlockStore
  readonly calls: Calls
  /** Of the walks that several callers share. */
  readonly owner: Owner
  /** Of an older version's blocks, if there were any at opening. */
  readonly migration: Migration | undefined
}): Repo {
  const { records, blocks, calls, owner, migration } = parts
  const counting = new SharedCalls(owner, 'count of blocks', (signal) => count(blocks, signal))
  return {
    stat: (options) =>
      calls.run(options, async (signal) => {
        const counted = migration === undefined || migration.isDone ? undefined : await counting.call(signal)
        const { entries, bytes, keptBytes, cacheBytes, deadBytes, packBytes, maxBytes } = blocks.stats()
        const counts = counted ?? { blocks: entries, bytes, keptBytes, cacheBytes }
        return { ...counts, deadBytes, packBytes, maxBytes, pins: records.count() }
      }),
    gc: (options = {}) => calls.run(options, (signal) => blocks.collect({ ...options, signal })),
  }
}

type Counted = Pick<RepoStat, 'blocks' | 'bytes' | 'keptBytes' | 'cacheBytes'>

/** Blocks of packs and files, each once. */
async function count(blocks: BlockStore, signal: AbortSignal): Promise<Counted> {
  const counted = { blocks: 0, bytes: 0, keptBytes: 0, cacheBytes: 0 }
  for await (const { size, stream } of blocks.list(signal)) {
    counted.blocks += 1
    counted.bytes += size
    counted[stream === 'kept' ? 'keptBytes' : 'cacheBytes'] += size
  }
  return counted
}
