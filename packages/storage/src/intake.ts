/** Takes in a body chunk by chunk, under a signal. */
import { cancelScope, run, type Scope } from '@ipfs-kit/concurrency'
import type { Body } from './backend.ts'
import { StorageError } from './errors.ts'

/**
 * Hands each chunk of a body to `take`, and asks for the next one when that is done. When the signal is aborted it rejects
 * with the reason at once, also if the body never answers again; so it does when the scope of the caller is cancelled. What
 * `take` waits for it ends by itself then. Then, or when `take` throws, the body is told to stop. For backends to use in
 * their `put()`.
 *
 * @param size - bytes that the body has to have. A chunk with which there are more is not taken
 * @throws TypeError if the body is none, or yields something else than bytes
 * @throws StorageError `STORAGE_SIZE_MISMATCH`
 */
export async function takeIn(
  body: Body,
  signal: AbortSignal,
  take: (chunk: Uint8Array) => void | Promise<void>,
  size?: number,
): Promise<void> {
  let total = 0
  const count = (chunk: Uint8Array): void | Promise<void> => {
    total += chunk.byteLength
    if (size !== undefined && total > size) throw sizeMismatch(size, `at least ${total}`)
    return take(chunk)
  }
  if (body instanceof Uint8Array) {
    await count(body)
  } else {
    if (typeof body?.[Symbol.asyncIterator] !== 'function') {
      throw new TypeError('The body is neither a Uint8Array nor an async iterable of them')
    }
    await cancelScope((scope) => takeAll(body[Symbol.asyncIterator](), scope, count), { signal })
  }
  signal.throwIfAborted()
  if (size !== undefined && total !== size) throw sizeMismatch(size, `${total}`)
}

/** Rejects with the reason of the scope once it is cancelled. */
async function takeAll(
  iterator: AsyncIterator<unknown>,
  scope: Scope,
  take: (chunk: Uint8Array) => void | Promise<void>,
): Promise<void> {
  let ended = false
  try {
    for (;;) {
      // A body that fails or ends has stopped by itself.
      ended = true
      const step = await run(iterator.next())
      if (step.done === true) return
      ended = false
      if (!(step.value instanceof Uint8Array)) {
        throw new TypeError(`The body yields ${typeof step.value} where bytes belong`)
      }
      await take(step.value)
    }
  } finally {
    if (!ended || scope.cancelled) await stop(iterator)
  }
}

/** Tells a body to stop, and waits for it unless the scope is cancelled, which says that nobody waits any more. */
async function stop(iterator: AsyncIterator<unknown>): Promise<void> {
  const stopped = iterator.return?.()
  if (stopped === undefined) return
  try {
    await run(stopped)
  } catch {
    // waits: the put has its outcome already; how the body takes the news does not change it
  }
}

function sizeMismatch(size: number, found: string): StorageError {
  return new StorageError('STORAGE_SIZE_MISMATCH', `The body has ${found} bytes, not ${size} as declared`)
}
