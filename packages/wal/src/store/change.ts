/** What a record makes of an operation: the one place that says so. */
import {
  isFinished,
  maxAttemptsKept,
  maxResultsKept,
  type Attempt,
  type AttemptOutcome,
  type ItemResult,
  type ItemResults,
  type LoggedOperation,
  type OperationFailure,
} from './operation.ts'
import type { ChangeRecord } from './record.ts'

const interruptedCode = 'WAL_INTERRUPTED'
const processEnded = { code: interruptedCode, message: 'The process that ran it has ended' }

/**
 * The operation after a record. A record that does not fit the state it meets changes nothing: who writes records checks
 * first, so that only a log with damaged parts has such a one.
 */
export function changed(operation: LoggedOperation, lsn: number, record: ChangeRecord): LoggedOperation {
  const { state } = operation
  const isRunning = state === 'running'
  switch (record.kind) {
    case 'start': {
      if (state !== 'queued' && state !== 'retrying') return operation
      const attempt = operation.attemptCount + 1
      const fromBytes = operation.progress?.bytes ?? 0
      const attempts = [
        ...operation.attempts.slice(1 - maxAttemptsKept),
        { attempt, epoch: record.epoch, startedAt: record.at, ...(fromBytes > 0 && { fromBytes }) },
      ]
      const { epoch } = record
      return { ...withoutFailure(operation), lsn, state: 'running', epoch, attemptCount: attempt, attempts }
    }
    case 'progress':
      if (!isRunning) return operation
      return {
        ...operation,
        lsn,
        ...(record.progress && { progress: record.progress }),
        ...(record.results && { items: withResults(operation.items, record.results) }),
        ...(record.checkpoint !== undefined && { checkpoint: record.checkpoint }),
      }
    case 'fail':
      if (isFinished(operation)) return operation
      return afterAttempt(operation, lsn, record.at, record.failure, record.retryAt)
    case 'complete': {
      if (!isRunning) return operation
      const { epoch: _, failure: __, ...rest } = operation
      const attempts = endedAttempts(operation, record.at, 'completed')
      const result = record.result === undefined ? {} : { result: record.result }
      return { ...rest, lsn, attempts, ...result, state: 'completed', finishedAt: record.at }
    }
    case 'cancel': {
      if (isFinished(operation)) return operation
      const failure = { code: 'WAL_CANCELLED', message: record.reason }
      const { epoch: _, ...rest } = operation
      const attempts = endedAttempts(operation, record.at, 'cancelled')
      return { ...rest, lsn, attempts, failure, state: 'cancelled', finishedAt: record.at }
    }
    case 'release': {
      if (!isRunning) return operation
      const { epoch: _, ...rest } = operation
      const attempts = endedAttempts(operation, record.at, 'released')
      return { ...rest, lsn, attempts, state: 'queued', attemptLimit: operation.attemptLimit + 1 }
    }
    case 'pause':
      return isFinished(operation) || operation.paused ? operation : { ...operation, lsn, paused: true }
    case 'resume':
      return isFinished(operation) || !operation.paused ? operation : { ...operation, lsn, paused: false }
    case 'retry': {
      if (state !== 'failed' && state !== 'cancelled') return operation
      const { finishedAt: _, brokenBy: __, failure: ___, ...rest } = operation
      const attemptLimit = operation.attemptCount + operation.maxAttempts
      // Dependencies that have failed are not asked for again: who retries it knows of them.
      const waitingFor = record.after?.length ?? 0
      return { ...rest, lsn, state: 'queued', paused: false, waitingFor, dueAt: record.at, attemptLimit }
    }
  }
}

/** An operation that an older epoch was running, after a process has opened the log. */
export function interrupted(operation: LoggedOperation, lsn: number, at: number): LoggedOperation {
  const retryAt = interruptedState(operation) === 'failed' ? undefined : at
  return afterAttempt(operation, lsn, at, processEnded, retryAt)
}

/** The same before a process has opened the log: when its attempt has ended nobody knows, and so that has no end. */
export function abandoned(operation: LoggedOperation): LoggedOperation {
  const { epoch: _, ...rest } = operation
  return { ...rest, state: interruptedState(operation), failure: processEnded }
}

/** Whether it is {@link abandoned}. */
export function isAbandoned({ state, attempts }: LoggedOperation): boolean {
  const last = attempts.at(-1)
  return state !== 'running' && last !== undefined && last.outcome === undefined
}

/** The state that {@link interrupted} gives. */
export function interruptedState({
  onInterrupted,
  attemptCount,
  attemptLimit,
}: LoggedOperation): 'failed' | 'retrying' {
  return onInterrupted === 'fail' || attemptCount >= attemptLimit ? 'failed' : 'retrying'
}

/** A dependency has ended. */
export function afterDependency(
  operation: LoggedOperation,
  id: number,
  isCompleted: boolean,
): LoggedOperation {
  // One that was retried does not wait for those that had failed.
  if (isFinished(operation) || operation.waitingFor === 0) return operation
  if (isCompleted) return { ...operation, waitingFor: operation.waitingFor - 1 }
  return { ...operation, brokenBy: operation.brokenBy ?? id }
}

/** The same while it is tried again: what an attempt before has failed with is in the attempts. */
function withoutFailure(operation: LoggedOperation): LoggedOperation {
  if (operation.failure === undefined) return operation
  const { failure: _, ...rest } = operation
  return rest
}

/** After an attempt that failed, or a failure without one; `retryAt` absent: a dead letter. */
function afterAttempt(
  operation: LoggedOperation,
  lsn: number,
  at: number,
  failure: OperationFailure,
  retryAt: number | undefined,
): LoggedOperation {
  const { epoch: _, ...rest } = operation
  // Whoever noticed the end of its process.
  const outcome = failure.code === interruptedCode ? 'interrupted' : 'failed'
  const attempts = endedAttempts(operation, at, outcome, failure)
  if (retryAt === undefined) return { ...rest, lsn, attempts, failure, state: 'failed', finishedAt: at }
  return { ...rest, lsn, attempts, failure, state: 'retrying', dueAt: retryAt }
}

/** The attempts when the one that was under way has ended. */
function endedAttempts(
  { attempts }: LoggedOperation,
  at: number,
  outcome: AttemptOutcome,
  failure?: OperationFailure,
): readonly Attempt[] {
  const last = attempts.at(-1)
  if (last === undefined || last.outcome !== undefined) return attempts
  const ended: Attempt = { ...last, endedAt: at, outcome, ...(failure && { failure }) }
  return [...attempts.slice(0, -1), ended]
}

function withResults(items: ItemResults | undefined, added: readonly ItemResult[]): ItemResults {
  const { done = 0, failed = 0, results = [] } = items ?? {}
  const failures = added.filter(({ failure }) => failure !== undefined)
  const kept = [...results]
  for (const result of added) {
    if (kept.length < maxResultsKept) kept.push(result)
    else if (result.failure !== undefined) replaceDone(kept, result)
  }
  return { done: done + added.length - failures.length, failed: failed + failures.length, results: kept }
}

/** A failure takes the place of the last one that is none. */
function replaceDone(kept: ItemResult[], result: ItemResult): void {
  const at = kept.findLastIndex(({ failure }) => failure === undefined)
  if (at === -1) return
  kept.splice(at, 1)
  kept.push(result)
}
