/** Waits for what others give, without waiting for ever: an abort ends the wait, whatever the other side does. */
import { currentScope, run, throwIfCancelled } from '@ipfs-kit/concurrency'

/**
 * Iterates a source until it ends or the signal is aborted. A source that is left gets its `return` called; after an
 * abort nobody waits for that, because it may be stuck in the step that was given up.
 *
 * @throws the reason of the signal, or of the scope of whoever asks; what the source throws
 */
export async function* abortable<T>(
  source: Iterable<T> | AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  let leaving = true
  try {
    for (;;) {
      signal.throwIfAborted()
      // A source that ends or fails by itself is not left.
      leaving = false
      const given = iterator.next()
      // What is there at once is not waited for: a wait costs more than most other things that an entry goes through.
      const step = 'then' in given ? await run(given, { signal }) : given
      throwIfCancelled()
      if (step.done === true) return
      leaving = true
      yield step.value
    }
  } finally {
    if (leaving || isAborted(signal)) await leave(iterator, signal)
  }
}

async function leave(
  iterator: Iterator<unknown> | AsyncIterator<unknown>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await run(Promise.resolve(iterator.return?.()), { signal })
  } catch (error) {
    if (!isAborted(signal)) throw error
  }
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted || currentScope().cancelled
}
