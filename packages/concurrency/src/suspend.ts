/** Waiting for something that is no library wait: a callback, a foreign promise. */
import { nodeOf } from './ambient.ts'
import { checkFunction } from './checks.ts'
import type { WaitOptions } from './scope.ts'
import { underSignal } from './wait-options.ts'
import { park, refuse, type Undo } from './wait.ts'

export type { Undo } from './wait.ts'

/** The two ends of a wait: the first call of one of them counts. */
export interface Resume<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/** Options of {@link suspend}. */
export interface SuspendOptions extends WaitOptions {
  /** What is waited for, in dumps of the task tree. Default: `suspend`. */
  readonly what?: string | undefined
}

/**
 * Waits until a callback is called: the way to build a wait of one's own that can be cancelled.
 *
 * @param begin - called at once; returns the function that undoes it. When the scope is cancelled, that function is called and
 *   the wait rejects with the reason. If it returns `'settles-later'` the wait goes on until `resolve` or `reject`
 *   is called, and rejects with the reason then: for work that has to be over first, as a process that is killed
 * @returns what `resolve` is called with
 */
export function suspend<T>(begin: (resume: Resume<T>) => Undo, options?: SuspendOptions): Promise<T> {
  checkFunction(begin, 'begin')
  if (options?.signal !== undefined) {
    return underSignal(options, async (inner) => await suspend(begin, inner))
  }
  const scope = nodeOf(options?.scope)
  const what = options?.what ?? 'suspend'
  if (scope.cancelled) return refuse(scope, what, undefined)
  const wait = park<T>(scope, what, undefined)
  // If `begin` itself cancels the scope, the wait is there until it can be undone.
  wait.undo = () => 'settles-later'
  try {
    wait.undo = begin({
      resolve: (value) => void wait.succeed(value),
      reject: (error) => void wait.fail(error),
    })
  } catch (error) {
    if (wait.phase === 'abandoned') wait.payload = error
    wait.fail(error)
  }
  wait.undoNow()
  return wait.promise
}

/**
 * Waits for a promise that is not ours. When the scope is cancelled it stops *waiting*; the work behind the promise goes
 * on, and what comes of it is dropped. Give such work `scope.signal` if it takes one.
 *
 * @returns what the promise gives
 */
export function run<T>(promise: PromiseLike<T>, options?: WaitOptions): Promise<T> {
  if (typeof (promise as PromiseLike<T> | undefined)?.then !== 'function') {
    throw new TypeError('promise is not a promise')
  }
  if (options?.signal !== undefined) return underSignal(options, async (inner) => await run(promise, inner))
  const scope = nodeOf(options?.scope)
  if (scope.cancelled) {
    promise.then(undefined, () => undefined)
    return refuse(scope, 'promise', undefined)
  }
  const wait = park<T>(scope, 'promise', undefined)
  try {
    promise.then(
      (value) => wait.succeed(value),
      (error: unknown) => wait.fail(error),
    )
  } catch (error) {
    wait.fail(error)
  }
  return wait.promise
}
