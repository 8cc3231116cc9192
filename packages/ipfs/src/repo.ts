/** The store as a whole: its counts, and garbage collection. */
import type { BlockStore } from './block-store.ts'
import type { Calls } from './calls.ts'
import type { Repo } from './ipfs.ts'
import type { Migration } from './migration.ts'
import type { PinRecords } from './pins.ts'

/** Makes {@link Repo}. */
export function createRepo(parts: {
  readonly records: PinRecords
  readonly blocks: BlockStore
  readonly calls: Calls
  /** Of an older version's blocks, if there were any at opening. */
  readonly migration: Migration | undefined
}): Repo {
  const { records, blocks, calls, migration } = parts
  return {
    stat: (options) =>
      calls.run(options, async (signal) => {
        const counted = migration === undefined || migration.isDone ? undefined : await count(blocks, signal)
        const { entries, bytes, keptBytes, cacheBytes, deadBytes, packBytes, maxBytes } = blocks.stats()
        const counts = { keptBytes, cacheBytes, deadBytes, packBytes, maxBytes, pins: records.count() }
        if (counted === undefined) return { blocks: entries, bytes, ...counts }
        // What has not moved yet will be kept.
        return { ...counts, ...counted, keptBytes: Math.max(counted.bytes - cacheBytes, 0) }
      }),
    gc: (options) => calls.run(options, (signal) => blocks.collect(signal)),
  }
}

/** Blocks of packs and files, each once. */
async function count(blocks: BlockStore, signal: AbortSignal): Promise<{ blocks: number; bytes: number }> {
  const counted = { blocks: 0, bytes: 0 }
  for await (const { size } of blocks.list(signal)) {
    counted.blocks += 1
    counted.bytes += size
  }
  return counted
}
