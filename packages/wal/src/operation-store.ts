/** The records of operations and what finds them: a log, its index, and the snapshot of what the log has let go. */
import type { CallOptions, Log } from './log.ts'
import type { OperationIndex } from './operation-index.ts'
import type { WalRecord } from './record.ts'

/** An open store. It knows records and states, and nothing of handlers. */
export interface OperationStore extends AsyncDisposable {
  /** The epoch of this opening, one more than that of any before: who holds an operation holds it under this number. */
  readonly epoch: number
  readonly log: Log
  readonly index: OperationIndex
  /**
   * Appends records as one batch; resolves to their LSNs when they are acknowledged. They are given to the index by then. Slowed
   * while the index lags.
   *
   * @throws WalError as `Log.appendMany`, WAL_INDEX_FAILED; the reason of the signal
   */
  append(records: readonly WalRecord[], options?: CallOptions): Promise<number[]>
  close(): Promise<void>
}
