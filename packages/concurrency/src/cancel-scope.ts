/** Cancel scopes: a part of the work that can be stopped alone, by hand or by a deadline. */
import { nodeOf } from './ambient.ts'
import { checkDuration, checkOptions, checkTime } from './checks.ts'
import { checkBody, openNode, runScope } from './scope-run.ts'
import type { Scope, ScopeOptions } from './scope.ts'

/** Options of the functions that set the deadline themselves. */
export type TimedOptions = Omit<ScopeOptions, 'deadline'>

// Spread over what such a function sets itself, an option of the same name would be lost without a word.
const timedKeys = ['name', 'shield', 'signal', 'scope']
const shieldKeys = ['name', 'deadline', 'signal', 'scope']

/** What runs in a scope. */
export type ScopeBody<T> = (scope: Scope) => T | PromiseLike<T>

/**
 * Runs `fn` in a scope of its own.
 *
 * @returns what `fn` returned; `undefined` if `fn` was cut off by `cancel` or the deadline of this very scope. A cancellation from
 *   around it or by a passed signal rejects with its reason
 */
export async function cancelScope<T>(fn: ScopeBody<T>, options?: ScopeOptions): Promise<T | undefined> {
  checkBody(fn, options)
  const node = openNode(fn, options)
  const outcome = await runScope(node, fn)
  if (!outcome.failed) return outcome.value
  const own = node.cancelledBy === 'explicit' || node.cancelledBy === 'deadline'
  if (own && Object.is(outcome.error, node.reason)) return undefined
  throw outcome.error
}

/**
 * Runs `fn` for `ms` milliseconds at most, and goes on without it then.
 *
 * @returns what `fn` returned, or `undefined` if the time was up first
 * @throws RangeError if `ms` is negative or NaN
 */
export async function moveOnAfter<T>(
  ms: number,
  fn: ScopeBody<T>,
  options?: TimedOptions,
): Promise<T | undefined> {
  checkDuration(ms, 'ms')
  checkOptions(options, timedKeys)
  return await cancelScope(fn, { ...options, deadline: nodeOf(options?.scope).kernel.now() + ms })
}

/**
 * Runs `fn` until `time` on the clock of `now()`, and goes on without it then.
 *
 * @returns what `fn` returned, or `undefined` if the time came first
 * @throws RangeError if `time` is NaN
 */
export async function moveOnAt<T>(
  time: number,
  fn: ScopeBody<T>,
  options?: TimedOptions,
): Promise<T | undefined> {
  checkTime(time, 'time')
  checkOptions(options, timedKeys)
  return await cancelScope(fn, { ...options, deadline: time })
}

/**
 * Runs `fn` for `ms` milliseconds at most.
 *
 * @returns what `fn` returned; rejects with a TimeoutError if `fn` was cut off by the deadline
 * @throws RangeError if `ms` is negative or NaN
 */
export async function failAfter<T>(ms: number, fn: ScopeBody<T>, options?: TimedOptions): Promise<T> {
  checkDuration(ms, 'ms')
  checkOptions(options, timedKeys)
  return await inScope(fn, { ...options, deadline: nodeOf(options?.scope).kernel.now() + ms })
}

/**
 * Runs `fn` until `time` on the clock of `now()`.
 *
 * @returns what `fn` returned; rejects with a TimeoutError if `fn` was cut off by the deadline
 * @throws RangeError if `time` is NaN
 */
export async function failAt<T>(time: number, fn: ScopeBody<T>, options?: TimedOptions): Promise<T> {
  checkTime(time, 'time')
  checkOptions(options, timedKeys)
  return await inScope(fn, { ...options, deadline: time })
}

/** Runs `fn` out of reach of cancellations and deadlines from around it: what must be finished once it is begun. */
export async function shield<T>(fn: ScopeBody<T>, options?: Omit<ScopeOptions, 'shield'>): Promise<T> {
  checkOptions(options, shieldKeys)
  return await inScope(fn, { ...options, shield: true })
}

/** A scope whose own cancellation rejects, as one from around it does. */
async function inScope<T>(fn: ScopeBody<T>, options: ScopeOptions): Promise<T> {
  checkBody(fn, options)
  const outcome = await runScope(openNode(fn, options), fn)
  if (outcome.failed) throw outcome.error
  return outcome.value
}
