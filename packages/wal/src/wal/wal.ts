/** What the durable log of operations is to those who use it. */
import type { z } from 'zod'
import type { CallOptions, Finding, LogStats, ReadOptions } from '../log/log.ts'
import type { IndexStats, OperationCount, OperationFilter } from '../store/operation-index.ts'
import type { StoreFinding, StoreStats, StoreVerifyReport } from '../store/operation-store.ts'
import type {
  ItemResult,
  Json,
  LoggedOperation,
  OperationProgress,
  OperationTypeName,
  PromisedOperation,
} from '../store/operation.ts'
import type { NumberedRecord, WalConfig } from '../store/record.ts'

/** What a handler is given besides the parameters. */
export interface HandlerContext {
  /** The operation as it was when this attempt began, with what earlier attempts have left. */
  readonly operation: LoggedOperation
  /** The same as `operation.checkpoint`. */
  readonly checkpoint: Json | undefined
  /** Cancels the attempt, as the scope that the handler runs in does; for foreign APIs. */
  readonly signal: AbortSignal
  /** Tells what has been done. Never waits; written to the log at most once a second, shown at once. */
  readonly progress: (progress: OperationProgress) => void
  /** Tells what became of items. Never waits; written with the progress, and before the attempt ends. */
  readonly results: (results: readonly ItemResult[]) => void
  /** Saves what the next attempt is to find; resolves when it is acknowledged. @throws WalError; the reason of the signal */
  readonly save: (checkpoint: Json) => Promise<void>
  /** Promises an operation together with the completion of this one: both are in the log, or neither. */
  readonly followUp: (operation: NewOperation) => void
}

/**
 * How a type of operation is done. **At least once**: after a crash, or when the answer of a disk was lost, a handler runs
 * again for an operation that it has done. So doing it twice must be the same as doing it once: what has effects elsewhere
 * passes `operation.id` on as its idempotency key, or looks first whether it is done.
 */
export interface OperationHandler<Params = any, Result = any> {
  /** Checked at append, and what an attempt is given. */
  readonly params: z.ZodType<Params>
  /** Checked when an attempt has returned. Default: anything that is JSON. */
  readonly result?: z.ZodType<Result>
  /** What it returns is the result: JSON of at most `maxResultBytes`. What it throws fails the attempt. */
  readonly run: (params: Params, context: HandlerContext) => Promise<Result> | Result
  /**
   * CIDs that the parameters name: whoever appends such an operation, they are retained while it is unfinished. What it throws
   * refuses the append. Default: none.
   */
  readonly cids?: (params: Params) => readonly string[]
  /** Attempts until it is a dead letter, 1 to 100. Default 5. */
  readonly maxAttempts?: number
  /** Milliseconds that an attempt may take. Default 3,600,000. */
  readonly timeoutMs?: number
  /** Default `retry`. */
  readonly onInterrupted?: PromisedOperation['onInterrupted']
  /** Whether a failure may be tried again. Default: unless its error has `kind` `invalid`, `not-found`, `not-supported`, `forbidden`. */
  readonly isRetryable?: (error: unknown) => boolean
}

/** Handlers by type. */
export type OperationTypes = { readonly [name in OperationTypeName]?: OperationHandler }

/** An operation as it is asked for. */
export interface NewOperation {
  readonly type: OperationTypeName
  readonly params: unknown
  readonly backend?: string
  /** 0 to 9, the larger first. Default 5. */
  readonly priority?: number
  /** Milliseconds since 1970. Default: at once. */
  readonly notBefore?: number
  /** Ids of operations that have to be completed before. At most 1,000. */
  readonly after?: readonly number[]
  /** Positions, in the same batch, of operations that have to be completed before. */
  readonly afterInBatch?: readonly number[]
  /** 1 to 200 characters. Within `idempotencyWindowMs` a second one with the same key gives the first. */
  readonly key?: string
  readonly timeoutMs?: number
  readonly expiresAt?: number
  readonly maxAttempts?: number
  /**
   * CIDs that are retained while it is unfinished, such as large payloads, besides those that its parameters name. At most 1,000 in
   * all, in base32, base36 or base58btc, of at most 1,000 characters each.
   */
  readonly cids?: readonly string[]
}

/** What an append gives. */
export interface Appended {
  readonly operation: LoggedOperation
  /** False if its key was used before: it is that operation. */
  readonly isNew: boolean
}

/** A page of a list. */
export interface OperationPage {
  readonly operations: readonly LoggedOperation[]
  /** For `before` of the next page, if there is more. */
  readonly next?: number
}

/** Something that changed, as it is followed. */
export interface OperationChange {
  /** The LSN of the record that changed it: following goes on from the one behind it. */
  readonly lsn: number
  readonly operation: LoggedOperation
}

/** Something was missed: who follows was too slow, or asked for what the log has let go, or for what is behind its end. */
export interface MissedChanges {
  /** Changes behind this LSN were missed … */
  readonly missedAfter: number
  /** … up to this one. What they have made is told by `get` and `list`. */
  readonly missedThrough: number
}

/** What is known of a backend. `evidence` is of the last real probe or attempt. */
export interface BackendHealth {
  readonly backend: string
  readonly state: 'online' | 'degraded' | 'offline'
  readonly since: number
  readonly evidence: string
  /** Attempts under way. */
  readonly running: number
  readonly limit: number
  /** When it is probed next, while it is offline. */
  readonly nextProbeAt?: number
}

/** What became of finished operations that were to be archived. */
export interface ArchiveReport {
  /** Operations that are in the file, and not in the log any more. */
  readonly operations: number
  /** Absolute path; absent if there were none. */
  readonly file?: string
  readonly bytes: number
}

/** Something that opening has found: of the segments, or of snapshot, index and operations. */
export type WalFinding = Finding | StoreFinding

/** A frozen look at a log of operations. */
export interface WalStats {
  readonly epoch: number
  readonly log: LogStats
  readonly index: IndexStats
  readonly store: StoreStats
  readonly operations: readonly OperationCount[]
  readonly unfinished: number
  /** Attempts under way. */
  readonly running: number
  /** Of these: whose handlers go on longer than `stuckMs` after they were cancelled. They keep their operations. */
  readonly stuck: number
  readonly draining: boolean
  /** Why nothing is begun and written any more, if the log or its index has failed. */
  readonly stopped: string | undefined
  /** Why the disk did not take what was written last, if it did not. What comes next may be taken, as when a volume has room again. */
  readonly refused: string | undefined
  readonly followers: number
  /** Since it was opened. */
  readonly completed: number
  readonly failed: number
  readonly retried: number
  readonly backends: readonly BackendHealth[]
}

/** An open log of operations with its executor. */
export interface Wal extends AsyncDisposable {
  /** The options that it was opened with, defaults included, by their names. Frozen. */
  readonly config: WalConfig
  /** What was found at opening, or of what was promised before, that is not as it should be; of the segments first. */
  readonly findings: readonly WalFinding[]
  /**
   * Promises an operation; resolves when that is acknowledged. Who leaves before that may have promised it or not: with a key the
   * next append tells.
   *
   * @throws WalError WAL_TYPE_UNKNOWN, WAL_PARAMS_INVALID, WAL_CID_INVALID, WAL_DEPENDENCY, WAL_KEY_CONFLICT, WAL_BUSY (too many
   *   unfinished), and as `Log.append`; TypeError, RangeError; what `cids` of the handler throws; the reason of the signal
   */
  append(operation: NewOperation, options?: CallOptions): Promise<Appended>
  /** Promises operations as one: all of them, or none. Positions stay. @throws as {@link append} */
  appendMany(operations: readonly NewOperation[], options?: CallOptions): Promise<Appended[]>
  get(id: number, options?: CallOptions): Promise<LoggedOperation | undefined>
  /** The newest first. */
  list(
    query?: OperationFilter & { readonly before?: number; readonly limit?: number } & CallOptions,
  ): Promise<OperationPage>
  /** Waits until it has ended. @throws WalError WAL_NOT_FOUND; the reason of the signal */
  wait(id: number, options?: CallOptions): Promise<LoggedOperation>
  /** Ends it before its end; what runs is cancelled and waited for. @throws WalError WAL_NOT_FOUND, WAL_STATE (finished) */
  cancel(id: number, options?: CallOptions & { readonly reason?: string }): Promise<LoggedOperation>
  /** Keeps it from beginning; an attempt under way is cancelled, waited for, and does not count. @throws as {@link cancel} */
  pause(id: number, options?: CallOptions): Promise<LoggedOperation>
  resume(id: number, options?: CallOptions): Promise<LoggedOperation>
  /**
   * Queues a failed or cancelled one again. It waits for what it depends on and has not ended; what of that has failed or was
   * cancelled is not asked for again. @throws WalError WAL_NOT_FOUND, WAL_STATE
   */
  retry(id: number, options?: CallOptions): Promise<LoggedOperation>
  /** Removes finished operations. @returns how many */
  deleteFinished(
    filter?: OperationFilter & { readonly finishedBefore?: number } & CallOptions,
  ): Promise<number>
  /**
   * Operations as they change, from an LSN on, and then as it happens. Who is slower than the changes is told what it missed:
   * at most `maxFollowed` changes wait for it. Who asks for more than the next change has known another log, and is told to have missed
   * all of this one. The latest state of an operation may stand for several changes of it. It begins with
   * the first `next()`, and ends when the log is closed.
   *
   * @throws TypeError, RangeError for options, at once; while following WalError WAL_CLOSED, and as `Log.read`; the reason of the
   *   signal
   */
  follow(
    options?: OperationFilter & { readonly from?: number; readonly id?: number } & CallOptions,
  ): AsyncGenerator<OperationChange | MissedChanges, void, undefined>
  /**
   * Writes finished operations to a file of JSON lines in the folder `archive`, and removes them when it survives a power loss:
   * those that are in it, and no others. @throws WalError WAL_FULL, WAL_IO, and as {@link append}
   */
  archive(
    filter?: OperationFilter & { readonly finishedBefore?: number } & CallOptions,
  ): Promise<ArchiveReport>
  /** The records that were acknowledged when the reading began, in order. @throws as `Log.read` */
  records(options?: ReadOptions): AsyncGenerator<NumberedRecord, void, undefined>
  /** Reads and checks log and snapshot, and compares the index with what they make. Changes nothing. @throws as `Log.verify`, WAL_INDEX_FAILED */
  verify(options?: CallOptions): Promise<StoreVerifyReport>
  /** Makes the index anew from snapshot and log; the present one answers until then. @throws WalError WAL_CORRUPT if the snapshot is damaged, WAL_IO, WAL_INDEX_FAILED */
  rebuildIndex(options?: CallOptions): Promise<void>
  /** The backends as they are, and then each as its state changes; of several changes that nobody has taken the last. */
  followBackends(options?: CallOptions): AsyncGenerator<BackendHealth, void, undefined>
  /** Probes a backend now. @throws WalError WAL_NOT_FOUND */
  probe(backend: string, options?: CallOptions): Promise<BackendHealth>
  /**
   * CIDs that unfinished operations name: a claim on the block store. What an older version has let in and cannot be parsed is left
   * out, and is among the `findings` from then on.
   */
  retainedCids(options?: CallOptions): Promise<string[]>
  stats(): WalStats
  /**
   * Begins nothing any more, waits for what runs (`drainMs`, then it is cancelled and goes on at the next opening), and closes.
   * A handler that goes on after it was cancelled is waited for, since nobody else may have its operation. Idempotent. In a handler
   * it begins the same, and this wait is cancelled with the attempt when `drainMs` is over.
   */
  close(): Promise<void>
}
