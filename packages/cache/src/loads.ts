/** Values on their way into a cache: one loader for all who ask for a key. */
import { createOwner, currentScope, type Owner, type Scope, type Task } from '@ipfs-kit/concurrency'
import { LRUCache } from 'lru-cache'
import { CacheError, closed } from './errors.ts'
import type { FetchOptions, Loader } from './memory-cache.ts'
import { beginWait, endWait, Turns, type Turn } from './turns.ts'

/** A loader that runs, or waits for its turn. */
interface Load<V> extends Turn {
  readonly task: Task<Outcome<V>>
  waiters: number
  /** Whether the key got a value, or lost one, since it began: then what it brings is older. */
  isStale: boolean
  hasEnded: boolean
}

/** What a loader came to. Its failure is no failure of the task: it is told to those who wait, if there are any. */
type Outcome<V> = { readonly value: V | undefined } | { readonly error: unknown }

/** The loads of one cache. */
export class Loads<V> {
  readonly #name: string
  readonly #maxLoads: number
  readonly #loads = new Map<string, Load<V>>()
  /** Keys that a loader had nothing for. */
  readonly #absent: LRUCache<string, true> | undefined
  #home: { readonly owner: Owner; readonly turns: Turns } | undefined
  /** The load of the scope that its loader runs in. */
  readonly #scopes = new WeakMap<Scope, Load<V>>()
  #running = 0
  #started = 0
  #failed = 0
  #shared = 0
  #absentHits = 0
  #closed = false

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

  /** Waits for the value of a key that is not in the cache. `store` takes it in. */
  async load(
    key: string,
    loader: Loader<V>,
    store: (value: V) => unknown,
    options: FetchOptions | undefined,
  ): Promise<V | undefined> {
    options?.signal?.throwIfAborted()
    if (this.#absent?.get(key) === true) {
      this.#absentHits += 1
      return undefined
    }
    let load = this.#loads.get(key)
    // What a loader brings that began before a change is too old for who asks after it.
    if (load === undefined || load.isStale) load = this.#begin(key, loader, store)
    else this.#shared += 1
    const asker = this.#around(options?.scope ?? currentScope())
    if (asker !== undefined && !beginWait(asker, load)) throw waitsForItself(key)
    load.waiters += 1
    try {
      const outcome = await load.task.join({ scope: options?.scope, signal: options?.signal })
      if ('error' in outcome) throw outcome.error
      return outcome.value
    } catch (error) {
      throw load.task.state === 'cancelled' && this.#closed ? closed(this.#name) : error
    } finally {
      if (asker !== undefined) endWait(asker, load)
      load.waiters -= 1
      if (load.waiters === 0 && !load.hasEnded) {
        this.#forget(key, load)
        load.task.cancel(`nobody waits for ${JSON.stringify(key)} any more`)
      }
    }
  }

  /** Whether a key that gets a value may matter to anybody. */
  get isAwake(): boolean {
    return this.#loads.size > 0 || this.#absent !== undefined
  }

  /** A key got a value, or lost it. */
  known(key: string): void {
    this.#absent?.delete(key)
    if (this.#loads.size === 0) return
    const load = this.#loads.get(key)
    if (load !== undefined) load.isStale = true
  }

  /** All keys lost their values. */
  clear(): void {
    this.#absent?.clear()
    for (const load of this.#loads.values()) load.isStale = true
  }

  stats() {
    return {
      negative: this.#absent?.size ?? 0,
      negativeHits: this.#absentHits,
      loads: Object.freeze({
        running: this.#running,
        started: this.#started,
        failed: this.#failed,
        shared: this.#shared,
      }),
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#home?.owner.close(`the cache ${this.#name} was closed`)
  }

  #begin(key: string, loader: Loader<V>, store: (value: V) => unknown): Load<V> {
    this.#home ??= {
      owner: createOwner({ name: `loads of ${this.#name}` }),
      turns: new Turns(this.#maxLoads),
    }
    const { owner, turns } = this.#home
    const task = owner.spawn(
      async (scope): Promise<Outcome<V>> => {
        this.#scopes.set(scope, load)
        try {
          using _turn = await turns.take(load)
          const value = await loader(key, { signal: scope.signal })
          if (scope.cancelled) throw scope.reason
          this.#end(key, load, value, store)
          return { value }
        } catch (error) {
          this.#forget(key, load)
          if (scope.cancelled) throw error
          this.#failed += 1
          return { error }
        } finally {
          load.hasEnded = true
          this.#running -= 1
        }
      },
      { name: 'load' },
    )
    const load: Load<V> = {
      task,
      waiters: 0,
      isStale: false,
      hasEnded: false,
      waitsFor: [],
      depth: 0,
      queue: undefined,
    }
    this.#loads.set(key, load)
    this.#started += 1
    this.#running += 1
    return load
  }

  #end(key: string, load: Load<V>, value: V | undefined, store: (value: V) => unknown): void {
    this.#forget(key, load)
    if (load.isStale) return
    if (value !== undefined) store(value)
    else this.#absent?.set(key, true)
  }

  /** The load whose loader runs in a scope, if that is one. */
  #around(scope: Scope): Load<V> | undefined {
    for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
      const load = this.#scopes.get(at)
      if (load !== undefined) return load
    }
    return undefined
  }

  #forget(key: string, load: Load<V>): void {
    if (this.#loads.get(key) === load) this.#loads.delete(key)
  }
}

function waitsForItself(key: string): CacheError {
  return new CacheError(
    'CACHE_LOAD_RING',
    `The loader of ${JSON.stringify(key)} waits for the one that asks for it`,
  )
}
