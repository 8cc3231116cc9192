/** The store as a whole: its counts, and garbage collection. */
import type { BlockStore } from './block-store.ts'
import type { Calls } from './calls.ts'
import type { Repo } from './ipfs.ts'
import type { PinRecords } from './pins.ts'

/** Makes {@link Repo}. */
export function createRepo(parts: {
  readonly records: PinRecords
  readonly blocks: BlockStore
  readonly calls: Calls
}): Repo {
  const { records, blocks, calls } = parts
  return {
    stat: (options) =>
      calls.run(options, async () => {
        const { entries, bytes, keptBytes, cacheBytes, deadBytes, packBytes, maxBytes } = blocks.stats()
        const counts = { keptBytes, cacheBytes, deadBytes, packBytes, maxBytes }
        return { blocks: entries, bytes, pins: records.count(), ...counts }
      }),
    gc: (options) => calls.run(options, (signal) => blocks.collect(signal)),
  }
}
