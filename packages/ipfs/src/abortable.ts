/** Waits for what others give, without waiting for ever: an abort ends the wait, whatever the other side does. */

/**
 * Iterates a source until it ends or the signal is aborted. A source that is left gets its `return` called; after an
 * abort nobody waits for that, because it may be stuck in the step that was given up.
 *
 * @throws the reason of the signal; what the source throws
 */
export async function* abortable<T>(
  source: Iterable<T> | AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  let leaving = false
  try {
    for (;;) {
      const step = await unlessAborted(
        async () => iterator.next(),
        signal,
        () => (leaving = true),
      )
      if (step.done === true) return
      leaving = true
      yield step.value
      leaving = false
    }
  } finally {
    if (leaving) {
      const left = Promise.resolve(iterator.return?.())
      if (signal.aborted) left.catch(() => {})
      else await left
    }
  }
}

/** The result of some work, or the reason of the signal as soon as it is aborted. The work itself is not stopped. */
async function unlessAborted<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onAbort: () => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const abort = (): void => {
    onAbort()
    reject(signal.reason)
  }
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    if (!signal.aborted) work().then(resolve, reject)
    return await promise
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
