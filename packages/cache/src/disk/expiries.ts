/** Which entry expires first. What has changed stays until it comes to the top. */
import { Heap } from '../heap.ts'

/** What expires. */
export interface Expiring {
  /** Infinity: never. */
  readonly expiresAt: number
  /** Whether it is still the value of its key. */
  readonly isCurrent: boolean
}

/** The times of entries. */
export class Expiries<T extends Expiring> {
  readonly #byTime = new Heap<T>()

  /** Notes when an entry expires; once more if that changes. `live`: how many entries there are. */
  add(entry: T, live: number): void {
    if (entry.expiresAt === Number.POSITIVE_INFINITY) return
    if (this.#byTime.size > 2 * live + 64) this.#byTime.retain(isValid)
    this.#byTime.push(entry.expiresAt, entry)
  }

  /** Takes out one that has expired. */
  take(now: number): T | undefined {
    while (this.#byTime.least <= now) {
      const time = this.#byTime.least
      const entry = this.#byTime.pop()
      if (entry === undefined || isValid(time, entry)) return entry
    }
    return undefined
  }
}

/** Whether an entry still expires at a time. */
function isValid(time: number, entry: Expiring): boolean {
  return entry.isCurrent && entry.expiresAt === time
}
