/** Work in slices: whoever has much to do gives the event loop a turn every few milliseconds. */
import { checkpoint, now } from '@ipfs-kit/concurrency'

/** A clock for one piece of work. */
export class Pace {
  readonly #sliceMs: number
  #until: number

  /** `sliceMs`: milliseconds between two turns of the event loop. With 0 every look is due. */
  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs
    this.#until = now() + sliceMs
  }

  /** Whether the slice is over: then await {@link turn}. */
  get isDue(): boolean {
    return now() >= this.#until
  }

  /** Everything else has its turn. Rejects if the work is cancelled. */
  async turn(): Promise<void> {
    await checkpoint()
    this.#until = now() + this.#sliceMs
  }
}
