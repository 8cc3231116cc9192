/** Searches that are on: one for all who ask for a key. */
import { createSemaphore, type Owner, type Semaphore, type Task } from '@ipfs-kit/concurrency'

/** A search, or its wait for a turn. */
export interface Flight {
  /** Whether the key was put or deleted since it began: what it brings may be older. */
  isStale: boolean
  /** Those for whom it still has to know that: the search itself, and promotions of what it found. */
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
  readonly #turns: Semaphore
  readonly #flights = new Map<string, Flying<T>>()
  /** Of each key: those whose find is not older than the key, as far as is known, and may still be put somewhere. */
  readonly #fresh = new Map<string, Set<Flight>>()
  started = 0
  shared = 0

  constructor(owner: Owner, maxFlights: number) {
    this.#owner = owner
    this.#turns = createSemaphore(maxFlights, { name: 'turns of reads' })
  }

  get running(): number {
    return this.#flights.size
  }

  /** Waits for the search of a key, which runs in the owner's scope and is cancelled when the last waiter has left. */
  async join(key: string, search: (flight: Flight) => Promise<T>, signal: AbortSignal): Promise<T> {
    let flight = this.#flights.get(key)
    if (flight === undefined) flight = this.#begin(key, search)
    else this.shared += 1
    flight.waiters += 1
    try {
      const outcome = await flight.task.join({ signal })
      if ('error' in outcome) throw outcome.error
      return outcome.value
    } finally {
      flight.waiters -= 1
      if (flight.waiters === 0) {
        this.#forget(key, flight)
        flight.task.cancel('nobody waits for this read any more')
      }
    }
  }

  /** A key was put or deleted: who asks from here on gets a search of their own, and what older ones bring is older. */
  changed(key: string): void {
    this.#flights.delete(key)
    for (const flight of this.#fresh.get(key) ?? []) flight.isStale = true
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

  #begin(key: string, search: (flight: Flight) => Promise<T>): Flying<T> {
    const task = this.#owner.spawn(
      async (scope): Promise<Outcome<T>> => {
        try {
          using _turn = await this.#turns.acquire()
          return { value: await search(flight) }
        } catch (error) {
          if (scope.cancelled) throw error
          return { error }
        } finally {
          this.#forget(key, flight)
          this.release(key, flight)
        }
      },
      { name: 'read' },
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
