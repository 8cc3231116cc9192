/** A first-in, first-out buffer over one array whose length is a power of two. It grows as needed and never shrinks. */
export class Ring<T> {
  #slots: (T | undefined)[] = Array.from({ length: 8 })
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
    return value
  }

  #grow(): void {
    const slots: (T | undefined)[] = Array.from({ length: this.#slots.length * 2 })
    for (let at = 0; at < this.size; at++) {
      slots[at] = this.#slots[(this.#head + at) & (this.#slots.length - 1)]
    }
    this.#slots = slots
    this.#head = 0
  }
}
