/** What can be stored: values that are the same after they were written as JSON and read again. */
import { WalError } from './errors.ts'
import type { Json } from './operation.ts'

/** Levels of objects and arrays in one another. */
const maxDepth = 100

/**
 * A copy of the value, if it is JSON of at most `maxBytes`.
 *
 * @param what - names it in the message
 * @throws WalError WAL_PARAMS_INVALID
 */
export function checkJson(value: unknown, what: string, maxBytes: number): Json {
  const wrong = wrongIn(value, 0)
  if (wrong !== undefined) throw new WalError('WAL_PARAMS_INVALID', `${what} cannot be stored: ${wrong}`)
  const text = JSON.stringify(value)
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBytes) return JSON.parse(text) as Json
  throw new WalError(
    'WAL_PARAMS_INVALID',
    `${what} takes ${bytes} bytes as JSON, more than ${maxBytes}; put large payloads into a block and pass their CID`,
  )
}

/** What is no JSON in a value. */
function wrongIn(value: unknown, depth: number): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${value} is no number of JSON`
  if (typeof value !== 'object') return `${typeof value} is no JSON`
  if (depth === maxDepth) return `it is nested more than ${maxDepth} levels deep`
  if (!Array.isArray(value) && !isPlain(value)) return `${value.constructor?.name ?? 'it'} is no plain object`
  for (const inner of Object.values(value)) {
    // A property that is undefined is not written, as if it were not there.
    if (inner === undefined && !Array.isArray(value)) continue
    const wrong = wrongIn(inner, depth + 1)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
