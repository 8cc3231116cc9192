/** Time: the clock of the backend, and waiting for it. */
import { nodeOf } from './ambient.ts'
import { checkDuration, checkOptions, checkTime } from './checks.ts'
import type { ScopeNode } from './scope-node.ts'
import type { WaitOptions } from './scope.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { park, ready, refuse } from './wait.ts'

/** Milliseconds on the clock of the backend, which never goes back. Only differences mean something. */
export function now(options?: Pick<WaitOptions, 'scope'>): number {
  return nodeOf(options?.scope).kernel.now()
}

/** A number from 0 up to and without 1: from the host's generator, or from the seed of a simulated run. */
export function random(options?: Pick<WaitOptions, 'scope'>): number {
  return nodeOf(options?.scope).kernel.random()
}

/**
 * Waits for `ms` milliseconds; `Infinity` waits until it is cancelled.
 *
 * @throws RangeError if `ms` is negative or NaN
 */
export function sleep(ms: number, options?: WaitOptions): Promise<void> {
  checkDuration(ms, 'ms')
  checkOptions(options, waitKeys)
  if (options?.signal !== undefined) return underSignal(options, async (inner) => await sleep(ms, inner))
  const scope = nodeOf(options?.scope)
  if (scope.cancelled) return refuse(scope, 'sleep', undefined)
  return ms === 0 ? yieldTurn(scope) : sleepIn(scope, scope.kernel.now() + ms)
}

/**
 * Waits until `time` on the clock of `now()`. A time that has passed costs one turn, as `sleep(0)` does.
 *
 * @throws RangeError if `time` is NaN
 */
export function sleepUntil(time: number, options?: WaitOptions): Promise<void> {
  checkTime(time, 'time')
  checkOptions(options, waitKeys)
  if (options?.signal !== undefined)
    return underSignal(options, async (inner) => await sleepUntil(time, inner))
  const scope = nodeOf(options?.scope)
  if (scope.cancelled) return refuse(scope, 'sleep', undefined)
  return time <= scope.kernel.now() ? yieldTurn(scope) : sleepIn(scope, time)
}

/** Among the timers, also if `time` passes meanwhile: it comes after those that are due before it. */
function sleepIn(scope: ScopeNode, time: number): Promise<void> {
  const wait = park<void>(scope, 'sleep', undefined)
  if (time !== Infinity) {
    wait.undo = scope.kernel.timers.add(time, wait)
    scope.kernel.timerAdded(time)
  }
  return wait.promise
}

/**
 * Lets everything else that can run have its turn, pending input and output too, and rejects if the scope is cancelled. What a
 * loop without other waits needs.
 */
export function checkpoint(options?: WaitOptions): Promise<void> {
  checkOptions(options, waitKeys)
  if (options?.signal !== undefined) return underSignal(options, async (inner) => await checkpoint(inner))
  const scope = nodeOf(options?.scope)
  return scope.cancelled ? refuse(scope, 'checkpoint', undefined) : yieldTurn(scope)
}

/** Throws the reason if the scope is cancelled. Does not wait. */
export function throwIfCancelled(options?: Pick<WaitOptions, 'scope'>): void {
  const scope = nodeOf(options?.scope)
  if (scope.cancelled) throw scope.reason
}

function yieldTurn(scope: ScopeNode): Promise<void> {
  if (!scope.kernel.eager) return ready(scope, 'checkpoint', undefined, undefined)
  const wait = park<void>(scope, 'checkpoint', undefined)
  wait.settleLater('resolved', undefined)
  return wait.promise
}
