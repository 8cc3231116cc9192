/** What has happened within the last while: counts in a ring of slots, so that no event is remembered by itself. */

const slotCount = 60

export class Window<Name extends string> {
  readonly #slotMs: number
  readonly #names: readonly Name[]
  /** The newest last. */
  readonly #slots: { readonly nth: number; readonly counts: Record<Name, number> }[] = []

  constructor(spanMs: number, names: readonly Name[]) {
    this.#slotMs = spanMs / slotCount
    this.#names = names
  }

  /** The time between two moments at which counts leave it. */
  get slotMs(): number {
    return this.#slotMs
  }

  add(name: Name, now: number): void {
    const nth = Math.floor(now / this.#slotMs)
    let last = this.#slots.at(-1)
    if (last?.nth !== nth) {
      last = { nth, counts: this.#zeros() }
      this.#slots.push(last)
      this.#forget(nth)
    }
    last.counts[name] += 1
  }

  sums(now: number): Readonly<Record<Name, number>> {
    this.#forget(Math.floor(now / this.#slotMs))
    const sums = this.#zeros()
    for (const { counts } of this.#slots) for (const name of this.#names) sums[name] += counts[name]
    return sums
  }

  #forget(nth: number): void {
    while (this.#slots.length > 0 && this.#slots[0]!.nth <= nth - slotCount) this.#slots.shift()
  }

  #zeros(): Record<Name, number> {
    return Object.fromEntries(this.#names.map((name) => [name, 0])) as Record<Name, number>
  }
}
