/** Gives what was begun in an order to its taker in that order, whatever ends first. */

/** A place in the order. */
export interface Place<T> {
  /** What came of it, or nothing. */
  leave(items: readonly T[]): void
}

/** Places, and one taker. */
export class InOrder<T> {
  readonly #take: (items: readonly T[]) => void
  readonly #places = new Map<Place<T>, readonly T[] | undefined>()

  constructor(take: (items: readonly T[]) => void) {
    this.#take = take
  }

  /** The last place. */
  enter(): Place<T> {
    const place: Place<T> = { leave: (items) => this.#left(place, items) }
    this.#places.set(place, undefined)
    return place
  }

  #left(left: Place<T>, what: readonly T[]): void {
    this.#places.set(left, what)
    for (const [place, items] of this.#places) {
      if (items === undefined) return
      this.#places.delete(place)
      if (items.length > 0) this.#take(items)
    }
  }
}
