/** Waiting for a promise that is not ours. */
import { nodeOf, within } from './ambient.ts'
import { checkOptions } from './checks.ts'
import type { Kernel } from './kernel.ts'
import type { WaitOptions } from './scope.ts'
import { WaitQueue } from './wait-queue.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { park, refuse } from './wait.ts'

/** Who waits for a promise. One reaction serves them all: those that leave would stay with a promise that lives long. */
const followers = new WeakMap<PromiseLike<unknown>, WaitQueue>()

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
  checkOptions(options, waitKeys)
  if (options?.signal !== undefined) return underSignal(options, async (inner) => await run(promise, inner))
  const scope = nodeOf(options?.scope)
  if (scope.cancelled) {
    // What it fails with later is heard all the same.
    follow(promise, new WaitQueue(), scope.kernel)
    return refuse(scope, 'promise', undefined)
  }
  const wait = park<T>(scope, 'promise', undefined)
  const queue = followers.get(promise) ?? new WaitQueue()
  queue.add(wait)
  follow(promise, queue, scope.kernel)
  return wait.promise
}

/** Lets the promise settle the waits of the queue, unless there is one that it settles already. */
function follow(promise: PromiseLike<unknown>, queue: WaitQueue, { root }: Kernel): void {
  if (followers.has(promise)) return
  followers.set(promise, queue)
  const settle = (failed: boolean, outcome: unknown): void => {
    followers.delete(promise)
    for (let wait = queue.first; wait !== undefined; wait = queue.first) {
      if (failed) wait.fail(outcome)
      else wait.succeed(outcome)
    }
  }
  const listen = (): void => {
    promise.then(
      (value) => settle(false, value),
      (error: unknown) => settle(true, error),
    )
  }
  try {
    // In nobody's scope: the `then` of a task waits in the scope it is called in, and others will wait for this one.
    within(root, listen)
  } catch (error) {
    settle(true, error)
  }
}
