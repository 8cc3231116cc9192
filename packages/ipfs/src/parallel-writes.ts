/** Writes that run side by side, so many at once; the first failure ends the series. */

/** A bounded series of writes. `add` and `end` throw the first failure, after which nothing new is begun. */
export class ParallelWrites {
  readonly #limit: number
  /** By their numbers, the oldest first. */
  readonly #running = new Map<number, Promise<void>>()
  #begun = 0
  #failure: { readonly error: unknown } | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Begins a write as soon as there is room for it. Gives nothing to wait for when there is. */
  add(write: () => Promise<unknown>): Promise<void> | undefined {
    this.#throwFailure()
    if (this.#running.size >= this.#limit) return this.#addLater(write)
    this.#begun += 1
    this.#running.set(this.#begun, this.#run(this.#begun, write))
    return undefined
  }

  /** Waits for all of them. */
  async end(): Promise<void> {
    await this.settle()
    this.#throwFailure()
  }

  /** Waits for all of them, whatever became of them. */
  async settle(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  async #addLater(write: () => Promise<unknown>): Promise<void> {
    const [oldest] = this.#running.values()
    await oldest
    await this.add(write)
  }

  async #run(number: number, write: () => Promise<unknown>): Promise<void> {
    try {
      await write()
    } catch (error) {
      this.#failure ??= { error }
    } finally {
      this.#running.delete(number)
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
