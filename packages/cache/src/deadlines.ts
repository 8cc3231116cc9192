/** When the entries of a memory cache expire. */
import { grown } from './links.ts'

/** The deadlines of slots, each of which has one, or none. */
export class Deadlines {
  /** Infinity for never. */
  #times: Float64Array
  readonly #now: () => number

  constructor(slots: number, now: () => number) {
    this.#times = new Float64Array(slots).fill(Number.POSITIVE_INFINITY)
    this.#now = now
  }

  /** Lets a slot expire after a time that may be Infinity. */
  set(slot: number, ttlMs: number): void {
    this.#times[slot] = ttlMs === Number.POSITIVE_INFINITY ? ttlMs : this.#now() + ttlMs
  }

  isOver(slot: number): boolean {
    const time = this.#times[slot]!
    return time !== Number.POSITIVE_INFINITY && time <= this.#now()
  }

  /** Milliseconds that a slot has left, as of now for all of them. */
  left(): (slot: number) => number {
    const now = this.#now()
    return (slot) => this.#times[slot]! - now
  }

  /** Makes room for more slots. Whoever gets one sets its deadline. */
  grow(slots: number): void {
    this.#times = grown(this.#times, slots)
  }
}
