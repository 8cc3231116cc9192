/** The way from a worker into the program that called it. */
import { ConcurrencyError } from '../errors.ts'
import { toFailure } from './failure.ts'

/** What a worker's function gets as its last argument when the call has the option `portal`. */
export interface Portal {
  /**
   * Calls the function that the caller gave by this name, and waits for its result without blocking the worker.
   *
   * @throws what the function throws; `CONCURRENCY_THREAD_PORTAL_UNKNOWN`, `CONCURRENCY_THREAD_PORTAL_CLOSED`,
   *   `CONCURRENCY_THREAD_PORTAL_FULL`, `CONCURRENCY_THREAD_NOT_CLONEABLE`
   */
  call<T = unknown>(name: string, ...args: unknown[]): Promise<T>
  /** The same, but the worker stands still until the result is there. For code that cannot await. */
  callSync<T = unknown>(name: string, ...args: unknown[]): T
}

/** The functions that a worker may call, by name. Arguments and results are cloned, errors keep name, message and code. */
export type PortalFunctions = Readonly<Record<string, (...args: never[]) => unknown>>

/** The most portal calls of one run that are open at once. */
export const mostPortalCalls = 1024

/** The error of something that the other side cannot get. */
export function notCloneable(what: string, cause: unknown): ConcurrencyError {
  // It may be what a getter threw, and so anything.
  const failure = toFailure(cause)
  const why = failure.type === 'error' ? `: ${failure.message}` : ''
  return new ConcurrencyError('CONCURRENCY_THREAD_NOT_CLONEABLE', `${what} cannot be cloned${why}`, { cause })
}
