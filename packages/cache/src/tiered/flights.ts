/** Searches that are on: one for all who ask for a key. */
import { createSemaphore, type Owner, type Semaphore, type Task } from '@ipfs-kit/concurrency'

/** A search, or its wait for a turn. */
export interface Flight {
  /** Whether the key was put or deleted since it began: what it brings may be older. */
  isStale: boolean
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

  /** A key was put or deleted: who asks from here on gets a search of their own. */
  changed(key: string): void {
    const flight = this.#flights.get(key)
    if (flight === undefined) return
    flight.isStale = true
    this.#flights.delete(key)
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
        }
      },
      { name: 'read' },
    )
    const flight: Flying<T> = { task, waiters: 0, isStale: false }
    this.#flights.set(key, flight)
    this.started += 1
    return flight
  }

  #forget(key: string, flight: Flying<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}
