/** Bodies that the cases send. */

/** The bytes in chunks of a size. */
export async function* chunked(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += chunkBytes) {
    yield bytes.subarray(offset, offset + chunkBytes)
  }
}

/** The bytes, and then a failure. */
export async function* failing(bytes: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield* chunked(bytes, 1000)
  throw error
}

/** A body that stops in its middle until it is let go on. */
export interface Gated {
  readonly body: AsyncIterable<Uint8Array>
  /** Resolves when the first half has been taken and the next chunk is asked for. */
  readonly reached: Promise<void>
  /** Lets the second half come. */
  readonly open: () => void
  /** Whether it was told to stop. */
  readonly stopped: boolean
}

export function gated(bytes: Uint8Array): Gated {
  // waits: the case waits for it under a deadline of its own.
  const reached = Promise.withResolvers<void>()
  // waits: a body of somebody who knows no scope: nothing but `open` may let it go on.
  const opened = Promise.withResolvers<void>()
  const half = bytes.byteLength >>> 1
  const halves = [bytes.subarray(0, half), bytes.subarray(half)]
  let next = 0
  let stopped = false
  return {
    reached: reached.promise,
    open: () => opened.resolve(),
    get stopped() {
      return stopped
    },
    // No generator: its return() would wait behind the gate.
    body: {
      [Symbol.asyncIterator]: () => ({
        async next() {
          if (next === 1) {
            reached.resolve()
            await opened.promise
          }
          const value = halves[next++]
          return value === undefined || stopped ? { done: true, value: undefined } : { done: false, value }
        },
        async return() {
          stopped = true
          return { done: true, value: undefined }
        },
      }),
    },
  }
}
