/** One change of a key at a time. */
import { createLock, type Lock } from '@ipfs-kit/concurrency'

export class KeyLocks {
  readonly #locks = new Map<string, { readonly lock: Lock; users: number }>()

  /** Whether a key is being changed, or waits for that. */
  isTaken(key: string): boolean {
    return this.#locks.has(key)
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    let entry = this.#locks.get(key)
    if (entry === undefined) this.#locks.set(key, (entry = { lock: createLock(), users: 0 }))
    entry.users += 1
    try {
      using _held = await entry.lock.acquire()
      return await work()
    } finally {
      entry.users -= 1
      if (entry.users === 0) this.#locks.delete(key)
    }
  }
}
