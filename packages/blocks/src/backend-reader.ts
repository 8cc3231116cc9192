/** The body of a stored object on its way out. */

/**
 * Some bytes as a body: one chunk, or none if they are empty. When the signal is aborted before, it rejects with the reason.
 * It is no generator, because what is left before its first step would keep the bytes.
 */
export function once(bytes: Uint8Array, signal: AbortSignal): AsyncIterableIterator<Uint8Array> {
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
