/** Work whose result several callers share. */
import type { Owner, Task } from '@ipfs-kit/concurrency'

/** What the work came to. Its failure is no failure of the task: perhaps nobody waits for it any more. */
type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/** One run at a time. Those who come while one runs share the next one: it sees what they did before. */
export class SharedCalls<T> {
  readonly #owner: Owner
  readonly #name: string
  readonly #work: (signal: AbortSignal) => Promise<T>
  #running: Task<Outcome<T>> | undefined
  #next: Task<Outcome<T>> | undefined

  constructor(owner: Owner, name: string, work: (signal: AbortSignal) => Promise<T>) {
    this.#owner = owner
    this.#name = name
    this.#work = work
  }

  /** The signal ends the waiting of this caller, not the work. */
  async call(signal: AbortSignal): Promise<T> {
    const outcome = await (this.#next ??= this.#begin(this.#running)).join({ signal })
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  #begin(before: Task<Outcome<T>> | undefined): Task<Outcome<T>> {
    const task: Task<Outcome<T>> = this.#owner.spawn(
      async (scope) => {
        await before?.join()
        this.#running = task
        this.#next = undefined
        try {
          return { value: await this.#work(scope.signal) }
        } catch (error) {
          if (scope.cancelled) throw error
          return { error }
        }
      },
      { name: this.#name },
    )
    return task
  }
}
