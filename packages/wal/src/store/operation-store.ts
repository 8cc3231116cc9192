/** The records of operations and what finds them: a log, its index, and the snapshot of what the log has let go. */
import type { WalError } from '../errors.ts'
import type { CallOptions, Log, VerifyReport } from '../log/log.ts'
import type { OperationIndex } from './operation-index.ts'
import type { WalRecord } from './record.ts'

/** Something that is not as the store has left it, beside what the log has found. */
export interface StoreFinding {
  readonly kind:
    /** The index was missing, damaged, of another version or not of this log. It was made from snapshot and log, and nothing is lost. */
    | 'index'
    /** The snapshot is not as it was written. Where the index is whole nothing is lost, and another one is written. */
    | 'snapshot'
    /** What was before the first record of the log is in no snapshot. Where the index is whole nothing is lost, as before. */
    | 'no-snapshot'
    /** An operation that an older version has promised names a CID that is none. Nothing is retained for it. */
    | 'cid'
  readonly message: string
  /** What was known up to this LSN is lost, but for what could still be read. Absent if nothing is. */
  readonly lostThrough?: number
}

/** What {@link OperationStore.verify} has found. */
export interface StoreVerifyReport {
  readonly log: VerifyReport
  /** Absent if there is none. */
  readonly snapshot:
    | { readonly lsn: number; readonly operations: number; readonly failure: WalError | undefined }
    | undefined
  /** The index beside what snapshot and log make, as of one LSN. Not compared if the snapshot is damaged. */
  readonly index: {
    readonly lsn: number
    /** Operations that were compared. */
    readonly operations: number
    /** Ids of operations, at most 1,000, that are not what they should be, are missing, or should not be there. */
    readonly wrong: readonly number[]
  }
}

/** A frozen look at a store. */
export interface StoreStats {
  /** The last snapshot; absent if there is none. */
  readonly snapshotLsn?: number
  readonly checkpoints: number
  /** Why the last checkpoint failed, if it did. */
  readonly checkpointFailure: WalError | undefined
  /** Appends that are slowed now. */
  readonly slowed: number
}

/** An open store. It knows records and states, and nothing of handlers. */
export interface OperationStore extends AsyncDisposable {
  /** The epoch of this opening, one more than that of any before: who holds an operation holds it under this number. */
  readonly epoch: number
  readonly log: Log
  readonly index: OperationIndex
  /** What was found at opening, beside the findings of the log. */
  readonly findings: readonly StoreFinding[]
  /**
   * Appends records as one batch; resolves to their LSNs when they are acknowledged. They are given to the index by then. Slowed,
   * in the order of asking, while the index lags, and while the log is long and a checkpoint is under way.
   *
   * @throws WalError as `Log.appendMany`, WAL_INDEX_FAILED, WAL_BUSY for an `add`; the reason of the signal
   */
  append(records: readonly WalRecord[], options?: CallOptions): Promise<number[]>
  /**
   * Takes away what retention says, writes a snapshot, and drops what of the log is in it. Done by itself as the log grows.
   *
   * @throws WalError WAL_FULL, WAL_IO, WAL_SYNC_FAILED, WAL_INDEX_FAILED, WAL_CLOSED; the reason of the signal
   */
  checkpoint(options?: CallOptions): Promise<void>
  /**
   * Makes the index anew from snapshot and log, beside the present one, which answers until then. There is no checkpoint meanwhile:
   * appends may be slowed.
   *
   * @throws WalError WAL_CORRUPT if the snapshot is damaged, and the index stays as it is; as {@link checkpoint}
   */
  rebuildIndex(options?: CallOptions): Promise<void>
  /**
   * Reads and checks log and snapshot, and compares the index with what they make. Changes nothing. There is no checkpoint meanwhile:
   * appends may be slowed.
   *
   * @throws WalError as `Log.verify`, WAL_INDEX_FAILED
   */
  verify(options?: CallOptions): Promise<StoreVerifyReport>
  stats(): StoreStats
  close(): Promise<void>
}
