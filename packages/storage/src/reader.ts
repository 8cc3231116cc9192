/** The body of a stored object on its way out. */
import type { ObjectStat } from './backend.ts'
import type { Pages } from './pages.ts'

/** One value of a key, in the account until nobody needs it. */
export interface Version {
  readonly pages: Pages
  /** What is told of it; undefined until all of it has come. */
  stat: ObjectStat | undefined
  /** What it has taken of the quota. */
  takenBytes: number
  /** Bodies of it that are being read. */
  readers: number
  /** Replaced, deleted or never completed: it goes with its last reader. */
  retired: boolean
}

/**
 * Reads bytes from `start` to `end`, each chunk a copy. `release` is called once: at the end, when the reader leaves, or
 * when the signal is aborted. It is no generator, because a generator that is left before its first step runs nothing.
 */
export function createReader(
  pages: Pages,
  start: number,
  end: number,
  signal: AbortSignal,
  release: () => void,
): AsyncIterableIterator<Uint8Array> {
  let position = start
  let ended = false
  const finish = (): void => {
    if (ended) return
    ended = true
    signal.removeEventListener('abort', finish)
    release()
  }
  if (start === end) finish()
  else signal.addEventListener('abort', finish, { once: true })
  return {
    async next() {
      if (!ended && position < end) {
        const value = pages.slice(position, end)
        position += value.byteLength
        if (position === end) finish()
        return { done: false, value }
      }
      // Aborted before its end: what came is not all there is.
      if (position < end && signal.aborted) throw signal.reason
      return { done: true, value: undefined }
    },
    async return() {
      position = end
      finish()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
