/** What can be stored: values that are the same after they were written as JSON and read again. */
import { WalError } from './errors.ts'
import type { Json } from './store/operation.ts'

/** Levels of objects and arrays in one another. */
const maxDepth = 100

/**
 * A copy of the value, if it is JSON of at most `maxBytes`.
 *
 * @param what - names it in the message
 * @throws WalError WAL_PARAMS_INVALID
 */
export function checkJson(value: unknown, what: string, maxBytes: number): Json {
  // Each value takes a byte at least: so what is shared many times over is not walked through to its end.
  const wrong = wrongIn(value, 0, { values: maxBytes })
  if (wrong !== undefined) throw new WalError('WAL_PARAMS_INVALID', `${what} cannot be stored: ${wrong}`)
  const text = JSON.stringify(value)
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBytes) return JSON.parse(text) as Json
  throw new WalError(
    'WAL_PARAMS_INVALID',
    `${what} takes ${bytes} bytes as JSON, more than ${maxBytes}; put large payloads into a block and pass their CID`,
  )
}

/** What is no JSON in a value, of which there is so much left. */
function wrongIn(value: unknown, depth: number, left: { values: number }): string | undefined {
  left.values -= 1
  if (left.values < 0) return 'it has more values than it may have bytes; put large payloads into a block'
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${value} is no number of JSON`
  if (typeof value !== 'object') return `${typeof value} is no JSON`
  if (depth === maxDepth) return `it is nested more than ${maxDepth} levels deep`
  if (!Array.isArray(value) && !isPlain(value)) return `${value.constructor?.name ?? 'it'} is no plain object`
  for (const inner of Object.values(value)) {
    // A property that is undefined is not written, as if it were not there.
    if (inner === undefined && !Array.isArray(value)) continue
    const wrong = wrongIn(inner, depth + 1, left)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
