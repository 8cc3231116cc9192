/** What a backend gives to scopes, waits and tasks. */
import type { ScopeNode } from './scope-node.ts'
import type { Timers } from './timers.ts'
import type { AnyWait } from './wait.ts'

/** Something that a backend lets go on: a wait that is settled, or a task that begins. */
export interface Runnable {
  readonly scope: ScopeNode
  readonly what: string
  readonly on: { readonly name: string } | undefined
  /** Lets it go on. Called once. */
  deliver(): void
}

/** A task that has not begun. */
export interface Beginner extends ScopeNode {
  begin(): void
}

/** Counters of one backend, written by scopes, waits and tasks. */
export interface Counters {
  /** Tasks spawned since the backend was made. */
  spawned: number
  /** Tasks that have not ended. */
  alive: number
  /** Cancelled scopes that have ended. */
  cancelled: number
  /** Milliseconds from the call of cancel to the end of the scope: the sum and the longest. */
  cancelMs: number
  longestCancelMs: number
  /** Waits that were asked for in a cancelled scope. */
  refused: number
  /** Waits that went on in a later turn of the native event loop: checkpoints, and refusals of a loop that spins. */
  yields: number
}

/**
 * How far below 0 the credit of a backend may fall. What comes in bursts goes on at once until then: tasks that begin, and waits
 * that are cut off by a cancellation.
 */
export const overdraft = 16_384

/** A backend as its scopes see it. */
export interface Kernel {
  readonly name: 'native' | 'sim'
  /** Whether waits go on in the order in which they are settled. Otherwise the backend chooses. */
  readonly eager: boolean
  /**
   * How many waits may still go on at once, counted down by them; at 0 and below the backend chooses when. Tasks that keep
   * each other going, as the two ends of a channel do, would else keep all timers and all input from the event loop.
   */
  credit: number
  readonly root: ScopeNode
  readonly timers: Timers
  readonly counters: Counters
  now(): number
  random(): number
  /** Lets `runnable` go on when the backend chooses it. */
  resume(runnable: Runnable): void
  /** Lets it go on after everything else that can run had its turn. */
  resumeLater(runnable: Runnable): void
  /** Begins a task, never within this call, and in the async context of the caller. */
  begin(task: Beginner): void
  /** A timer was added for `time`. */
  timerAdded(time: number): void
  /** A timer was taken out. */
  timerRemoved(): void
  /** A wait was parked. */
  parked(wait: AnyWait): void
}

/** Counters of a backend at its beginning. */
export function noCounts(): Counters {
  return { spawned: 0, alive: 0, cancelled: 0, cancelMs: 0, longestCancelMs: 0, refused: 0, yields: 0 }
}
