/** Values on their way into a cache, and keys that are remembered to have none. */
import { createOwner, type Owner } from '@ipfs-kit/concurrency'
import { LRUCache } from 'lru-cache'
import { closed } from './errors.ts'
import { Flights } from './flights.ts'
import type { FetchOptions, Loader } from './memory-cache.ts'

/** The loads of one cache. */
export class Loads<V> {
  readonly #name: string
  readonly #maxLoads: number
  /** Keys that a loader had nothing for. */
  readonly #absent: LRUCache<string, true> | undefined
  /** Once something is loaded. */
  #home: { readonly owner: Owner; readonly flights: Flights<V | undefined> } | undefined
  #absentHits = 0

  constructor(options: {
    readonly name: string
    readonly maxLoads: number
    readonly negativeTtlMs: number
    readonly maxNegative: number
    readonly now: () => number
  }) {
    this.#name = options.name
    this.#maxLoads = options.maxLoads
    const { negativeTtlMs, maxNegative, now } = options
    if (negativeTtlMs > 0) {
      const ttl = negativeTtlMs === Number.POSITIVE_INFINITY ? {} : { ttl: Math.ceil(negativeTtlMs) }
      // It takes 0 for no time at all, and would remember the time for a millisecond of a timer of its own.
      const perf = { now: () => now() + 1 }
      this.#absent = new LRUCache({ max: maxNegative, ...ttl, ttlResolution: 0, perf })
    }
  }

  /** Waits for the value of a key that is not in the cache. `store` takes it in, if it is not older than what the key got. */
  async load(
    key: string,
    loader: Loader<V>,
    store: (value: V) => unknown,
    options: FetchOptions = {},
  ): Promise<V | undefined> {
    options.signal?.throwIfAborted()
    if (this.#absent?.get(key) === true) {
      this.#absentHits += 1
      return undefined
    }
    const { owner, flights } = (this.#home ??= this.#open())
    try {
      return await flights.join(
        key,
        async (flight, { signal }) => {
          const value = await loader(key, { signal })
          signal.throwIfAborted()
          if (flight.isStale) return value
          if (value !== undefined) store(value)
          else this.#absent?.set(key, true)
          return value
        },
        options,
      )
    } catch (error) {
      throw owner.stats().closed && Object.is(error, owner.scope.reason) ? closed(this.#name) : error
    }
  }

  /** Whether a key that gets a value may matter to anybody. */
  get isAwake(): boolean {
    return this.#absent !== undefined || (this.#home !== undefined && this.#home.flights.running > 0)
  }

  /** A key got a value, or lost it. */
  known(key: string): void {
    this.#absent?.delete(key)
    this.#home?.flights.changed(key)
  }

  /** All keys lost their values. */
  clear(): void {
    this.#absent?.clear()
    this.#home?.flights.allChanged()
  }

  stats() {
    const { started = 0, failed = 0, shared = 0 } = this.#home?.flights ?? {}
    const running = this.#home?.owner.stats().tasks ?? 0
    return {
      negative: this.#absent?.size ?? 0,
      negativeHits: this.#absentHits,
      loads: Object.freeze({ running, started, failed, shared }),
    }
  }

  async close(): Promise<void> {
    await this.#home?.owner.close(`the cache ${this.#name} was closed`)
  }

  #open(): { readonly owner: Owner; readonly flights: Flights<V | undefined> } {
    const owner = createOwner({ name: `loads of ${this.#name}` })
    return { owner, flights: new Flights(owner, 'load', this.#maxLoads) }
  }
}
