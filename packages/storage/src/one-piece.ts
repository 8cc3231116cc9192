/** Bytes that are there, as the body of a stored object. */
import type { ObjectStat, StoredObject } from './backend.ts'
import { type Wanted, windowOf } from './range.ts'

/**
 * Some bytes as a body: one piece, or none if they are empty. When the signal is aborted before, it rejects with the reason.
 * It is no generator, because what is left before its first step would keep the bytes. For backends to use in their `get()`.
 */
export function onePiece(bytes: Uint8Array, signal: AbortSignal): AsyncIterableIterator<Uint8Array> {
  let rest: Uint8Array | undefined = bytes.length === 0 ? undefined : bytes
  return {
    async next() {
      if (rest === undefined) return { done: true, value: undefined }
      signal.throwIfAborted()
      const value = rest
      rest = undefined
      return { done: false, value }
    },
    async return() {
      rest = undefined
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/**
 * A range of a value that is in memory, as an object whose body is a copy of it.
 *
 * @throws StorageError `STORAGE_RANGE`
 */
export function windowIn(
  stat: ObjectStat,
  bytes: Uint8Array,
  wanted: Wanted,
  signal: AbortSignal,
): StoredObject {
  const { from, to } = windowOf(wanted, bytes.length)
  const body = onePiece(new Uint8Array(bytes.subarray(from, to)), signal)
  return { ...stat, offset: from, length: to - from, body }
}
