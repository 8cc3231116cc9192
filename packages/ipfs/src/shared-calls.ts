/** Work whose result several callers share. */
import type { Owner, Task } from '@ipfs-kit/concurrency'

/** One run at a time. Those who come while one runs share the next one: it sees what they did before. */
export class SharedCalls<T> {
  readonly #owner: Owner
  readonly #name: string
  readonly #work: (signal: AbortSignal) => Promise<T>
  #running: Task<T> | undefined
  #next: Task<T> | undefined

  constructor(owner: Owner, name: string, work: (signal: AbortSignal) => Promise<T>) {
    this.#owner = owner
    this.#name = name
    this.#work = work
  }

  call(signal: AbortSignal): Promise<T> {
    this.#next ??= this.#begin(this.#running)
    return this.#next.join({ signal })
  }

  #begin(before: Task<T> | undefined): Task<T> {
    const task: Task<T> = this.#owner.spawn(
      async (scope) => {
        // waits: whoever called it is told how it ended
        await before?.join().catch(() => {})
        this.#running = task
        this.#next = undefined
        return this.#work(scope.signal)
      },
      { name: this.#name },
    )
    return task
  }
}
