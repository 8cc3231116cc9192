/** Work that a generator begins before its results are asked for, and hands on in order. */
import { shield, type Owner, type Task } from '@ipfs-kit/concurrency'

/** A result that was there at once. */
interface Ready<T> {
  readonly value: T
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/**
 * Running work, the oldest first. It runs in tasks of the node, since the scope of whoever asks for the next result may end
 * before what was begun; a generator that is dropped leaves nothing behind once they have ended. A failure is kept until
 * its turn: nobody may be waiting yet.
 */
export class Ahead<T> implements AsyncDisposable {
  readonly #owner: Owner
  readonly #name: string
  readonly #begun: (Task<Outcome<T>> | Ready<T>)[] = []
  readonly #awaited = new Set<Task<Outcome<T>>>()
  readonly #left = new AbortController()

  /** The name is that of the tasks, in dumps. */
  constructor(owner: Owner, name: string) {
    this.#owner = owner
    this.#name = name
  }

  /** Results that nobody has asked for. */
  get size(): number {
    return this.#begun.length
  }

  /** Aborted when whoever asks leaves before the end: one for all the work, as making one for each would cost more. */
  get left(): AbortSignal {
    return this.#left.signal
  }

  begin(work: () => Promise<T>): void {
    this.#begun.push(this.#owner.spawn(() => outcomeOf(work), { name: this.#name }))
  }

  /** Puts a result in its place that needs no work any more. */
  add(value: T): void {
    this.#begun.push({ value })
  }

  /** Waits for the oldest result. Asked only when there is one. @throws what its work failed with */
  async next(): Promise<T> {
    const task = this.#begun.shift()!
    if ('value' in task) return task.value
    // Whoever gives up waiting has it cancelled with the rest.
    this.#awaited.add(task)
    const outcome = await task.join()
    this.#awaited.delete(task)
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  /** Cancels what still runs and waits for its end, also if the scope of the caller is cancelled. */
  async [Symbol.asyncDispose](): Promise<void> {
    const running = [
      ...this.#awaited,
      ...this.#begun.filter((begun): begun is Task<Outcome<T>> => !('value' in begun)),
    ]
    if (running.length === 0) return
    this.#left.abort()
    for (const task of running) task.cancel()
    await shield(async () => {
      for (const task of running) await task.join()
    })
  }
}

async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error }
  }
}
