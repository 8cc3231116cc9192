/** A semaphore: at most so many at once, served in the order of asking. */
import { nodeOf } from './ambient.ts'
import { checkCount, checkOptions } from './checks.ts'
import { HeldPermit, type Permit, type PermitSource } from './permit.ts'
import type { WaitOptions } from './scope.ts'
import { WaitQueue } from './wait-queue.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { park, ready, refuse } from './wait.ts'

/** Options of everything that only has a name. */
export interface NamedOptions {
  /** The name in errors and dumps. Default: what it is. */
  readonly name?: string | undefined
}

/** A frozen look at a semaphore. */
export interface SemaphoreStats {
  /** Permits in all. */
  readonly permits: number
  /** Permits that nobody holds. */
  readonly available: number
  /** Waits for a permit. */
  readonly waiting: number
}

/** A number of permits. A permit that is given back goes to the one who waits longest, and to nobody in between. */
export interface Semaphore {
  readonly name: string
  /** Permits that nobody holds. */
  readonly available: number
  /** Waits for a permit. A wait that is cancelled leaves the queue at once and takes none. */
  acquire(options?: WaitOptions): Promise<Permit>
  /** A permit if one is free and nobody waits, else `undefined`. Does not wait, and does not ask the scope. */
  tryAcquire(): Permit | undefined
  stats(): SemaphoreStats
}

class QueueSemaphore implements Semaphore, PermitSource {
  readonly name: string
  available: number
  readonly #permits: number
  readonly #queue = new WaitQueue()

  constructor(permits: number, name: string) {
    this.name = name
    this.available = permits
    this.#permits = permits
  }

  acquire(options?: WaitOptions): Promise<Permit> {
    checkOptions(options, waitKeys)
    if (options?.signal !== undefined) return underSignal(options, async (inner) => await this.acquire(inner))
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'semaphore', this)
    if (this.available > 0) {
      this.available -= 1
      return ready(scope, 'semaphore', this, new HeldPermit(this))
    }
    const wait = park<Permit>(scope, 'semaphore', this)
    this.#queue.add(wait)
    return wait.promise
  }

  tryAcquire(): Permit | undefined {
    if (this.available === 0) return undefined
    this.available -= 1
    return new HeldPermit(this)
  }

  giveBack(): void {
    const next = this.#queue.first
    if (next === undefined) this.available += 1
    else next.succeed(new HeldPermit(this))
  }

  stats(): SemaphoreStats {
    return Object.freeze({
      permits: this.#permits,
      available: this.available,
      waiting: this.#queue.size,
    })
  }
}

/**
 * Makes a semaphore.
 *
 * @param permits - how many may hold one at once: a whole number from 1 up
 * @throws RangeError if it is none
 */
export function createSemaphore(permits: number, options?: NamedOptions): Semaphore {
  checkCount(permits, 'permits', 1)
  checkOptions(options, ['name'])
  return new QueueSemaphore(permits, options?.name ?? 'semaphore')
}
