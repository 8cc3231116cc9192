/** Small writes that are begun many at once, so that a store writes them together. */

const burst = 256

/** A series of writes, in bursts, one after the other. `add` and `end` give or throw the first failure, after which nothing new is begun. */
export class WriteBursts {
  #next: (() => Promise<unknown>)[] = []
  #running: Promise<readonly PromiseSettledResult<unknown>[]> = Promise.resolve([])

  /** Takes a write. Gives what to wait for when a burst is full: that the one before has ended, and it is begun. */
  add(write: () => Promise<unknown>): Promise<void> | undefined {
    this.#next.push(write)
    return this.#next.length < burst ? undefined : this.#begin()
  }

  /** Waits for all of them. */
  async end(): Promise<void> {
    await this.#begin()
    await this.#ended()
  }

  /** Waits for those that have begun, whatever became of them. */
  async settle(): Promise<void> {
    await this.#running
  }

  async #begin(): Promise<void> {
    await this.#ended()
    const writes = this.#next
    this.#next = []
    // One that throws at once fails as others do, and does not leave those that have begun behind.
    this.#running = Promise.allSettled(writes.map(async (write) => await write()))
  }

  /** Waits for all of a burst, also if one has failed: none is running any more then. */
  async #ended(): Promise<void> {
    for (const outcome of await this.#running) if (outcome.status === 'rejected') throw outcome.reason
  }
}
