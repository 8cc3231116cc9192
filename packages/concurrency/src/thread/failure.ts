/** Errors on their way between threads: structured clone alone would lose their class, code and cause. */
import { ConcurrencyError, concurrencyErrors, type ConcurrencyErrorCode } from '../errors.ts'

/** Something thrown, as plain data. */
export type Failure =
  | {
      readonly type: 'error'
      readonly name: string
      readonly message: string
      readonly stack: string | undefined
      readonly code: string | number | undefined
      readonly cause: Failure | undefined
      /** The errors of an AggregateError. */
      readonly errors: readonly Failure[] | undefined
    }
  | { readonly type: 'value'; readonly value: unknown }

/** How many causes of causes are kept, and how many errors of one AggregateError. */
const deepest = 8
const mostErrors = 100

/** Takes something thrown apart. */
export function toFailure(thrown: unknown, depth = 0): Failure {
  if (!(thrown instanceof Error)) return { type: 'value', value: cloneable(thrown) }
  const code = 'code' in thrown ? thrown.code : undefined
  const hasCause = 'cause' in thrown && depth < deepest
  const errors = thrown instanceof AggregateError && depth < deepest ? thrown.errors : undefined
  return {
    type: 'error',
    name: thrown.name,
    message: thrown.message,
    stack: thrown.stack,
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    cause: hasCause ? toFailure(thrown.cause, depth + 1) : undefined,
    errors: errors?.slice(0, mostErrors).map((error) => toFailure(error, depth + 1)),
  }
}

/** Puts it together again, as an error of the same built-in class where it was of one. */
export function fromFailure(failure: Failure): unknown {
  if (failure.type === 'value') return failure.value
  const options = failure.cause === undefined ? undefined : { cause: fromFailure(failure.cause) }
  const error = construct(failure, options)
  if (error.name !== failure.name) define(error, 'name', failure.name)
  if (failure.stack !== undefined) define(error, 'stack', failure.stack)
  if (failure.code !== undefined && !('code' in error)) Object.assign(error, { code: failure.code })
  return error
}

const builtIn: Record<string, ErrorConstructor> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

function construct(failure: Extract<Failure, { type: 'error' }>, options: ErrorOptions | undefined): Error {
  const { name, message, code, errors } = failure
  if (errors !== undefined) return new AggregateError(errors.map(fromFailure), message, options)
  if (name === 'ConcurrencyError' && typeof code === 'string' && Object.hasOwn(concurrencyErrors, code)) {
    return new ConcurrencyError(code as ConcurrencyErrorCode, message, options)
  }
  return new (Object.hasOwn(builtIn, name) ? builtIn[name]! : Error)(message, options)
}

function define(error: Error, key: 'name' | 'stack', value: string): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false })
}

/** The value itself if it can be cloned, else a text that describes it. */
function cloneable(value: unknown): unknown {
  try {
    structuredClone(value)
    return value
  } catch (error) {
    if (error instanceof DOMException) return `something that cannot be cloned: ${typeof value}`
    throw error
  }
}
