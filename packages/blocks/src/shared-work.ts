/** Work that several callers share: it belongs to an owner, and ends early when the last of them leaves. */
import type { Owner, Task } from '@ipfs-kit/concurrency'
import type { CallOptions } from './blocks.ts'

interface Run<T, Told> {
  readonly task: Task<T>
  waiters: number
  /** Those of them who are told how far it is. */
  readonly listeners: Set<(told: Told) => void>
}

/** One kind of work, one run at a time. Those who come while one runs share the next one: it sees what they did before. */
export class SharedWork<T, Told = never> {
  readonly #owner: Owner
  readonly name: string
  readonly #work: (tell: (told: Told) => void) => Promise<T>
  #running: Run<T, Told> | undefined
  #next: Run<T, Told> | undefined

  constructor(owner: Owner, name: string, work: (tell: (told: Told) => void) => Promise<T>) {
    this.#owner = owner
    this.name = name
    this.#work = work
  }

  async run(options: (CallOptions & { readonly onProgress?: (told: Told) => void }) | undefined): Promise<T> {
    const run = (this.#next ??= this.#begin())
    const { signal, onProgress } = options ?? {}
    // Each call has its own, also of one function.
    const listener = onProgress && ((told: Told) => onProgress(told))
    if (listener !== undefined) run.listeners.add(listener)
    run.waiters += 1
    try {
      return await run.task.join({ signal })
    } finally {
      if (listener !== undefined) run.listeners.delete(listener)
      run.waiters -= 1
      if (run.waiters === 0) {
        if (this.#next === run) this.#next = undefined
        run.task.cancel('Nobody waits for it any more')
      }
    }
  }

  #begin(): Run<T, Told> {
    const before = this.#running
    const run: Run<T, Told> = {
      task: this.#owner.spawn(() => this.#runAfter(before, () => run), { name: this.name }),
      waiters: 0,
      listeners: new Set(),
    }
    return run
  }

  async #runAfter(before: Run<T, Told> | undefined, self: () => Run<T, Told>): Promise<T> {
    if (before !== undefined) await ended(before.task)
    const run = self()
    if (this.#next === run) this.#next = undefined
    this.#running = run
    return await this.#work((told) => {
      for (const listener of run.listeners) listener(told)
    })
  }
}

/** Waits for the end of a task, whatever became of it: its own callers are told. */
export async function ended(task: Task<unknown>): Promise<void> {
  try {
    await task.join()
  } catch (error) {
    if (task.state === 'pending') throw error
  }
}
