/** An event: something that happens once, and that any number of tasks wait for. */
import { nodeOf } from './ambient.ts'
import { checkOptions } from './checks.ts'
import type { WaitOptions } from './scope.ts'
import type { NamedOptions } from './semaphore.ts'
import { WaitQueue } from './wait-queue.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { park, ready, refuse } from './wait.ts'

/** A frozen look at an event. */
export interface EventStats {
  readonly isSet: boolean
  /** Waits for it. */
  readonly waiting: number
}

/** Something that happens once. Who needs it again makes a new one. */
export interface Event {
  readonly name: string
  /** Whether it has happened. It stays so. */
  readonly isSet: boolean
  /** It has happened: everyone who waits goes on, in the order of arrival. A second call changes nothing. */
  set(): void
  /** Waits until it happens; returns at once if it has. */
  wait(options?: WaitOptions): Promise<void>
  stats(): EventStats
}

class OnceEvent implements Event {
  readonly name: string
  #isSet = false
  readonly #queue = new WaitQueue()

  constructor(name: string) {
    this.name = name
  }

  get isSet(): boolean {
    return this.#isSet
  }

  set(): void {
    this.#isSet = true
    const queue = this.#queue
    for (let wait = queue.first; wait !== undefined; wait = queue.first) wait.succeed(undefined)
  }

  wait(options?: WaitOptions): Promise<void> {
    checkOptions(options, waitKeys)
    if (options?.signal !== undefined) return underSignal(options, async (inner) => await this.wait(inner))
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'event', this)
    if (this.#isSet) return ready(scope, 'event', this, undefined)
    const wait = park<void>(scope, 'event', this)
    this.#queue.add(wait)
    return wait.promise
  }

  stats(): EventStats {
    return Object.freeze({ isSet: this.#isSet, waiting: this.#queue.size })
  }
}

/** Makes an event that has not happened. */
export function createEvent(options?: NamedOptions): Event {
  checkOptions(options, ['name'])
  return new OnceEvent(options?.name ?? 'event')
}
