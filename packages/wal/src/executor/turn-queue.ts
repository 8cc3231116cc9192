/**
 * The pending operations of a lane whose turn comes next, bounded: of those that do not fit it is known from where on there are
 * others, so that nothing in here comes after one that is not.
 */
import type { LoggedOperation } from '../store/operation.ts'

const none: readonly LoggedOperation[] = []

export class TurnQueue {
  readonly #limit: number
  /** A binary heap; entries that {@link #current} does not have any more are passed over. */
  #heap: LoggedOperation[] = []
  readonly #current = new Map<number, LoggedOperation>()
  #horizon: LoggedOperation | undefined

  /** @param limit - how many it holds at most */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#current.size
  }

  /** Whether there may be others that are not in here. */
  get isCut(): boolean {
    return this.#horizon !== undefined
  }

  /** Takes an operation, in the place of an older state of it. Gives those that are not in here then: it, or others. */
  add(operation: LoggedOperation): readonly LoggedOperation[] {
    this.remove(operation.id)
    if (this.#horizon !== undefined && byTurn(operation, this.#horizon) >= 0) return [operation]
    this.#current.set(operation.id, operation)
    this.#push(operation)
    return this.#current.size > this.#limit ? this.#cut() : none
  }

  remove(id: number): void {
    this.#current.delete(id)
  }

  /** From here on there are others, if not from an earlier one on. */
  limitTo(operation: LoggedOperation): void {
    if (this.#horizon === undefined || byTurn(operation, this.#horizon) < 0) this.#horizon = operation
  }

  /** There are no others. */
  unlimit(): void {
    this.#horizon = undefined
  }

  /** The one whose turn it is. */
  first(): LoggedOperation | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#current.get(top.id) === top) return top
      this.#pop()
    }
    return undefined
  }

  /** Keeps the better half, and gives the other. */
  #cut(): LoggedOperation[] {
    const sorted = [...this.#current.values()].sort(byTurn)
    const rest = sorted.splice(Math.ceil(this.#limit / 2))
    this.limitTo(rest[0]!)
    for (const { id } of rest) this.#current.delete(id)
    // What is sorted is a heap.
    this.#heap = sorted
    return rest
  }

  #push(operation: LoggedOperation): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(operation)
    while (at > 0) {
      const above = (at - 1) >> 1
      if (byTurn(heap[above]!, operation) <= 0) break
      heap[at] = heap[above]!
      at = above
    }
    heap[at] = operation
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && byTurn(heap[below + 1]!, heap[below]!) < 0) below += 1
      if (byTurn(last, heap[below]!) <= 0) break
      heap[at] = heap[below]!
      at = below
    }
    heap[at] = last
  }
}

/** The highest priority first, of one priority who is due first, then by id. */
export function byTurn(a: LoggedOperation, b: LoggedOperation): number {
  return b.priority - a.priority || a.dueAt - b.dueAt || a.id - b.id
}
