/** One library wait: a promise that its scope can settle at once, wherever it is queued. */
import { overdraft, type Runnable } from './kernel.ts'
import type { ScopeNode } from './scope-node.ts'
import type { Timer } from './timers.ts'
import type { WaitQueue } from './wait-queue.ts'

/** What is waited on, as dumps of the task tree name it. */
export interface Named {
  readonly name: string
}

/** Undoes a wait that is cancelled. `'settles-later'`: the wait goes on until it is settled, then rejects with the reason. */
export type Undo = (reason: unknown) => void | 'settles-later'

/** A wait of whatever type, as lists and queues hold it. */
// oxlint-disable-next-line typescript/no-explicit-any -- a list of waits does not care what they resolve with
export type AnyWait = Wait<any>

/** What all waits that give nothing have in common when they go on at once. */
const nothing = Promise.resolve()

/** How a wait stands. An abandoned one was cancelled and settles when its undo is through. */
type Phase = 'pending' | 'abandoned' | 'resolved' | 'rejected'

/**
 * A wait. It is among those of its scope from `park` until it is settled. Fields are declared and assigned in the
 * constructor, and few: defining them, and more of them, would cost a third of a wait.
 */
export class Wait<T = unknown> implements Runnable {
  declare readonly promise: Promise<T>
  declare readonly scope: ScopeNode
  declare readonly what: string
  declare readonly on: Named | undefined
  declare phase: Phase
  /** What the queue keeps with it: a value to send, a borrower. Once it is settled and has not gone on: the outcome. */
  declare payload: unknown
  /** How it is undone, or the timer that it has. */
  declare undo: Undo | Timer | undefined
  /** The queue it stands in, and its neighbours there. */
  declare queue: WaitQueue | undefined
  declare nextInQueue: AnyWait | undefined
  declare previousInQueue: AnyWait | undefined
  /** Its neighbours in its scope. */
  declare nextInScope: AnyWait | undefined
  declare previousInScope: AnyWait | undefined
  declare private readonly resolve: (value: T) => void
  declare private readonly reject: (error: unknown) => void

  constructor(scope: ScopeNode, what: string, on: Named | undefined) {
    let resolveOut!: (value: T) => void
    let rejectOut!: (error: unknown) => void
    this.promise = new Promise<T>((resolve, reject) => {
      resolveOut = resolve
      rejectOut = reject
    })
    this.phase = 'pending'
    this.payload = undefined
    this.queue = undefined
    this.undo = undefined
    this.scope = scope
    this.reject = rejectOut
    this.resolve = resolveOut
    this.nextInQueue = undefined
    this.previousInQueue = undefined
    this.nextInScope = undefined
    this.previousInScope = undefined
    this.what = what
    this.on = on
  }

  /** Settles with a value. False if it was settled before; an abandoned one then rejects with its reason. */
  succeed(value: T): boolean {
    return this.settle('resolved', value)
  }

  /** Settles with a value as {@link succeed}, and goes on one microtask later: whoever calls this may do more before. */
  succeedSoon(value: T): void {
    const { kernel } = this.scope
    if (this.phase !== 'pending' || kernel.credit <= 0) {
      this.succeed(value)
      return
    }
    this.phase = 'resolved'
    this.payload = value
    if (this.queue !== undefined) this.queue.remove(this)
    this.leave()
    kernel.credit -= 1
    void nothing.then(() => this.deliver())
  }

  /** Settles with an error. False if it was settled before. */
  fail(error: unknown): boolean {
    return this.settle('rejected', error)
  }

  /** The scope is cancelled: settles at once, or later if the undo says so. */
  abandon(reason: unknown): void {
    if (this.phase !== 'pending') return
    this.queue?.forget(this)
    if (typeof this.undo !== 'function') {
      this.cutOff(reason)
      return
    }
    this.phase = 'abandoned'
    this.payload = reason
    this.undoNow()
  }

  /** Undoes what it waits for, if it is abandoned. What the undo throws comes in the place of the reason. */
  undoNow(): void {
    if (this.phase !== 'abandoned') return
    let answer: void | 'settles-later' = undefined
    try {
      if (typeof this.undo === 'function') answer = this.undo(this.payload)
    } catch (error) {
      this.payload = error
    }
    if (answer !== 'settles-later') this.fail(this.payload)
  }

  /** Settles, and goes on in a later turn. */
  settleLater(phase: 'resolved' | 'rejected', outcome: unknown): void {
    this.leave()
    this.phase = phase
    this.payload = outcome
    this.scope.kernel.resumeLater(this)
  }

  /** Its time has come: a sleep is over. */
  due(): void {
    this.succeed(undefined as T)
  }

  deliver(): void {
    if (this.phase === 'resolved') this.resolve(this.payload as T)
    else this.reject(this.payload)
  }

  private settle(phase: 'resolved' | 'rejected', outcome: unknown): boolean {
    if (this.phase === 'abandoned') {
      phase = 'rejected'
      outcome = this.payload
    } else if (this.phase !== 'pending') return false
    this.phase = phase
    if (this.queue !== undefined) this.queue.remove(this)
    this.leave()
    const { kernel } = this.scope
    if (kernel.credit <= 0) {
      this.payload = outcome
      kernel.resume(this)
      return true
    }
    kernel.credit -= 1
    if (phase === 'resolved') this.resolve(outcome as T)
    else this.reject(outcome)
    return true
  }

  /** Rejects as the scope is cancelled: in a burst with all the others of the scope. */
  private cutOff(reason: unknown): void {
    const { kernel } = this.scope
    this.phase = 'rejected'
    this.leave()
    if (kernel.eager && kernel.credit > -overdraft) {
      kernel.credit -= 1
      this.reject(reason)
      return
    }
    this.payload = reason
    kernel.resume(this)
  }

  /** Leaves its scope and its timer. */
  private leave(): void {
    this.scope.dropWait(this)
    const { undo } = this
    if (typeof undo !== 'object') return
    const { kernel } = this.scope
    kernel.timers.remove(undo)
    kernel.timerRemoved()
  }
}

/** Parks a wait in `scope`, which can cancel it. */
export function park<T>(scope: ScopeNode, what: string, on: Named | undefined): Wait<T> {
  const wait = new Wait<T>(scope, what, on)
  scope.addWait(wait)
  if (!scope.kernel.eager) scope.kernel.parked(wait)
  return wait
}

/** A wait that has nothing to wait for: goes on at once, or when the backend chooses it. */
export function ready<T>(scope: ScopeNode, what: string, on: Named | undefined, value: T): Promise<T> {
  const { kernel } = scope
  if (kernel.credit > 0) {
    kernel.credit -= 1
    return value === undefined ? (nothing as Promise<T>) : Promise.resolve(value)
  }
  const wait = new Wait<T>(scope, what, on)
  wait.succeed(value)
  return wait.promise
}

/** A wait that fails at once, as {@link ready} succeeds. */
export function failed(
  scope: ScopeNode,
  what: string,
  on: Named | undefined,
  error: unknown,
): Promise<never> {
  const { kernel } = scope
  if (kernel.credit > 0) {
    kernel.credit -= 1
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason of a foreign signal passes untouched
    return Promise.reject(error)
  }
  const wait = new Wait<never>(scope, what, on)
  wait.fail(error)
  return wait.promise
}

/** After so many refused waits the event loop gets a turn. */
const refusalsPerTurn = 16

/**
 * A wait in a cancelled scope: rejects with its reason. Every few times it lets the event loop turn, so that a loop that
 * catches everything cannot stop the program.
 */
export function refuse(scope: ScopeNode, what: string, on: Named | undefined): Promise<never> {
  // Counted for the whole backend: a loop may open a new scope each time.
  const { counters } = scope.kernel
  counters.refused += 1
  if (counters.refused % refusalsPerTurn !== 0) return failed(scope, what, on, scope.reason)
  const wait = new Wait<never>(scope, what, on)
  wait.settleLater('rejected', scope.reason)
  return wait.promise
}
