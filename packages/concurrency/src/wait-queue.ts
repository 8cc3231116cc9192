/** Waits in order of arrival, as an intrusive list: entering and leaving cost a few nanoseconds wherever one stands. */
import type { AnyWait } from './wait.ts'

/** A queue of waits. A wait is in one queue at most. */
export class WaitQueue {
  first: AnyWait | undefined = undefined
  last: AnyWait | undefined = undefined
  size = 0
  readonly #forgotten: ((wait: AnyWait) => void) | undefined

  /** `forgotten` is told of each wait that left because it was cancelled. */
  constructor(forgotten?: (wait: AnyWait) => void) {
    this.#forgotten = forgotten
  }

  add(wait: AnyWait): void {
    wait.queue = this
    wait.previousInQueue = this.last
    if (this.last === undefined) this.first = wait
    else this.last.nextInQueue = wait
    this.last = wait
    this.size += 1
  }

  remove(wait: AnyWait): void {
    const { nextInQueue: next, previousInQueue: previous } = wait
    if (previous === undefined) this.first = next
    else previous.nextInQueue = next
    if (next === undefined) this.last = previous
    else next.previousInQueue = previous
    wait.queue = undefined
    // A wait that is over must not hold those after it: once the collector calls one old, it would keep all that follow.
    wait.nextInQueue = undefined
    wait.previousInQueue = undefined
    this.size -= 1
  }

  /** Takes out a wait that was cancelled. */
  forget(wait: AnyWait): void {
    this.remove(wait)
    this.#forgotten?.(wait)
  }
}
