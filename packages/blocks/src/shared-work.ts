/** Work that several callers share: it belongs to an owner, and ends early when the last of them leaves. */
import type { Owner, Task } from '@ipfs-kit/concurrency'
import type { CallOptions } from './blocks.ts'

interface Run<T> {
  readonly task: Task<T>
  waiters: number
}

/** One kind of work, one run at a time. Those who come while one runs share the next one: it sees what they did before. */
export class SharedWork<T> {
  readonly #owner: Owner
  readonly name: string
  readonly #work: () => Promise<T>
  #running: Run<T> | undefined
  #next: Run<T> | undefined

  constructor(owner: Owner, name: string, work: () => Promise<T>) {
    this.#owner = owner
    this.name = name
    this.#work = work
  }

  async run(options: CallOptions | undefined): Promise<T> {
    const run = (this.#next ??= this.#begin())
    run.waiters += 1
    try {
      return await run.task.join({ signal: options?.signal })
    } finally {
      run.waiters -= 1
      if (run.waiters === 0) {
        if (this.#next === run) this.#next = undefined
        run.task.cancel('Nobody waits for it any more')
      }
    }
  }

  #begin(): Run<T> {
    const before = this.#running
    const run: Run<T> = {
      task: this.#owner.spawn(() => this.#runAfter(before, () => run), { name: this.name }),
      waiters: 0,
    }
    return run
  }

  async #runAfter(before: Run<T> | undefined, self: () => Run<T>): Promise<T> {
    if (before !== undefined) await ended(before.task)
    const run = self()
    if (this.#next === run) this.#next = undefined
    this.#running = run
    return await this.#work()
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
