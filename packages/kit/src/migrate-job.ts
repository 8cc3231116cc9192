/** The job that moves the blocks of an older version into packs. It is promised when a home with such blocks is opened. */
import type { Ipfs } from '@ipfs-kit/ipfs'
import type { BorrowedParts } from '@ipfs-kit/operations'
import type { Json, OperationHandler, Wal } from '@ipfs-kit/wal'
import { z } from 'zod'
import { jsonOf, longestMs } from './jobs.ts'

/** Its type. */
export const migrateType = 'custom:migrate'

/**
 * The handler. Whoever pauses or cancels the job stops the move after its batch: everything can be read as before, and it goes on
 * when the job is resumed or retried, or the home is opened again.
 */
export function migrateHandler(lend: (names: readonly string[]) => BorrowedParts): OperationHandler {
  return {
    params: z.strictObject({}),
    timeoutMs: longestMs,
    async run(_params, { signal, progress }): Promise<Json> {
      const borrowed = lend(['ipfs'])
      try {
        const { migration } = borrowed.parts['ipfs'] as Ipfs
        // The opening before has moved all of them, and was killed before it could tell.
        if (migration === undefined) return null
        const done = await migration.run({
          signal: AbortSignal.any([signal, borrowed.signal]),
          onProgress: ({ state, blocks, ofBlocks, bytes }) =>
            progress({
              stage: state === 'stopped' ? 'waiting for room' : 'moving blocks into packs',
              bytes,
              items: blocks,
              ...(ofBlocks === undefined ? {} : { totalItems: ofBlocks }),
            }),
        })
        return jsonOf(done)
      } finally {
        borrowed.release()
      }
    },
  }
}

/** Promises the job, unless it is promised already. */
export async function promiseMigration(wal: Wal): Promise<void> {
  const unfinished = await wal.list({
    types: [migrateType],
    states: ['queued', 'running', 'retrying'],
    limit: 1,
  })
  if (unfinished.operations.length === 0) await wal.append({ type: migrateType, params: {} })
}
