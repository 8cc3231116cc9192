/** Those who wait until the writer of the index stands where they want it. */
import { type Resume, suspend } from '@ipfs-kit/concurrency'
import type { WalError } from '../errors.ts'

/** One who waits. */
interface Waiter {
  readonly isMet: () => boolean
  readonly resume: Resume<void>
}

export class StandingWaits {
  readonly #waiters = new Set<Waiter>()

  get size(): number {
    return this.#waiters.size
  }

  /** Waits for what is not met yet. */
  wait(isMet: () => boolean, begun: () => void, signal: AbortSignal | undefined): Promise<void> {
    return suspend<void>(
      (resume) => {
        const waiter = { isMet, resume }
        this.#waiters.add(waiter)
        begun()
        return () => {
          this.#waiters.delete(waiter)
        }
      },
      { what: 'index', ...(signal && { signal }) },
    )
  }

  /** The writer has told where it stands. */
  told(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isMet()) continue
      this.#waiters.delete(waiter)
      waiter.resume.resolve()
    }
  }

  /** Nothing that is waited for comes any more. */
  refuse(failure: WalError): void {
    for (const { resume } of this.#waiters) resume.reject(failure)
    this.#waiters.clear()
  }
}
