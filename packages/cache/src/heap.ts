/** A binary heap: items by a number, the one with the least on top. */
export class Heap<T> {
  #numbers: number[] = []
  #items: T[] = []

  get size(): number {
    return this.#numbers.length
  }

  /** The least number; Infinity if there is none. */
  get least(): number {
    return this.#numbers[0] ?? Number.POSITIVE_INFINITY
  }

  push(number: number, item: T): void {
    const numbers = this.#numbers
    let at = numbers.length
    while (at > 0) {
      const above = (at - 1) >>> 1
      if (numbers[above]! <= number) break
      this.#move(above, at)
      at = above
    }
    this.#place(at, number, item)
  }

  /** Takes out the item with the least number. */
  pop(): T | undefined {
    const numbers = this.#numbers
    const top = this.#items[0]
    const number = numbers.pop()
    const item = this.#items.pop()
    const { length } = numbers
    if (length === 0) return top
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below + 1 < length && numbers[below + 1]! < numbers[below]!) below += 1
      if (below >= length || numbers[below]! >= number!) break
      this.#move(below, at)
      at = below
    }
    this.#place(at, number!, item!)
    return top
  }

  /** Leaves out what is not wanted. */
  retain(isWanted: (number: number, item: T) => boolean): void {
    const numbers = this.#numbers
    const items = this.#items
    this.#numbers = []
    this.#items = []
    for (const [at, item] of items.entries()) if (isWanted(numbers[at]!, item)) this.push(numbers[at]!, item)
  }

  #move(from: number, to: number): void {
    this.#place(to, this.#numbers[from]!, this.#items[from]!)
  }

  #place(at: number, number: number, item: T): void {
    this.#numbers[at] = number
    this.#items[at] = item
  }
}
