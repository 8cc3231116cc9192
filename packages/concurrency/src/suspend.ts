/** Waiting for something that is no library wait: a callback. */
import { nodeOf } from './ambient.ts'
import { checkFunction, checkOptions } from './checks.ts'
import type { WaitOptions } from './scope.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { park, refuse, type Undo, type Wait } from './wait.ts'

/** The keys of {@link SuspendOptions}. */
const suspendKeys = [...waitKeys, 'what']

export type { Undo } from './wait.ts'

/** The two ends of a wait: the first call of one of them counts. */
export interface Resume<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
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
 *   is called, and rejects with the reason then: for work that has to be over first, as a process that is killed. What that
 *   function throws comes in the place of the reason
 * @returns what `resolve` is called with
 */
export function suspend<T>(begin: (resume: Resume<T>) => Undo, options?: SuspendOptions): Promise<T> {
  checkFunction(begin, 'begin')
  checkOptions(options, suspendKeys)
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
    wait.undo = begin(new Ends(wait))
  } catch (error) {
    if (wait.phase === 'abandoned') wait.payload = error
    wait.fail(error)
  }
  wait.undoNow()
  return wait.promise
}

/**
 * The two ends of a wait. A class, since V8 may come to think that all that an object literal makes grows old, if waits were many
 * while it looked: it would then make them in the old space, where each keeps what it holds until the next whole collection.
 */
class Ends<T> implements Resume<T> {
  declare readonly resolve: (value: T) => void
  declare readonly reject: (error: unknown) => void

  constructor(wait: Wait<T>) {
    this.resolve = (value) => void wait.succeed(value)
    this.reject = (error) => void wait.fail(error)
  }
}
