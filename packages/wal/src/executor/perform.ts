/** An attempt from its beginning, which is written before its handler runs, to its end, which is written with its follow-ups. */
import { shield, sleep } from '@ipfs-kit/concurrency'
import { hasKeys, type Appender } from '../wal/append-operations.ts'
import { AttemptContext, type ContextOptions } from './attempt-context.ts'
import type { Attempt, Ending } from './attempt.ts'
import { conclude, failureOf, type AttemptEnd, type Conclusion } from './conclusion.ts'
import { isDiskTrouble, type Unstamped } from '../wal/ledger.ts'
import type { Admitted } from '../wal/new-operation.ts'
import type { LoggedOperation, OperationFailure } from '../store/operation.ts'
import { publishLate } from '../reports.ts'
import type { OperationHandler } from '../wal/wal.ts'

/** What an attempt needs. */
export interface PerformOptions extends ContextOptions {
  readonly appender: Appender
  readonly maxResultBytes: number
  readonly backoffMs: AttemptEnd['backoffMs']
  /** Whether the log is being closed: then nothing is tried again. */
  readonly isDraining: () => boolean
}

/** What an attempt has shown of its backend. */
export type AttemptOutcome = OperationFailure | 'completed' | 'nothing'

/** Milliseconds between two tries to write how an attempt has ended. */
const writeAgainMs = 1000

/** Runs an attempt. @throws WalError if its beginning or its end cannot be written: then the next opening finds it interrupted */
export async function perform(attempt: Attempt, options: PerformOptions): Promise<AttemptOutcome> {
  const { ledger, admission } = options
  const { type } = attempt.operation
  const handler = Object.hasOwn(admission.types, type) ? admission.types[type] : undefined
  const readied = ready(attempt.operation, handler, ledger.clock())
  const context = await begin(attempt, options, readied)
  if (context === undefined || !('params' in readied)) return 'nothing'
  const { expiresAt = Infinity, timeoutMs } = context.operation
  const timeMs = Math.min(timeoutMs, Math.max(0, expiresAt - ledger.clock()))
  const ending = await attempt.run(handler!, readied.params, timeMs, (signal) => context.for(signal))
  return await finish({ attempt, context, handler: handler!, ending, options })
}

/** Parameters for the handler, or why there is no attempt. */
type Readied = { readonly params: unknown } | { readonly failure: OperationFailure }

function ready(operation: LoggedOperation, handler: OperationHandler | undefined, at: number): Readied {
  const { brokenBy, expiresAt = Infinity, type } = operation
  const refused = (code: string, message: string): Readied => ({ failure: { code, message } })
  if (brokenBy !== undefined)
    return refused('WAL_BROKEN', `Operation ${brokenBy}, which it depends on, has not completed`)
  if (expiresAt <= at) return refused('WAL_EXPIRED', 'It has not begun in time')
  if (handler === undefined)
    return refused('WAL_TYPE_UNKNOWN', `There is no handler for the type ${type} any more`)
  try {
    const params = handler.params.safeParse(operation.params)
    if (params.success) return { params: params.data }
    throw params.error
  } catch (error) {
    const { message } = failureOf(error)
    return refused('WAL_PARAMS_INVALID', `The parameters do not fit any more: ${message}`.slice(0, 2000))
  }
}

/** Writes that it begins, if it has not begun with its promise, or that it does not. */
async function begin(
  attempt: Attempt,
  options: PerformOptions,
  readied: Readied,
): Promise<AttemptContext | undefined> {
  const { ledger } = options
  const { operation } = attempt
  if (operation.state === 'running' && 'params' in readied) {
    attempt.context = new AttemptContext(operation, options)
    return attempt.context
  }
  // Not `using`, here and below: each would cost as much as the wait.
  const turn = await ledger.turn(operation.id)
  try {
    if ('failure' in readied) {
      await ledger.change(operation, [{ kind: 'fail', failure: readied.failure }])
      return undefined
    }
    const [started] = await ledger.change(operation, [{ kind: 'start', epoch: ledger.store.epoch }])
    attempt.context = new AttemptContext(started, options)
    return attempt.context
  } finally {
    turn.release()
  }
}

/** An attempt whose handler has ended. */
interface Ended {
  readonly attempt: Attempt
  readonly context: AttemptContext
  readonly handler: OperationHandler
  readonly ending: Ending
  readonly options: PerformOptions
}

async function finish(ended: Ended): Promise<AttemptOutcome> {
  const { context, options } = ended
  const turn = await options.ledger.turn(context.operation.id)
  try {
    const told = context.end()
    const conclusion = conclusionOf(ended, ended.ending)
    return hasKeys(followUpsOf(ended, conclusion))
      ? await writeWithKeys(ended, told, conclusion)
      : await writeEnd(ended, told, conclusion)
  } finally {
    turn.release()
  }
}

/** The same, under the lock of the keys of its follow-ups. */
async function writeWithKeys(
  ended: Ended,
  told: readonly Unstamped[],
  conclusion: Conclusion,
): Promise<AttemptOutcome> {
  using _keys = await ended.options.appender.lock(followUpsOf(ended, conclusion))
  return await writeEnd(ended, told, conclusion)
}

/** Writes the end; again and again while the disk takes nothing, since the work is done. */
async function writeEnd(
  ended: Ended,
  told: readonly Unstamped[],
  first: Conclusion,
): Promise<AttemptOutcome> {
  const { context, ending, options } = ended
  const { ledger, isDraining } = options
  let conclusion = first
  for (;;) {
    try {
      await write(ended, told, conclusion)
      if (conclusion.isLate) publishLate(context.operation)
      return outcomeOf(conclusion)
    } catch (error) {
      const mayBeLess = isCompletion(conclusion) && ledger.failure === undefined && !isDiskTrouble(error)
      if (mayBeLess) {
        // Its follow-ups cannot be promised, so that it has not completed.
        conclusion = conclusionOf(ended, { kind: 'threw', error })
      } else if (isDiskTrouble(error) && !isDraining()) {
        await shield(() => sleep(writeAgainMs))
      } else {
        if (ending.kind === 'returned') publishLate(context.operation)
        throw error
      }
    }
  }
}

function conclusionOf({ attempt, context, handler, options }: Ended, ending: Ending): Conclusion {
  const { ledger, maxResultBytes, backoffMs } = options
  const { operation } = context
  return conclude({
    operation,
    handler,
    stop: attempt.stop,
    ending,
    at: ledger.clock(),
    maxResultBytes,
    backoffMs,
  })
}

/** Writes what was told, the conclusion, and its follow-ups. @throws WalError as `Appender.lookUp`, at once */
function write(ended: Ended, told: readonly Unstamped[], conclusion: Conclusion): Promise<unknown> {
  const { context, options } = ended
  const { ledger, appender } = options
  const changes = [...told, ...conclusion.changes]
  const asked = followUpsOf(ended, conclusion)
  if (asked.length === 0) return ledger.change(context.operation, changes)
  const own = ledger.stamp(context.operation, changes)
  const followUps = appender.lookUp(asked)
  return ledger.commit([...own.records, ...followUps.records], (firstLsn) => [
    own.made(firstLsn),
    ...followUps.made(firstLsn + own.records.length, followUps.records),
  ])
}

/** What is promised with a completion. */
function followUpsOf({ context }: Ended, conclusion: Conclusion): readonly Admitted[] {
  return isCompletion(conclusion) ? context.followUps : []
}

function isCompletion({ changes }: Conclusion): boolean {
  return changes.some(({ kind }) => kind === 'complete')
}

function outcomeOf(conclusion: Conclusion): AttemptOutcome {
  return conclusion.failure ?? (isCompletion(conclusion) ? 'completed' : 'nothing')
}
