/** What an operation is: work that was promised, and what has become of it. */

/** What can be stored as JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The types that there are; what is registered decides which of them are taken. */
export type OperationTypeName =
  | 'add'
  | 'get'
  | 'pin'
  | 'unpin'
  | 'rm'
  | 'cat'
  | 'list'
  | 'mkdir'
  | 'copy'
  | 'move'
  | 'upload'
  | 'download'
  | `custom:${string}`

/** Where an operation is on its way. The last three are its ends. */
export type OperationState =
  /** It waits for its turn, its time, its dependencies, or to be resumed. */
  | 'queued'
  /** An attempt is under way. */
  | 'running'
  /** An attempt has failed, or was interrupted by the end of its process; another one follows when it is due. */
  | 'retrying'
  | 'completed'
  /** A dead letter: it is not tried again by itself. Its failure says why, its attempts what was tried. */
  | 'failed'
  | 'cancelled'

/** Why something failed. */
export interface OperationFailure {
  readonly code: string
  readonly message: string
}

/** How an attempt ended. */
export type AttemptOutcome =
  | 'completed'
  | 'failed'
  /** Its process ended, or the child process of its handler did without an answer or was silent. */
  | 'interrupted'
  | 'cancelled'
  /** It was stopped so that it goes on later, by a pause or while the executor drained. It does not count against the limit. */
  | 'released'

/** One attempt. */
export interface Attempt {
  /** From 1. */
  readonly attempt: number
  /** The epoch of the process that ran it. */
  readonly epoch: number
  /** Milliseconds since 1970, as are all times here. */
  readonly startedAt: number
  /** The bytes of the progress that it found; absent for none. */
  readonly fromBytes?: number
  /** Absent while it is under way. Of what was interrupted: when that was noticed. */
  readonly endedAt?: number
  readonly outcome?: AttemptOutcome
  readonly failure?: OperationFailure
}

/** What has been done so far. */
export interface OperationProgress {
  readonly stage: string
  readonly bytes: number
  readonly totalBytes?: number
  readonly items?: number
  readonly totalItems?: number
}

/** What became of one item of several. */
export interface ItemResult {
  readonly name: string
  readonly result?: Json
  readonly failure?: OperationFailure
}

/** Item results, counted; the failed ones and the first of the others have their text. */
export interface ItemResults {
  readonly done: number
  readonly failed: number
  /** At most 1,000. */
  readonly results: readonly ItemResult[]
}

/** An operation as it was promised; it does not change afterwards. */
export interface PromisedOperation {
  readonly type: OperationTypeName
  readonly params: { readonly [key: string]: Json }
  /** The backend whose limit and health it stands under. */
  readonly backend?: string
  /** 0 to 9, the larger first. */
  readonly priority: number
  /** Ids of operations that have to be completed before. */
  readonly after: readonly number[]
  readonly key?: string
  /** Milliseconds that an attempt may take. */
  readonly timeoutMs: number
  /** When it fails if it has not ended. */
  readonly expiresAt?: number
  /** Attempts until it is a dead letter. */
  readonly maxAttempts: number
  /** What becomes of it when its process ends: `fail` if what it works on is gone then, such as a body that was being sent. */
  readonly onInterrupted: 'retry' | 'fail'
  /** CIDs that are retained while it is unfinished. */
  readonly cids: readonly string[]
  readonly createdAt: number
}

/** An operation as it is now. */
export interface LoggedOperation extends PromisedOperation {
  /** The LSN of the record that promised it. */
  readonly id: number
  /** The LSN of the record that changed it last. */
  readonly lsn: number
  readonly state: OperationState
  /** It is not begun until it is resumed. */
  readonly paused: boolean
  /** When it may begin. */
  readonly dueAt: number
  /** Dependencies that have not completed. */
  readonly waitingFor: number
  /** A dependency that failed or was cancelled: it fails when its turn comes. */
  readonly brokenBy?: number
  /** The epoch of the process that has it, while it is running. */
  readonly epoch?: number
  /** Attempts begun. */
  readonly attemptCount: number
  /** It is a dead letter when so many attempts have failed or been interrupted. Raised by what does not count, and by a retry. */
  readonly attemptLimit: number
  /** The last 100 attempts. */
  readonly attempts: readonly Attempt[]
  readonly progress?: OperationProgress
  readonly items?: ItemResults
  /** What its handler wants to find in the next attempt. */
  readonly checkpoint?: Json
  readonly result?: Json
  /** Why it has failed, or is to be tried again; of a cancellation its reason. None while it is tried again: the attempts have theirs. */
  readonly failure?: OperationFailure
  readonly finishedAt?: number
}

/** Attempts whose text is kept. */
export const maxAttemptsKept = 100
/** Item results whose text is kept. */
export const maxResultsKept = 1000
/** The name of the lane of operations without a backend. */
export const ownLane = ''

/** Whether it has come to an end. */
export function isFinished({ state }: Pick<LoggedOperation, 'state'>): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled'
}

/** Whether an attempt may begin once it is due. What is broken has its turn too, to fail. */
export function isPending(
  operation: Pick<LoggedOperation, 'state' | 'paused' | 'waitingFor' | 'brokenBy'>,
): boolean {
  const { state, paused, waitingFor, brokenBy } = operation
  return (
    (state === 'queued' || state === 'retrying') && !paused && (waitingFor === 0 || brokenBy !== undefined)
  )
}
