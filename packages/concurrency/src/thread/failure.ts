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

/** Takes something thrown apart. Whatever it is, a hostile getter or a Proxy, this does not throw. */
export function toFailure(thrown: unknown, depth = 0): Failure {
  if (!isA(Error, thrown)) return { type: 'value', value: cloned(thrown) }
  const code = read(thrown, 'code')
  const cause = depth < deepest ? read(thrown, 'cause') : undefined
  const errors = depth < deepest && isA(AggregateError, thrown) ? read(thrown, 'errors') : undefined
  return {
    type: 'error',
    name: textOf(thrown, 'name') ?? 'Error',
    message: textOf(thrown, 'message') ?? '',
    stack: textOf(thrown, 'stack'),
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    cause: cause === undefined ? undefined : toFailure(cause, depth + 1),
    errors: Array.isArray(errors) ? firstOf(errors).map((error) => toFailure(error, depth + 1)) : undefined,
  }
}

function isA(kind: ErrorConstructor | AggregateErrorConstructor, thrown: unknown): thrown is Error {
  try {
    return thrown instanceof kind
  } catch {
    // A Proxy that refuses to tell is none.
    return false
  }
}

/** A property, or `undefined` if reading it throws: the error that it belongs to is what is to be told. */
function read(from: object, key: string | number): unknown {
  try {
    return (from as Record<string | number, unknown>)[key]
  } catch {
    return undefined
  }
}

function firstOf(errors: readonly unknown[]): unknown[] {
  const length = Math.min(Number(read(errors, 'length')), mostErrors)
  return Array.from({ length }, (_, at) => read(errors, at))
}

function textOf(error: Error, key: string): string | undefined {
  const text = read(error, key)
  return typeof text === 'string' ? text : undefined
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

/** A copy, or a text that says what there was if it cannot be cloned. */
function cloned(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return `something that cannot be cloned: ${typeof value}`
  }
}
