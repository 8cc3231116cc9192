/** What finds operations: derived from snapshot and log, in memory or in SQLite. */
import type { Keeping } from './kept-operations.ts'
import type { LoggedOperation, OperationState } from './operation.ts'
import type { WalError } from '../errors.ts'
import type { Batch, CallOptions } from '../log/log.ts'

/** Which operations a list has. What is absent does not restrict. */
export interface OperationFilter {
  readonly states?: readonly OperationState[]
  readonly types?: readonly string[]
  readonly backends?: readonly string[]
  readonly createdAfter?: number
  readonly createdBefore?: number
  readonly paused?: boolean
}

/** A page of a list: the newest first. */
export interface OperationQuery extends OperationFilter {
  /** Ids below this one. */
  readonly before?: number
  /** 1 to 1,000. */
  readonly limit: number
}

/** How many operations are in a state, by type and backend. */
export interface OperationCount {
  readonly state: OperationState
  readonly type: string
  readonly backend: string
  readonly operations: number
}

/** An idempotency key that is still in its window. */
export interface KeyEntry {
  readonly key: string
  readonly id: number
  readonly at: number
  /** SHA-256 of type and parameters, in hexadecimal: the same key with something else is a conflict. */
  readonly digest: string
}

/** What retention takes away. */
export interface Retention {
  /** Keys that were used before this time are forgotten, but for those of unfinished operations. */
  readonly keysBefore: number
  /** Finished operations that ended before this time go. */
  readonly finishedBefore: number
  /** And all but the last so many. */
  readonly keepFinished: number
}

/** Entries of an index, as JSON: what a snapshot is made of. */
export interface IndexPart {
  /**
   * `config` is of one `WalConfig`, `operations` are of {@link LoggedOperation}, `keys` of {@link KeyEntry}, `waits` of `[on, id]`: who
   * waits for what.
   */
  readonly kind: 'config' | 'operations' | 'keys' | 'waits'
  readonly count: number
  /** The text of one array, in UTF-8. */
  readonly json: Uint8Array
}

/** What is told before the parts. */
export interface ImageHead {
  /** Everything is as of this LSN. */
  readonly lsn: number
  readonly epoch: number
  readonly operations: number
  readonly keys: number
  readonly waits: number
  /** 1 if it is known with which options operations were run, else 0. */
  readonly config: number
}

/** All of an index as of one LSN. */
export interface IndexImage extends AsyncDisposable {
  readonly head: ImageHead
  /** The parts, each of about a quarter of a megabyte. @throws WalError WAL_INDEX_FAILED */
  parts(): AsyncGenerator<IndexPart, void, undefined>
}

/** A frozen look at an index. */
export interface IndexStats {
  readonly appliedLsn: number
  /** Age of the oldest batch that was given and is not applied, in milliseconds. */
  readonly lagMs: number
  /** Bytes of batches that were given and are not applied. */
  readonly queuedBytes: number
  readonly operations: number
  readonly unfinished: number
  /** Bytes of unfinished operations, as JSON. */
  readonly unfinishedBytes: number
  /**
   * Operations of older epochs that `due` and `finished` do not have yet: they become pending, or end, little by little after an
   * opening. All other queries have them as they will be.
   */
  readonly recovering: number
  /** The volume is full: nothing is applied until there is room, which is looked for again and again. */
  readonly isFull: boolean
}

/**
 * Operations as of {@link appliedLsn}; what `apply` was given is there after `applied`. Queries are synchronous and bounded.
 * Two implementations, one meaning: `memory-index.ts` says what it is.
 */
export interface OperationIndex extends AsyncDisposable {
  readonly appliedLsn: number
  /** The epoch of the last process that opened the log; 0 if there was none. */
  readonly epoch: number
  /** Why it is applied to no more. */
  readonly failure: WalError | undefined
  /** Takes the next batch; batches come in order and without gaps but for LSNs that the log has lost. Never waits. */
  apply(batch: Batch): void
  /** Waits until everything up to an LSN is applied. @throws WalError WAL_INDEX_FAILED, WAL_FULL while the volume is full */
  applied(lsn: number, options?: CallOptions): Promise<void>
  get(id: number): LoggedOperation | undefined
  /** The operation that was promised under a key that is still in its window. */
  byKey(key: string): KeyEntry | undefined
  list(query: OperationQuery): LoggedOperation[]
  counts(): OperationCount[]
  /** Lanes (backends, and the one without) that have pending operations. */
  lanes(): string[]
  /** Pending operations of a lane that are due: the highest priority first, of one priority who is due first, then by id. */
  due(lane: string, now: number, limit: number): LoggedOperation[]
  /** When the next pending operation of a lane is due that is not due now. */
  nextDue(lane: string, now: number): number | undefined
  /** Unfinished operations that expire up to a time, the first of them first; at most so many. */
  expired(now: number, limit: number): number[]
  /** When the next unfinished operation expires that has not expired yet. */
  nextExpiry(now: number): number | undefined
  /** Finished operations, oldest end first, for `deleteFinished`; at most so many. */
  finished(filter: OperationFilter & { readonly finishedBefore?: number }, limit: number): number[]
  /** CIDs that unfinished operations name. */
  retainedCids(): string[]
  /**
   * Told, after a batch was applied, of lanes that got operations which became pending in another way than by being added or
   * changed themselves: by the end of a dependency.
   */
  onReady: ((lane: string) => void) | undefined
  /**
   * Takes away what retention says, as if what is kept were not there. Not a record: each index comes to the same by itself, sooner
   * or later.
   */
  retain(retention: Retention): Promise<{ readonly operations: number; readonly keys: number }>
  /** Keeps operations from retention, whether they have ended or not. */
  keep(ids: readonly number[]): Keeping
  /** Waits for what retention is taking away, which may be what is kept only since. */
  retained(options?: CallOptions): Promise<void>
  /** Waits until nothing of an older epoch is left as running, of what was applied. @throws as {@link applied} */
  recovered(options?: CallOptions): Promise<void>
  /** Looks at everything as of one LSN. What comes meanwhile is applied all the same. @throws as {@link recovered} */
  image(options?: CallOptions): Promise<IndexImage>
  /** Becomes what an image was. Nothing is applied meanwhile. @throws as {@link recovered}; what `parts` throws */
  load(head: Pick<ImageHead, 'lsn' | 'epoch'>, parts: AsyncIterable<IndexPart>): Promise<void>
  /** Makes an empty index of the same kind beside this one. One at a time. @throws as {@link recovered} */
  beside(): Promise<OperationIndex>
  /**
   * Goes on as another one, which {@link beside} has made, and closes that. Nothing is applied while `catchUp` brings it to what
   * this one was given.
   *
   * @throws as {@link recovered}; what `catchUp` throws, and then it stays as it is
   */
  become(other: OperationIndex, catchUp: () => Promise<void>): Promise<void>
  stats(): IndexStats
  close(): Promise<void>
}
