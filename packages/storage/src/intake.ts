/** Takes in a body chunk by chunk, under a signal. */
import type { Body } from './backend.ts'

/**
 * Hands each chunk of a body to `take`. When the signal is aborted it rejects with the reason at once, also if the body
 * never answers again; when `take` throws or the signal is aborted, the body is told to stop.
 *
 * @throws TypeError if the body is none, or yields something else than bytes
 */
export async function takeIn(
  body: Body,
  signal: AbortSignal,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  if (body instanceof Uint8Array) {
    take(body)
    return
  }
  if (typeof body?.[Symbol.asyncIterator] !== 'function') {
    throw new TypeError('The body is neither a Uint8Array nor an async iterable of them')
  }
  const iterator = body[Symbol.asyncIterator]()
  let askBodyToStop = true
  try {
    for (;;) {
      // A body that fails or ends has stopped by itself.
      askBodyToStop = false
      const step = await unlessAborted(iterator.next(), signal, () => (askBodyToStop = true))
      if (step.done === true) return
      askBodyToStop = true
      if (!(step.value instanceof Uint8Array)) {
        throw new TypeError(`The body yields ${typeof step.value} where bytes belong`)
      }
      take(step.value)
    }
  } finally {
    if (askBodyToStop) await stop(iterator, signal)
  }
}

/** Tells a body to stop, and waits for it unless the signal says that nobody waits any more. */
async function stop(iterator: AsyncIterator<unknown>, signal: AbortSignal): Promise<void> {
  const stopped = iterator.return?.()
  if (stopped === undefined) return
  // The put has its outcome already; how the body takes the news does not change it.
  await unlessAborted(stopped, signal, () => {}).catch(() => undefined)
}

/** Waits for a promise or the abort, whichever is first. The loser is heard too, so that nothing is left unhandled. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, onAborted: () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      onAborted()
      reject(signal.reason)
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    promise.then(
      (value) => {
        signal.removeEventListener('abort', abort)
        resolve(value)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', abort)
        reject(error)
      },
    )
  })
}
