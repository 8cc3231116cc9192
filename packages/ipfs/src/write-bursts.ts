/** Small writes that are begun many at once, so that a store writes them together. */

const burst = 256

/** A series of writes, in bursts, one after the other. `add` and `end` give or throw the first failure, after which nothing new is begun. */
export class WriteBursts {
  #next: (() => Promise<unknown>)[] = []
  #running: Promise<unknown> = Promise.resolve()

  /** Takes a write. Gives what to wait for when a burst is full: that the one before has ended, and it is begun. */
  add(write: () => Promise<unknown>): Promise<void> | undefined {
    this.#next.push(write)
    return this.#next.length < burst ? undefined : this.#begin()
  }

  /** Waits for all of them. */
  async end(): Promise<void> {
    await this.#begin()
    await this.#running
  }

  /** Waits for those that have begun, whatever became of them. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#running])
  }

  async #begin(): Promise<void> {
    await this.#running
    const writes = this.#next
    this.#next = []
    // One that throws at once fails as others do, and does not leave those that have begun behind.
    this.#running = allOf(writes.map(async (write) => await write()))
    // Who waits for it is told.
    this.#running.catch(() => {})
  }
}

/** Waits for all, also if one has failed: none is running any more then. */
async function allOf(running: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(running))
    if (outcome.status === 'rejected') throw outcome.reason
}
