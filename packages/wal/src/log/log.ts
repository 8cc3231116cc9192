/** What a log is. */
import type { WalError } from '../errors.ts'

/** When an append is acknowledged, and so what can be lost. */
export type Mode =
  /** After its sync. What was acknowledged survives `kill -9` and power loss. */
  | 'always'
  /**
   * After its write. Survives `kill -9`. A power loss takes what was appended since the last sync, at most `intervalMs` and the
   * time of a sync before; of that it may leave later records and lose earlier ones.
   */
  | 'interval'
  /**
   * After its write. Survives `kill -9`. A power loss takes what the system has not written out by itself, at most the segment
   * that takes records; of that it may leave later records and lose earlier ones.
   */
  | 'os'

/** Options of all calls that wait. */
export interface CallOptions {
  /** Cancels the wait, which then rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link Log.read}. */
export interface ReadOptions extends CallOptions {
  /** The first LSN, 1 or more. Default: the first that there is. */
  readonly from?: number
}

/** Records that follow one another. */
export interface Batch {
  /** The LSN of the first; those that follow have the next ones. */
  readonly firstLsn: number
  /** One or more. */
  readonly payloads: readonly Uint8Array[]
}

/** How something is not as the log has written it. */
export type FindingKind =
  /** The end of a write that was cut short. It was replaced by zeros. After a power loss in `always` it was never acknowledged. */
  | 'torn-tail'
  /**
   * Bytes that are damaged or cannot be read: before records that are whole, or more of them behind the last record than one write
   * that was cut short. They are in `quarantine`, with zeros for what cannot be read; what is behind them is read on.
   */
  | 'damage'
  /** The file of a segment is shorter than it was made. */
  | 'cut'
  /** The head of a segment is damaged. Its records are found by its name. */
  | 'header'
  /** Records are missing between segments, and no damaged bytes are in their place. */
  | 'missing'

/** Something that is not as the log has written it. */
export interface Finding {
  readonly kind: FindingKind
  /** Name of the file of the segment; of what is missing that of the segment behind it. */
  readonly segment: string
  /** Where it begins in the file. */
  readonly offset: number
  /** How many bytes, of what is there. */
  readonly bytes: number
  /** The first LSN that is lost by it. Absent where none is. */
  readonly firstLost?: number
  /** The last one; of bytes at the end of the newest segment that cannot be read, the last one that can have been there. */
  readonly lastLost?: number
}

/** What {@link Log.verify} has found. */
export interface VerifyReport {
  readonly segments: number
  readonly records: number
  /** Bytes that were looked at. */
  readonly bytes: number
  readonly findings: readonly Finding[]
}

/** A frozen look at a log. */
export interface LogStats {
  /** `stopped`: a sync has failed, and nothing is appended any more. */
  readonly state: 'open' | 'stopped' | 'closed'
  readonly mode: Mode
  /** The first LSN that there is; {@link nextLsn} if there is none. */
  readonly firstLsn: number
  /** The LSN of the next record. */
  readonly nextLsn: number
  /** All records up to this one survive a power loss; 0 if none does. */
  readonly durableLsn: number
  readonly segments: number
  /** Bytes that the files of the segments take, the part that was taken ahead included. */
  readonly bytes: number
  /** What a power loss would take now, of what was acknowledged, and at most. */
  readonly loss: {
    readonly records: number
    readonly bytes: number
    /** The age of the oldest that may be lost, in milliseconds, and the time of a sync: 0 in `always`, absent in `os`. */
    readonly maxMs?: number
    /** 0 in `always`, else the bytes of a segment. */
    readonly maxBytes: number
  }
  /** Syncs of files and folders since it was opened. */
  readonly syncs: number
  /** Frames written since it was opened; each has the records of all who waited. */
  readonly batches: number
  /** Records appended since it was opened. */
  readonly records: number
  readonly queue: {
    /** Appends that wait to be written. */
    readonly appends: number
    /** Bytes of their records, and 64 for each record. */
    readonly bytes: number
    /** Appends that wait for room in the queue. */
    readonly waiting: number
  }
  /** What went wrong last, of appends and of what is done beside them. */
  readonly lastFailure: WalError | undefined
}

/** An open log. Closing it is also disposing of it. */
export interface Log extends AsyncDisposable {
  /** What was found at opening, in order. */
  readonly findings: readonly Finding[]
  /** Bytes that a record has at most. */
  readonly maxRecordBytes: number
  /**
   * Appends a record; resolves to its LSN when it is acknowledged. Who is cancelled while it waits in the queue has appended
   * nothing; later it may be in the log or not.
   *
   * @param payload - must not change until this settles
   * @throws WalError WAL_TOO_LARGE, WAL_FULL, WAL_IO, WAL_SYNC_FAILED, WAL_CLOSED; TypeError; the reason of the signal
   */
  append(payload: Uint8Array, options?: CallOptions): Promise<number>
  /**
   * Appends records as one: after a crash all of them are there, or none. Resolves to their LSNs, which follow one another.
   *
   * @throws as {@link append}; WAL_TOO_LARGE if they do not fit into one segment
   */
  appendMany(payloads: readonly Uint8Array[], options?: CallOptions): Promise<number[]>
  /**
   * The records that were acknowledged when the reading began, in order, as many at a time as are in memory: those of 512 KiB,
   * mostly. What was lost (see {@link findings}) is left out. The log does not use the payloads again, which may be views of
   * all these bytes: copy what is small and kept.
   *
   * @throws TypeError, RangeError for options, at once; while reading WalError WAL_DROPPED, WAL_CORRUPT, WAL_IO, WAL_CLOSED; the
   *   reason of the signal
   */
  read(options?: ReadOptions): AsyncGenerator<Batch, void, undefined>
  /**
   * Removes segments all of whose records are below an LSN, the oldest first; the newest segment with records stays. What is
   * behind them is synced before. A `quarantine` stays.
   *
   * @returns how many segments were removed
   * @throws RangeError; WalError WAL_IO, WAL_SYNC_FAILED, WAL_CLOSED; the reason of the signal
   */
  dropBefore(lsn: number, options?: CallOptions): Promise<number>
  /**
   * Reads and checks everything that was acknowledged when it began. Changes nothing.
   *
   * @throws WalError WAL_DROPPED, WAL_IO, WAL_CLOSED; the reason of the signal
   */
  verify(options?: CallOptions): Promise<VerifyReport>
  stats(): LogStats
  /**
   * Writes and syncs what was appended, in every mode, and ends. Idempotent. What comes after it, and what waits for room in the
   * queue, rejects with WAL_CLOSED.
   *
   * @throws WalError WAL_SYNC_FAILED, if the last sync failed; it is closed all the same
   */
  close(): Promise<void>
}
