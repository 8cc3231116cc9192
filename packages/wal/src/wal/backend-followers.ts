/** Those who follow the state of backends, each with the latest of every backend that waits for it. */
import { createEvent, type Event } from '@ipfs-kit/concurrency'
import type { BackendHealth } from './wal.ts'

/** What waits for one follower: of each backend the latest. */
export class BackendFollower {
  readonly #waiting: Map<string, BackendHealth>
  #arrival: Event | undefined
  #isEnded = false

  constructor(known: readonly BackendHealth[]) {
    this.#waiting = new Map(known.map((health) => [health.backend, health]))
  }

  give(health: BackendHealth): void {
    this.#waiting.delete(health.backend)
    this.#waiting.set(health.backend, health)
    this.#arrival?.set()
  }

  end(): void {
    this.#isEnded = true
    this.#arrival?.set()
  }

  /** The next one; undefined if there will be none. Waits for it. */
  async next(signal: AbortSignal | undefined): Promise<BackendHealth | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      for (const [backend, health] of this.#waiting) {
        this.#waiting.delete(backend)
        return health
      }
      if (this.#isEnded) return undefined
      this.#arrival = createEvent({ name: 'change of a backend' })
      await this.#arrival.wait({ signal })
    }
  }
}

/** All of them. */
export class BackendFollowers {
  readonly #all = new Set<BackendFollower>()

  add(follower: BackendFollower): Disposable {
    this.#all.add(follower)
    return {
      [Symbol.dispose]: () => {
        this.#all.delete(follower)
      },
    }
  }

  give(health: BackendHealth): void {
    for (const follower of this.#all) follower.give(health)
  }

  end(): void {
    for (const follower of this.#all) follower.end()
  }
}
