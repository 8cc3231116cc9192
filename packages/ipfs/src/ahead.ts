/** Work that a generator begins before its results are asked for, and hands on in order. */
import { createOwner, type Owner, type Task } from '@ipfs-kit/concurrency'

type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/**
 * Running work, the oldest first. It runs in a scope of its own, since that of whoever asks for the next result may end
 * before what was begun. A failure is kept until its turn: nobody may be waiting yet.
 */
export class Ahead<T> implements AsyncDisposable {
  readonly #owner: Owner
  readonly #begun: Task<Outcome<T>>[] = []

  /** The name is that of the tasks, in dumps. */
  constructor(name: string) {
    this.#owner = createOwner({ name })
  }

  /** Results that nobody has asked for. */
  get size(): number {
    return this.#begun.length
  }

  begin(work: () => Promise<T>): void {
    this.#begun.push(this.#owner.spawn(() => outcomeOf(work)))
  }

  /** Waits for the oldest result. Asked only when there is one. @throws what its work failed with */
  async next(): Promise<T> {
    const outcome = await this.#begun.shift()!.join()
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  /** Cancels what still runs and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owner.close()
  }
}

async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error }
  }
}
