/** A lock for each key: one holder of a key at a time, served in the order of asking; other keys do not wait for it. */
import { nodeOf } from './ambient.ts'
import { checkOptions } from './checks.ts'
import { HeldPermit, type Permit, type PermitSource } from './permit.ts'
import type { WaitOptions } from './scope.ts'
import type { NamedOptions } from './semaphore.ts'
import { WaitQueue } from './wait-queue.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { park, ready, refuse } from './wait.ts'

/** A frozen look at a keyed lock. */
export interface KeyedLockStats {
  /** Keys that somebody holds. */
  readonly locked: number
  /** Waits for a key, of all keys together. */
  readonly waiting: number
}

/**
 * One holder of each key at a time; keys are told apart as a Map does. A key that is given back goes to the one who waits
 * longest for it, and to nobody in between. A key that nobody holds takes no memory.
 *
 * It belongs to whoever has the permit and not to a task, so that calls of one task on one key wait for each other as well.
 * Who holds a key and asks for it again therefore waits for itself.
 */
export interface KeyedLock<K> {
  readonly name: string
  /** Whether somebody holds a key. */
  isLocked(key: K): boolean
  /** Waits for a key. A wait that is cancelled leaves the queue at once. */
  acquire(key: K, options?: WaitOptions): Promise<Permit>
  stats(): KeyedLockStats
}

class QueuesByKey<K> implements KeyedLock<K>, PermitSource {
  readonly name: string
  /** Of each key that is held: who waits for it. */
  readonly #queues = new Map<K, WaitQueue>()

  constructor(name: string) {
    this.name = name
  }

  isLocked(key: K): boolean {
    return this.#queues.has(key)
  }

  acquire(key: K, options?: WaitOptions): Promise<Permit> {
    checkOptions(options, waitKeys)
    if (options?.signal !== undefined) {
      return underSignal(options, async (inner) => await this.acquire(key, inner))
    }
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'keyed lock', this)
    const queue = this.#queues.get(key)
    if (queue === undefined) {
      this.#queues.set(key, new WaitQueue())
      return ready(scope, 'keyed lock', this, new HeldPermit(this, key))
    }
    const wait = park<Permit>(scope, 'keyed lock', this)
    queue.add(wait)
    return wait.promise
  }

  giveBack({ holder }: HeldPermit): void {
    const key = holder as K
    const next = this.#queues.get(key)!.first
    if (next === undefined) this.#queues.delete(key)
    else next.succeed(new HeldPermit(this, key))
  }

  stats(): KeyedLockStats {
    let waiting = 0
    for (const queue of this.#queues.values()) waiting += queue.size
    return Object.freeze({ locked: this.#queues.size, waiting })
  }
}

/** Makes a keyed lock of which nobody holds a key. */
export function createKeyedLock<K>(options?: NamedOptions): KeyedLock<K> {
  checkOptions(options, ['name'])
  return new QueuesByKey<K>(options?.name ?? 'keyed lock')
}
