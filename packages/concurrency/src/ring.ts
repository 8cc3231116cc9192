/** Slots of a ring that was not needed yet, and above which an empty one is let go. */
const leastLength = 8
const largeLength = 16_384

/**
 * A first-in, first-out buffer over one array whose length is a power of two. It grows as needed; once it is empty, a large
 * array is let go.
 */
export class Ring<T> {
  #slots = slotsOf<T>(leastLength)
  #head = 0
  size = 0

  push(value: T): void {
    if (this.size === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.size) & (this.#slots.length - 1)] = value
    this.size += 1
  }

  /** The oldest value. Asked only when there is one. */
  shift(): T {
    const value = this.#slots[this.#head] as T
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.size -= 1
    if (this.size === 0 && this.#slots.length > largeLength) {
      this.#slots = slotsOf(leastLength)
      this.#head = 0
    }
    return value
  }

  #grow(): void {
    const slots = slotsOf<T>(this.#slots.length * 2)
    for (let at = 0; at < this.size; at++) {
      slots[at] = this.#slots[(this.#head + at) & (this.#slots.length - 1)]
    }
    this.#slots = slots
    this.#head = 0
  }
}

function slotsOf<T>(length: number): (T | undefined)[] {
  // Array.from takes several times as long for the same.
  return new Array<T | undefined>(length).fill(undefined)
}
