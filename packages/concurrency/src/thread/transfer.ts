/** Results that are moved to the other side instead of copied. */
import type { Transferable } from 'node:worker_threads'

/** The same symbol in every copy of this package: a result may come from another one. */
const brand: unique symbol = Symbol.for('@ipfs-kit/concurrency/transfer') as never

/** A value, and what of it is moved. */
export interface Transfer<T> {
  readonly [brand]: readonly Transferable[]
  readonly value: T
}

/**
 * Marks a result of a thread's function, or of a portal, so that `list` is moved and not copied: the buffers in it can
 * not be used any more by who gave them.
 *
 * @param value - the result
 * @param list - ArrayBuffers, MessagePorts and other transferable objects inside `value`
 */
export function transfer<T>(value: T, list: readonly Transferable[]): Transfer<T> {
  if (!Array.isArray(list)) throw new TypeError('the list to transfer is not an array')
  return { [brand]: list, value }
}

/** A result taken apart: the value, and what of it is moved. */
export function unwrap(result: unknown): { readonly value: unknown; readonly list: readonly Transferable[] } {
  if (typeof result === 'object' && result !== null && brand in result) {
    const marked = result as Transfer<unknown>
    return { value: marked.value, list: marked[brand] }
  }
  return { value: result, list: [] }
}
