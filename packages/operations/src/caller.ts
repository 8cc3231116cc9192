/** Calls operations in this process: checks the input, hands out the parts, and reports each call once. */
import { randomUUID } from 'node:crypto'
import diagnosticsChannel from 'node:diagnostics_channel'
import type { z } from 'zod'
import type { CallOptions, Caller, Table } from './call.ts'
import { publishFault } from './error-channel.ts'
import { isFault, OperationError, toFault } from './errors.ts'
import type { AnyOperation, BodyKind, BodyOf, BytesResult } from './operation.ts'

/** A call that has ended, published on the channel `operations:call`. Never input, output or bodies. */
export interface CallRecord {
  readonly requestId: string
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** Until the value was there, or the last line or byte was taken. */
  readonly durationMs: number
  /** `OK`, or the code of the error. */
  readonly code: string
}

/** What {@link createCaller} takes. */
export interface CallerOptions {
  readonly operations: readonly AnyOperation[]
  /**
   * Gives the slice of parts that an entry names, for the time of one call: `signal` is aborted when a part goes away,
   * `release` is called once when the call has ended. A promise if a part is opened for it first.
   *
   * @throws a fault when one of them is not available now
   */
  readonly borrow: (names: readonly string[]) => BorrowedParts | Promise<BorrowedParts>
}

/** Parts lent to one call. */
export interface BorrowedParts {
  readonly parts: Readonly<Record<string, unknown>>
  readonly signal: AbortSignal
  release(): void
}

/** A caller in this process. It also tells the request id of each call, for the doors that show it. */
export interface LocalCaller<T extends Table = Table> extends Caller<T> {
  call: Caller<T>['call']
  /** The same with a request id that the door has chosen and a name that is only known at run time. */
  callAs(requestId: string, name: string, input: unknown, options?: CallOptions): Promise<unknown>
}

const channel = diagnosticsChannel.channel('operations:call')

/**
 * Makes the caller of a table.
 *
 * @throws TypeError when two entries have the same name
 */
export function createCaller<T extends Table>(options: CallerOptions): LocalCaller<T> {
  const table = new Map<string, AnyOperation>()
  for (const entry of options.operations) {
    if (table.has(entry.name)) throw new TypeError(`Two operations are called ${entry.name}`)
    table.set(entry.name, entry)
  }

  async function callAs(
    requestId: string,
    name: string,
    input: unknown,
    call: CallOptions = {},
  ): Promise<unknown> {
    const startedAt = Date.now()
    const started = performance.now()
    const finish = (code: string): void => {
      if (!channel.hasSubscribers) return
      const record: CallRecord = { requestId, name, startedAt, durationMs: performance.now() - started, code }
      channel.publish(record)
    }
    const entry = table.get(name)
    let borrowed: BorrowedParts | undefined
    let ended = false
    const end = (code: string): void => {
      if (ended) return
      ended = true
      borrowed?.release()
      finish(code)
    }
    // What a failed call rejects with. The reason of the caller's own signal passes through untouched, whatever it is.
    const failed = (error: unknown): unknown => {
      const isGivenUp = call.signal?.aborted === true && error === call.signal.reason
      const fault =
        isGivenUp && !isFault(error)
          ? new OperationError('OPERATION_CANCELLED', 'The caller gave up', { cause: error })
          : toFault(error, requestId)
      publishFault(fault, requestId, name)
      end(fault.code)
      return isGivenUp ? error : fault
    }
    try {
      call.signal?.throwIfAborted()
      if (entry === undefined)
        throw new OperationError('OPERATION_UNKNOWN', `There is no operation ${JSON.stringify(name)}`)
      const parsed = parseInput(entry, input)
      const lent = options.borrow(entry.parts)
      if (lent instanceof Promise) {
        borrowed = await lent
        call.signal?.throwIfAborted()
        borrowed.signal.throwIfAborted()
      } else borrowed = lent
      const signal =
        call.signal === undefined ? borrowed.signal : AbortSignal.any([call.signal, borrowed.signal])
      const context = { signal, progress: call.progress ?? (() => {}), requestId }
      const result: unknown = entry.run(borrowed.parts, parsed, context, bodyFor(entry, call.body))
      const { signal: partsSignal } = borrowed
      if (entry.returns === 'lines')
        return settleAtEnd(result as AsyncIterable<unknown>, partsSignal, end, failed)
      const value: unknown = await result
      if (entry.returns === 'bytes') {
        const bytes = value as BytesResult
        return { ...bytes, body: settleAtEnd(bytes.body, partsSignal, end, failed) }
      }
      end('OK')
      return value
    } catch (error) {
      throw failed(error)
    }
  }

  return {
    callAs,
    call: ((name: string, input: unknown, call?: CallOptions) =>
      callAs(randomUUID(), name, input, call)) as Caller<T>['call'],
  }
}

/** Checks an input against the schema of its entry. Unknown keys are refused. */
function parseInput(entry: AnyOperation, input: unknown): unknown {
  const schema = entry.input as z.ZodObject
  const parsed = schema.strict().safeParse(input ?? {})
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => {
    const path = issue.path.join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  throw new OperationError('OPERATION_INVALID_INPUT', `${entry.name}: ${problems.join('; ')}`)
}

function bodyFor(entry: AnyOperation, body: CallOptions['body']): BodyOf<BodyKind> {
  if (entry.body === 'none') {
    if (body !== undefined) throw new OperationError('OPERATION_BODY_INVALID', `${entry.name} takes no body`)
    return undefined
  }
  if (body === undefined) throw new OperationError('OPERATION_BODY_INVALID', `${entry.name} needs a body`)
  if (body instanceof Uint8Array) return oneChunk(body)
  return Symbol.asyncIterator in body ? body : fromIterable(body)
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function* fromIterable<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values
}

/**
 * Passes values on and reports the end once: exhausted, failed, or left early by the reader (`OPERATION_CANCELLED`). An
 * iterator of its own, because a generator that was never begun does not notice that it is left: that reader wanted
 * the head of the answer only, which is `OK`. When the parts go away while the reader asks for nothing, the source would
 * not notice either: it is ended then, and the reader is told with its next question.
 */
function settleAtEnd<T>(
  values: AsyncIterable<T>,
  parts: AbortSignal,
  end: (code: string) => void,
  failed: (error: unknown) => unknown,
): AsyncIterableIterator<T> {
  const source = values[Symbol.asyncIterator]()
  let begun = false
  let asked = 0
  /** What the reader is told, once the source has ended for lack of its parts. */
  let cut: Promise<unknown> | undefined
  const cutOff = async (): Promise<unknown> => {
    try {
      await source.return?.()
      return failed(parts.reason)
    } catch (error) {
      return failed(error)
    }
  }
  const onGone = (): void => {
    if (asked === 0) cut ??= cutOff()
  }
  parts.addEventListener('abort', onGone, { once: true })
  const settle = (code: string): void => {
    parts.removeEventListener('abort', onGone)
    end(code)
  }
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      begun = true
      if (cut !== undefined) throw await cut
      asked += 1
      try {
        const result = await source.next()
        if (result.done === true) settle('OK')
        return result
      } catch (error) {
        parts.removeEventListener('abort', onGone)
        throw failed(error)
      } finally {
        asked -= 1
      }
    },
    async return() {
      try {
        await (cut ?? source.return?.())
      } catch (error) {
        throw failed(error)
      }
      // Only now has the work ended, and lets go of its parts.
      settle(begun ? 'OPERATION_CANCELLED' : 'OK')
      return { done: true, value: undefined }
    },
  }
}
