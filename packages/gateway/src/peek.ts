/** Reads the start of a stream before its response is begun, so that what fails at once is an error status and not a cut connection. */

/** The start of a stream and the whole of it. */
export interface Peeked {
  /** The first chunks, together at least `bytes` long unless the stream is shorter. */
  readonly head: readonly Uint8Array[]
  /** All of it, the head included. To be read once. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Takes chunks until there are `bytes` or the stream ends. */
export async function peek(body: AsyncIterable<Uint8Array>, bytes: number): Promise<Peeked> {
  const reader = body[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let ended = false
  for (let taken = 0; taken < bytes && !ended;) {
    const step = await reader.next()
    if (step.done === true) ended = true
    else {
      head.push(step.value)
      taken += step.value.byteLength
    }
  }
  const pending = [...head]
  // Not a generator: leaving one that has not begun would not reach the reader below it.
  const replay: AsyncIterator<Uint8Array, undefined> = {
    async next() {
      const chunk = pending.shift()
      if (chunk !== undefined) return { done: false, value: chunk }
      if (ended) return { done: true, value: undefined }
      const step = await reader.next()
      return step.done === true ? { done: true, value: undefined } : step
    },
    async return() {
      ended = true
      await reader.return?.()
      return { done: true, value: undefined }
    },
  }
  return { head, body: { [Symbol.asyncIterator]: () => replay } }
}

/** The first bytes of a stream; the rest is left. */
export async function firstBytes(body: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array> {
  const peeked = await peek(body, bytes)
  await peeked.body[Symbol.asyncIterator]().return?.()
  return joined(peeked.head, bytes)
}

/** Chunks as one, at most `bytes` of it. */
export function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const [first] = chunks
  return first !== undefined && first.byteLength >= bytes
    ? first.subarray(0, bytes)
    : Buffer.concat(chunks).subarray(0, bytes)
}
