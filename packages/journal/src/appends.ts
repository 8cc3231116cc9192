/** The appends to the log in their order: one that follows one that has failed is not answered, for it changes what is not there. */
import { storeFailure } from './failure.ts'

export class Appends {
  #last: Promise<number>
  #failure: unknown

  /** @param lsn - of the last record that is in the log */
  constructor(lsn: number) {
    this.#last = Promise.resolve(lsn)
  }

  /** Resolves to the LSN of the last one when all before it are in the log. */
  get last(): Promise<number> {
    return this.#last
  }

  /** Whether one has failed: the tree has what the log has not. */
  get haveFailed(): boolean {
    return this.#failure !== undefined
  }

  /** Waits for an append, and for those before it. */
  add(append: Promise<number>): Promise<number> {
    this.#last = this.#answer(this.#last, append)
    return this.#last
  }

  /** Resolves when none is under way any more, whatever became of them. */
  async ended(): Promise<void> {
    for (let last: Promise<number> | undefined; last !== this.#last;) {
      last = this.#last
      try {
        await last
      } catch (cause) {
        // Who waits for it is told.
        this.#failure ??= cause
      }
    }
  }

  /** What the first that has failed has failed with. */
  error(): unknown {
    return storeFailure(this.#failure, 'append to the journal')
  }

  async #answer(before: Promise<number>, append: Promise<number>): Promise<number> {
    const outcomes = await Promise.allSettled([before, append])
    for (const outcome of outcomes) if (outcome.status === 'rejected') this.#failure ??= outcome.reason
    const [, logged] = outcomes
    if (this.#failure === undefined && logged.status === 'fulfilled') return logged.value
    throw this.error()
  }
}
