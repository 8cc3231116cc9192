/** Everything that waits for a time, in one binary heap: a backend arms one host timer for all of it. */

/** What is told when its time has come. */
export interface TimerTarget {
  due(): void
}

/** One entry of {@link Timers}. */
export interface Timer {
  readonly at: number
  readonly order: number
  /** `undefined` once it was taken out or has fired. */
  target: TimerTarget | undefined
}

/** A heap of timers, ordered by time and then by when they were added. Taking one out is O(1): it dies in place. */
export class Timers {
  #heap: Timer[] = []
  #live = 0
  #order = 0

  /** How many timers have not fired and were not taken out. */
  get size(): number {
    return this.#live
  }

  add(at: number, target: TimerTarget): Timer {
    const timer: Timer = { at, order: this.#order++, target }
    this.#live += 1
    const heap = this.#heap
    heap.push(timer)
    rise(heap, heap.length - 1)
    return timer
  }

  remove(timer: Timer): void {
    if (timer.target === undefined) return
    timer.target = undefined
    this.#live -= 1
    // The dead may be as many as the living and no more, so that memory follows what waits.
    if (this.#live === 0) this.#heap.length = 0
    else if (this.#heap.length > 64 && this.#live < this.#heap.length >> 1) this.#compact()
  }

  /** The time of the earliest timer, `Infinity` if there is none. */
  earliest(): number {
    this.#dropDead()
    return this.#heap[0]?.at ?? Infinity
  }

  /** Takes out the earliest timer if its time is not after `time`, and gives its target. */
  take(time: number): TimerTarget | undefined {
    this.#dropDead()
    const first = this.#heap[0]
    if (first === undefined || first.at > time) return undefined
    this.#pop()
    const { target } = first
    first.target = undefined
    this.#live -= 1
    return target
  }

  #dropDead(): void {
    while (this.#heap.length > 0 && this.#heap[0]!.target === undefined) this.#pop()
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    heap[0] = last
    sink(heap, 0)
  }

  #compact(): void {
    const heap = this.#heap.filter((timer) => timer.target !== undefined)
    for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(heap, at)
    this.#heap = heap
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function rise(heap: Timer[], at: number): void {
  const timer = heap[at]!
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!before(timer, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = timer
}

function sink(heap: Timer[], at: number): void {
  const timer = heap[at]!
  const half = heap.length >> 1
  while (at < half) {
    let child = 2 * at + 1
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1
    if (!before(heap[child]!, timer)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = timer
}
