/**
 * How long a failed attempt waits for the next one: exponential, with full jitter, so that what failed together does not come
 * back together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
import { random } from '@ipfs-kit/concurrency'

/** The bounds of a backoff. */
export interface Backoff {
  /** The longest wait after the first failure, in milliseconds; it doubles with each one. */
  readonly baseMs: number
  /** The longest wait of all, in milliseconds. */
  readonly maxMs: number
}

/** Milliseconds to wait after so many failures: from 1 up to `baseMs * 2 ** (failures - 1)`, and at most `maxMs`. */
export function backoffMs({ baseMs, maxMs }: Backoff, failures: number): number {
  const most = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 50))
  return 1 + Math.floor(random() * most)
}
