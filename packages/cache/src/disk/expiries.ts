/** Which entry expires first: a heap, in which what has changed stays until it comes to the top. */

/** What expires. */
export interface Expiring {
  /** Infinity: never. */
  readonly expiresAt: number
  /** Whether it is still the value of its key. */
  readonly isCurrent: boolean
}

/** The times of entries. */
export class Expiries<T extends Expiring> {
  #times: number[] = []
  #entries: T[] = []

  /** Notes when an entry expires; once more if that changes. `live`: how many entries there are. */
  add(entry: T, live: number): void {
    if (entry.expiresAt === Number.POSITIVE_INFINITY) return
    if (this.#times.length > 2 * live + 64) this.#compact()
    this.#times.push(entry.expiresAt)
    this.#entries.push(entry)
    this.#rise(this.#times.length - 1)
  }

  /** Takes out one that has expired. */
  take(now: number): T | undefined {
    while (this.#times.length > 0 && this.#times[0]! <= now) {
      const time = this.#times[0]!
      const entry = this.#entries[0]!
      this.#removeFirst()
      if (entry.isCurrent && entry.expiresAt === time) return entry
    }
    return undefined
  }

  /** Leaves out what has changed. */
  #compact(): void {
    const times = this.#times
    const entries = this.#entries
    this.#times = []
    this.#entries = []
    for (const [index, entry] of entries.entries()) {
      if (!entry.isCurrent || entry.expiresAt !== times[index]) continue
      this.#times.push(entry.expiresAt)
      this.#entries.push(entry)
      this.#rise(this.#times.length - 1)
    }
  }

  #removeFirst(): void {
    const time = this.#times.pop()!
    const entry = this.#entries.pop()!
    if (this.#times.length === 0) return
    this.#times[0] = time
    this.#entries[0] = entry
    this.#sink()
  }

  #rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >>> 1
      if (this.#times[parent]! <= this.#times[at]!) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(): void {
    const { length } = this.#times
    for (let at = 0; ;) {
      const left = 2 * at + 1
      if (left >= length) return
      const right = left + 1
      const least = right < length && this.#times[right]! < this.#times[left]! ? right : left
      if (this.#times[at]! <= this.#times[least]!) return
      this.#swap(at, least)
      at = least
    }
  }

  #swap(one: number, other: number): void {
    const time = this.#times[one]!
    this.#times[one] = this.#times[other]!
    this.#times[other] = time
    const entry = this.#entries[one]!
    this.#entries[one] = this.#entries[other]!
    this.#entries[other] = entry
  }
}
