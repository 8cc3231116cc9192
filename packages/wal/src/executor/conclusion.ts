/** What becomes of an operation when its attempt has ended. */
import type { Ending, Stop } from './attempt.ts'
import { WalError } from '../errors.ts'
import { checkJson } from '../json.ts'
import { problemsIn } from '../schema-problems.ts'
import type { Unstamped } from '../wal/ledger.ts'
import type { Json, LoggedOperation, OperationFailure } from '../store/operation.ts'
import type { OperationHandler } from '../wal/wal.ts'

/** What is to be written. */
export interface Conclusion {
  readonly changes: readonly Unstamped[]
  /** What a backend is blamed for: a failure after which another attempt may succeed. */
  readonly failure?: OperationFailure
  /** The handler has returned something that is dropped. */
  readonly isLate: boolean
}

/** What a conclusion is made of. */
export interface AttemptEnd {
  readonly operation: LoggedOperation
  readonly handler: OperationHandler
  readonly stop: Stop | undefined
  readonly ending: Ending
  readonly at: number
  readonly maxResultBytes: number
  /** Milliseconds until the next attempt. */
  readonly backoffMs: (failures: number) => number
}

export function conclude(end: AttemptEnd): Conclusion {
  const { stop, ending } = end
  const isLate = ending.kind === 'late'
  if (stop?.kind === 'cancel') return { changes: [{ kind: 'cancel', reason: stop.reason }], isLate }
  if (ending.kind === 'returned') return returned(end, ending.value)
  if (stop?.kind === 'pause') return { changes: [{ kind: 'pause' }, { kind: 'release' }], isLate }
  if (stop?.kind === 'drain') return { changes: [{ kind: 'release' }], isLate }
  const { operation, at } = end
  if (ending.kind === 'threw') return threw(end, ending.error)
  if (operation.expiresAt !== undefined && at >= operation.expiresAt) {
    return { ...lastFailure({ code: 'WAL_EXPIRED', message: 'It has not ended in time' }), isLate }
  }
  const failure = { code: 'WAL_TIMEOUT', message: `The attempt took longer than ${operation.timeoutMs} ms` }
  return { ...failed(end, failure, true), isLate }
}

/** What an error says, for the log: no stack, and at most 2,000 characters. Whatever was thrown, it says something. */
export function failureOf(error: unknown): OperationFailure {
  try {
    if (!(error instanceof Error)) return { code: 'Error', message: String(error).slice(0, 2000) }
    const { code, name, message } = error as { [key in 'code' | 'name' | 'message']?: unknown }
    return {
      code: String(typeof code === 'string' ? code : name).slice(0, 200),
      message: String(message).slice(0, 2000),
    }
  } catch (unreadable) {
    const what = unreadable instanceof TypeError ? 'it is no text' : 'it fails to be read'
    return { code: 'Error', message: `What was thrown cannot be told: ${what}` }
  }
}

function returned(end: AttemptEnd, value: unknown): Conclusion {
  try {
    const result = resultOf(end.handler, value, end.maxResultBytes)
    return { changes: [{ kind: 'complete', ...(result !== undefined && { result }) }], isLate: false }
  } catch (error) {
    return lastFailure({ ...failureOf(error), code: 'WAL_RESULT_INVALID' })
  }
}

function threw(end: AttemptEnd, error: unknown): Conclusion {
  if (isInterruption(error)) return interrupted(end, failureOf(error))
  let mayRetry: boolean
  try {
    mayRetry = isRetryable(end.handler, error)
  } catch (thrown) {
    return lastFailure(failureOf(thrown))
  }
  return failed(end, failureOf(error), mayRetry)
}

function resultOf(handler: OperationHandler, value: unknown, maxBytes: number): Json | undefined {
  const { result } = handler
  if (result !== undefined) {
    const checked = result.safeParse(value)
    if (!checked.success) {
      throw new WalError('WAL_PARAMS_INVALID', `The result does not fit: ${problemsIn(checked.error)}`)
    }
  }
  return value === undefined ? undefined : checkJson(value, 'The result', maxBytes)
}

function failed(end: AttemptEnd, failure: OperationFailure, mayRetry: boolean): Conclusion {
  const { attemptCount, attemptLimit } = end.operation
  if (!mayRetry) return lastFailure(failure)
  if (attemptCount >= attemptLimit) return { ...lastFailure(failure), failure }
  const retryAt = end.at + end.backoffMs(attemptCount)
  return { changes: [{ kind: 'fail', failure, retryAt }], failure, isLate: false }
}

/** The process of its handler has ended: no backend is to blame. */
function interrupted(end: AttemptEnd, failure: OperationFailure): Conclusion {
  if (end.operation.onInterrupted === 'fail') return lastFailure(failure)
  return { changes: failed(end, failure, true).changes, isLate: false }
}

function isInterruption(error: unknown): boolean {
  return error instanceof WalError && error.code === 'WAL_INTERRUPTED'
}

function lastFailure(failure: OperationFailure): Conclusion {
  return { changes: [{ kind: 'fail', failure }], isLate: false }
}

/** Kinds of faults that are the same at the next attempt. */
const lasting = new Set<unknown>(['invalid', 'not-found', 'not-supported', 'forbidden'])

function isRetryable(handler: OperationHandler, error: unknown): boolean {
  if (handler.isRetryable !== undefined) return handler.isRetryable(error)
  return !lasting.has((error as { kind?: unknown } | null | undefined)?.kind)
}
