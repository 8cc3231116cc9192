/** Lets go of the records that no checkpoint needs any more. */
import type { Log } from '@ipfs-kit/wal'
import { storeFailure } from './failure.ts'
import { publishCheckpointFailure } from './reports.ts'

/** The checkpoint is made already, whatever comes of it: what cannot be dropped now is dropped with the next one. */
export async function dropLog(log: Log, lsn: number): Promise<void> {
  try {
    await log.dropBefore(lsn)
  } catch (cause) {
    publishCheckpointFailure(storeFailure(cause, 'drop old records'))
  }
}
