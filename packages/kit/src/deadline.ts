/** Waiting for something that may never come. */

/**
 * Waits for `work` at most `ms`. `late` means that it goes on: who started it keeps the promise and handles
 * its end. A failure of the work in time is passed on.
 */
export async function within(work: Promise<unknown>, ms: number): Promise<'ended' | 'late'> {
  const { promise, resolve, reject } = Promise.withResolvers<'ended' | 'late'>()
  const timer = setTimeout(() => resolve('late'), ms)
  work.then(() => resolve('ended'), reject)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for `work` until the signal is aborted. The work goes on then, in the care of its owner. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const stop = (): void => reject(signal.reason)
  signal.addEventListener('abort', stop)
  work.then(resolve, reject)
  if (signal.aborted) stop()
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
