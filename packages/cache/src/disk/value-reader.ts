/** The body of a value on its way out, a part at a time. */
import { CacheError } from '../errors.ts'

/** Options of {@link readValue}. */
export interface ValueReaderOptions {
  /** Bytes of the value from `from` up to `to` are wanted. */
  readonly from: number
  readonly to: number
  /** Bytes of each part but the last one. */
  readonly partBytes: number
  /** The part in which the range begins. */
  readonly first: Uint8Array
  /** Reads another one; undefined if it is not there, and never will be. */
  readonly read: (part: number) => Promise<Uint8Array | undefined>
  readonly signal: AbortSignal
  /** Called once, when nothing is read any more. */
  readonly release: () => void
}

/**
 * Reads a range of a value. It is no generator, because a generator that is left before its first step runs nothing.
 *
 * @throws CacheError CACHE_LOST, while reading; the reason of the signal
 */
export function readValue(options: ValueReaderOptions): AsyncIterableIterator<Uint8Array> {
  const { from, to, partBytes, read, signal, release } = options
  let first: Uint8Array | undefined = options.first
  let position = from
  let failure: { readonly error: unknown } | undefined
  let isOver = false
  /** Parts that are being read. */
  let reads = 0
  const finish = (): void => {
    if (isOver) return
    isOver = true
    first = undefined
    signal.removeEventListener('abort', finish)
    release()
  }
  if (from === to) finish()
  else signal.addEventListener('abort', finish, { once: true })
  const fail = (error: unknown): never => {
    failure ??= { error }
    finish()
    throw error
  }
  return {
    async next() {
      if (failure !== undefined) throw failure.error
      // Aborted before its end: what came is not all there is.
      if (position < to && signal.aborted) return fail(signal.reason)
      if (position >= to) return { done: true, value: undefined }
      // Whoever asks for several at once gets one after the other.
      const start = position
      const part = Math.floor(start / partBytes)
      position = Math.min(to, (part + 1) * partBytes)
      const end = position
      const ready = first
      first = undefined
      let bytes: Uint8Array | undefined
      reads += 1
      try {
        bytes = ready ?? (await read(part))
      } catch (error) {
        return fail(error)
      } finally {
        reads -= 1
      }
      if (bytes === undefined) {
        return fail(
          new CacheError('CACHE_LOST', `Bytes ${start} to ${end} of a value were lost while it was read`),
        )
      }
      // The last part may come before another one.
      if (position === to && reads === 0) finish()
      return { done: false, value: bytes.subarray(start - part * partBytes, end - part * partBytes) }
    },
    async return() {
      position = to
      finish()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
