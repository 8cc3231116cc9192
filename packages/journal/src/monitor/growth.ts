/** How much a number has grown within the last hour. */

export const hourMs = 3_600_000
/** What it was is remembered for each minute. */
const slotMs = 60_000

export class Growth {
  /** The newest last; the first is what it was an hour ago, or at the beginning. */
  readonly #values: { readonly slot: number; value: number }[]

  constructor(value: number, now: number) {
    this.#values = [{ slot: Math.floor(now / slotMs), value }]
  }

  /** The time between two moments at which what it was an hour ago changes. */
  get slotMs(): number {
    return slotMs
  }

  set(value: number, now: number): void {
    const slot = Math.floor(now / slotMs)
    const last = this.#values.at(-1)!
    // The first is what others are measured by: it stays as it was.
    if (this.#values.length > 1 && last.slot === slot) last.value = value
    else this.#values.push({ slot, value })
  }

  within(now: number): number {
    const oldest = Math.floor((now - hourMs) / slotMs)
    while (this.#values.length > 1 && this.#values[1]!.slot <= oldest) this.#values.shift()
    return this.#values.at(-1)!.value - this.#values[0]!.value
  }
}
