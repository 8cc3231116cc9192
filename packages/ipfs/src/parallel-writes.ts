/** Writes that run side by side, so many at once; the first failure ends the series. */

/** A bounded series of writes. `add` and `end` throw the first failure, after which nothing new is begun. */
export class ParallelWrites {
  readonly #limit: number
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Begins a write as soon as there is room for it. */
  async add(write: () => Promise<void>): Promise<void> {
    const [oldest] = this.#running
    if (this.#running.size >= this.#limit) await oldest
    this.#throwFailure()
    const running: Promise<void> = write()
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Waits for all of them. */
  async end(): Promise<void> {
    await this.settle()
    this.#throwFailure()
  }

  /** Waits for all of them, whatever became of them. */
  async settle(): Promise<void> {
    await Promise.all(this.#running)
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
