/** Lets puts pass side by side, and a delete that has to be alone wait for them. */
import { createEvent, createLock, type Event, type Lock, type WaitOptions } from '@ipfs-kit/concurrency'

/** The gate of one backend. */
export class PutGate {
  readonly #turnstile: Lock = createLock({ name: 'puts of a backend' })
  #inside = 0
  #empty: Event | undefined

  /** Runs with others of its kind. */
  async pass<T>(work: () => Promise<T>, options: WaitOptions): Promise<T> {
    {
      using _turn = await this.#turnstile.acquire(options)
      this.#inside += 1
    }
    try {
      return await work()
    } finally {
      this.#inside -= 1
      if (this.#inside === 0) this.#empty?.set()
    }
  }

  /** Runs when those inside have left; others wait. */
  async alone<T>(work: () => Promise<T>, options: WaitOptions): Promise<T> {
    using _turn = await this.#turnstile.acquire(options)
    while (this.#inside > 0) {
      this.#empty = createEvent({ name: 'no put inside' })
      await this.#empty.wait(options)
    }
    return await work()
  }
}
