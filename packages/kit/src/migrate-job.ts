/** The job that moves the blocks of an older version into packs. It is promised when a home with such blocks is opened. */
import { createEvent, moveOnAfter } from '@ipfs-kit/concurrency'
import type { Ipfs, MigrationProgress } from '@ipfs-kit/ipfs'
import type { BorrowedParts } from '@ipfs-kit/operations'
import type { HandlerContext, Json, OperationHandler, OperationProgress, Wal } from '@ipfs-kit/wal'
import { z } from 'zod'
import { jsonOf, longestMs } from './jobs.ts'

/** Its type. */
export const migrateType = 'custom:migrate'

/** The job of a kit. */
export interface MigrateJob {
  /**
   * Moves. Whoever pauses or cancels the job stops the move after its batch: everything can be read as before, and it goes on when
   * the job is resumed or retried, or the home is opened again.
   */
  readonly handler: OperationHandler
  /** Promises it, unless it is promised already. Resolves when it has begun, if it is to begin now. */
  promise(wal: Wal): Promise<void>
}

/** How long an opening waits for its beginning, which takes some milliseconds. */
const beginMs = 2000

/** Makes the job. */
export function createMigrateJob(lend: (names: readonly string[]) => BorrowedParts): MigrateJob {
  const begun = createEvent({ name: 'beginning of the move of old blocks' })

  async function run(_params: unknown, { signal, progress }: HandlerContext): Promise<Json> {
    const borrowed = lend(['ipfs'])
    try {
      const { migration } = borrowed.parts['ipfs'] as Ipfs
      // The opening before has moved all of them, and ended before it could tell.
      if (migration === undefined) return null
      const moving = migration.run({
        signal: AbortSignal.any([signal, borrowed.signal]),
        onProgress: (done) => progress(progressOf(done)),
      })
      begun.set()
      return jsonOf(await moving)
    } finally {
      borrowed.release()
    }
  }

  return {
    handler: { params: z.strictObject({}), timeoutMs: longestMs, run },
    async promise(wal) {
      const unfinished = await wal.list({
        types: [migrateType],
        states: ['queued', 'running', 'retrying'],
        limit: 1,
      })
      const [job = (await wal.append({ type: migrateType, params: {} })).operation] = unfinished.operations
      // A collection that is asked for next finds that it is under way, and waits for it.
      if (!job.paused) await moveOnAfter(beginMs, () => begun.wait())
    },
  }
}

function progressOf({ state, blocks, ofBlocks, bytes }: MigrationProgress): OperationProgress {
  return {
    stage: state === 'stopped' ? 'waiting for room' : 'moving blocks into packs',
    bytes,
    items: blocks,
    ...(ofBlocks === undefined ? {} : { totalItems: ofBlocks }),
  }
}
