/** Single flight: what is brought for a key is brought once for all who ask for it meanwhile. */
import {
  createSemaphore,
  type Owner,
  type Scope,
  type Semaphore,
  type Task,
  type WaitOptions,
} from '@ipfs-kit/concurrency'

/** A flight, or its wait for a turn. */
export interface Flight {
  /** Whether the key got or lost a value since it began: what it brings may be older. */
  isStale: boolean
  /** Those for whom it still has to know that: the flight itself, and who goes on with what it brought. */
  uses: number
}

interface Flying<T> extends Flight {
  readonly task: Task<Outcome<T>>
  waiters: number
}

/** A failure is told to those who wait, and is none of the task: there may be nobody. */
type Outcome<T> = { readonly value: T } | { readonly error: unknown }

export class Flights<T> {
  readonly #owner: Owner
  readonly #name: string
  readonly #turns: Semaphore
  readonly #flights = new Map<string, Flying<T>>()
  /** Of each key: those whose find is not older than the key, as far as is known, and may still be put somewhere. */
  readonly #fresh = new Map<string, Set<Flight>>()
  started = 0
  failed = 0
  /** Calls that shared the flight of another one. */
  shared = 0

  /**
   * @param name - of a flight, in dumps of tasks
   * @param most - flights that run at once; more wait for their turns
   */
  constructor(owner: Owner, name: string, most: number) {
    this.#owner = owner
    this.#name = name
    this.#turns = createSemaphore(most, { name: `turns of ${name}s` })
  }

  /** Those that are waited for and are not too old for who asks now. */
  get running(): number {
    return this.#flights.size
  }

  /** Waits for the flight of a key, which runs in the owner's scope and is cancelled when the last waiter has left. */
  async join(
    key: string,
    bring: (flight: Flight, scope: Scope) => Promise<T>,
    options: WaitOptions,
  ): Promise<T> {
    let flight = this.#flights.get(key)
    if (flight === undefined) flight = this.#begin(key, bring)
    else this.shared += 1
    flight.waiters += 1
    try {
      const outcome = await flight.task.join({ scope: options.scope, signal: options.signal })
      if ('error' in outcome) throw outcome.error
      return outcome.value
    } finally {
      flight.waiters -= 1
      if (flight.waiters === 0) {
        this.#forget(key, flight)
        flight.task.cancel(`nobody waits for this ${this.#name} any more`)
      }
    }
  }

  /** A key got or lost a value: who asks from here on gets a flight of their own, and what older ones bring is older. */
  changed(key: string): void {
    this.#flights.delete(key)
    for (const flight of this.#fresh.get(key) ?? []) flight.isStale = true
  }

  /** All keys did. */
  allChanged(): void {
    for (const key of this.#fresh.keys()) this.changed(key)
  }

  /** Lets a flight hear of changes of its key, until it is let go by {@link release}. As often as it is called. */
  keep(key: string, flight: Flight): void {
    flight.uses += 1
    const fresh = this.#fresh.get(key)
    if (fresh === undefined) this.#fresh.set(key, new Set([flight]))
    else fresh.add(flight)
  }

  release(key: string, flight: Flight): void {
    flight.uses -= 1
    const fresh = this.#fresh.get(key)
    if (flight.uses > 0 || fresh === undefined) return
    fresh.delete(flight)
    if (fresh.size === 0) this.#fresh.delete(key)
  }

  #begin(key: string, bring: (flight: Flight, scope: Scope) => Promise<T>): Flying<T> {
    const task = this.#owner.spawn(
      async (scope): Promise<Outcome<T>> => {
        try {
          using _turn = await this.#turns.acquire()
          return { value: await bring(flight, scope) }
        } catch (error) {
          if (scope.cancelled) throw error
          this.failed += 1
          return { error }
        } finally {
          this.#forget(key, flight)
          this.release(key, flight)
        }
      },
      { name: this.#name },
    )
    const flight: Flying<T> = { task, waiters: 0, isStale: false, uses: 0 }
    this.#flights.set(key, flight)
    this.keep(key, flight)
    this.started += 1
    return flight
  }

  #forget(key: string, flight: Flying<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}
