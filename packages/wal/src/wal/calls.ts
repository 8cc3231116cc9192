/** Work of a log of operations that is not cut off: calls of its users, and attempts. Closing waits for its end. */
import { createEvent, createOwner, type Event, type Scope, type Task } from '@ipfs-kit/concurrency'

type Outcome<T> = { readonly value: T } | { readonly error: unknown }

export class Calls {
  readonly #owner = createOwner({ name: 'log of operations' })
  #alive = 0
  #idle: Event | undefined

  /** Begins work that goes on when who waits for it leaves. */
  spawn<T>(work: (scope: Scope) => Promise<T>, name: string): Task<T> {
    this.#alive += 1
    return this.#owner.spawn(
      async (scope) => {
        try {
          return await work(scope)
        } finally {
          this.#alive -= 1
          if (this.#alive === 0) this.#idle?.set()
        }
      },
      { name },
    )
  }

  /** Waits for work that goes on when who asked for it leaves: what comes of it is then nobody's. */
  async run<T>(work: () => Promise<T>, name: string, signal: AbortSignal | undefined): Promise<T> {
    const settled = async (): Promise<Outcome<T>> => {
      try {
        return { value: await work() }
      } catch (error) {
        return { error }
      }
    }
    const outcome = await this.spawn(settled, name).join({ signal })
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  /** Waits until nothing is under way. */
  async ended(): Promise<void> {
    while (this.#alive > 0) {
      this.#idle = createEvent({ name: 'end of all calls' })
      await this.#idle.wait()
    }
    await this.#owner.close()
  }
}
