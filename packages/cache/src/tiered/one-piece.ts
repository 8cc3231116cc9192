/** Bytes that are there, as the body of a stored object. */

/**
 * One piece, or none if there are no bytes. If the signal is aborted before, it rejects with its reason. It is no generator:
 * one that is left before its first step would keep the bytes.
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
