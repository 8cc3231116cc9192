/** One at a time for each key: who changes which value a key has. */
import { createSemaphore, type Semaphore, type WaitOptions } from '@ipfs-kit/concurrency'

interface Turn {
  /** No lock: calls of one task on one key wait for each other as well. */
  readonly semaphore: Semaphore
  users: number
}

/** Turns of keys. Those of keys that nobody changes take no memory. */
export class KeyLocks {
  readonly #turns = new Map<string, Turn>()

  /** Waits until nobody else has the key. */
  async acquire(key: string, options?: WaitOptions): Promise<Disposable> {
    let turn = this.#turns.get(key)
    if (turn === undefined) {
      turn = { semaphore: createSemaphore(1, { name: 'key' }), users: 0 }
      this.#turns.set(key, turn)
    }
    turn.users += 1
    try {
      const permit = await turn.semaphore.acquire(options)
      return {
        [Symbol.dispose]: () => {
          permit.release()
          this.#leave(key, turn)
        },
      }
    } catch (error) {
      this.#leave(key, turn)
      throw error
    }
  }

  #leave(key: string, turn: Turn): void {
    turn.users -= 1
    if (turn.users === 0) this.#turns.delete(key)
  }
}
