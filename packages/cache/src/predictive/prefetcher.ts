/** Fetches ahead of readers what they will ask for. */
import { closed } from '../errors.ts'
import { Budget } from './budget.ts'
import { Metrics, type PrefetchMetrics } from './metrics.ts'
import type { Predictor } from './predictor.ts'
import { checkPrefetcherOptions, checkReaderOptions, type CheckedPrefetcher } from './prefetcher-options.ts'
import { AheadReader, type Reader, type ReaderOptions } from './reader.ts'
import type { Workload } from './workload.ts'

/** Gets a value from where it is far away. It has to heed its signal: a reader that ends waits for it to end. */
export type Fetch<V> = (key: string, context: FetchContext) => Promise<V> | V

/** What a fetch gets. */
export interface FetchContext {
  /** Aborted when nobody wants the value any more. */
  readonly signal: AbortSignal
  /** `prefetch`: nobody has asked for it yet. */
  readonly purpose: 'demand' | 'prefetch'
}

/** Options of {@link createPrefetcher}. */
export interface PrefetcherOptions<V> {
  /** How people call it, in messages. Default `prefetcher`. */
  readonly name?: string
  readonly fetch: Fetch<V>
  /**
   * Where values are looked for first and, once a reader has them, kept; a memory cache is one. What was prefetched comes in
   * when it is read, so that it counts there like what was not. Default: none.
   */
  readonly cache?: {
    get(key: string): V | undefined
    has(key: string): boolean
    set(key: string, value: V): unknown
  }
  /** Whether a key is so near that fetching it ahead is not worth it. Default: no key is. */
  readonly has?: (key: string) => boolean
  /** Keys that a value links to, in their order. Default: there are no links. */
  readonly linksOf?: (key: string, value: V) => readonly string[]
  /** Bytes of a value, a whole number from 0. Default: the length of a Uint8Array; for other values a TypeError. */
  readonly sizeOf?: (value: V, key: string) => number
  /** Default: one of its own. */
  readonly predictor?: Predictor
  /** Blocks ahead of one reader at most, on their way or waiting, 1 to 4,096. Default 32. */
  readonly maxBlocks?: number
  /**
   * Bytes of all readers' prefetches at most, on their way (by the size of the largest block of late) and waiting. Default
   * 32 MiB.
   */
  readonly maxBytes?: number
  /**
   * Bytes that arrive for nobody, as a share of those that are asked for, above which nothing is prefetched; guesses that nobody
   * has used yet count too. Beyond it: 8 guesses, and for links `maxBytes` once. 0 to 1. Default 0.1.
   */
  readonly maxAddedShare?: number
}

/** A frozen look at a prefetcher. */
export interface PrefetcherStats extends PrefetchMetrics {
  readonly name: string
  /** Readers that are open. */
  readonly readers: number
  /** Bytes of prefetches on their way, by estimate, and of those that wait for their reader. */
  readonly runningBytes: number
  readonly waitingBytes: number
  readonly maxBytes: number
  readonly workload: Workload
}

/** Makes readers, and bounds what they fetch ahead together. */
export interface Prefetcher<V> extends AsyncDisposable {
  readonly name: string
  /**
   * A reader, whose prefetches are tasks of the running scope, or of the one that is given: they end with the reader, and with
   * that scope. The reader has to be closed before the scope ends. A generator gives the scope of whoever it belongs to, as each
   * of its steps may be run in another one.
   *
   * @throws TypeError for an option that is unknown or wrong; CacheError CACHE_CLOSED
   */
  reader(options?: ReaderOptions<V>): Reader<V>
  stats(): PrefetcherStats
  /** Closes all readers. Idempotent. */
  close(): Promise<void>
}

/**
 * Makes a prefetcher.
 *
 * @throws TypeError, RangeError for options that are unknown or wrong
 */
export function createPrefetcher<V>(options: PrefetcherOptions<V>): Prefetcher<V> {
  return new SharedPrefetcher(checkPrefetcherOptions(options))
}

class SharedPrefetcher<V> implements Prefetcher<V> {
  readonly name: string
  readonly #options: CheckedPrefetcher<V>
  readonly #budget: Budget
  readonly #metrics = new Metrics()
  readonly #readers = new Set<AheadReader<V>>()
  #closed = false

  constructor(options: CheckedPrefetcher<V>) {
    this.name = options.name
    this.#options = options
    this.#budget = new Budget(options.maxBytes, options.maxAddedShare)
  }

  reader(options?: ReaderOptions<V>): Reader<V> {
    checkReaderOptions(options)
    if (this.#closed) throw closed(this.name)
    const shared = { ...this.#options, budget: this.#budget, metrics: this.#metrics }
    const reader = new AheadReader(shared, options, () => this.#readers.delete(reader))
    this.#readers.add(reader)
    return reader
  }

  stats(): PrefetcherStats {
    const { runningBytes, waitingBytes, maxBytes } = this.#budget
    return Object.freeze({
      ...this.#metrics.look(),
      name: this.name,
      readers: this.#readers.size,
      runningBytes,
      waitingBytes,
      maxBytes,
      workload: this.#options.predictor.classify(),
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#readers].map((reader) => reader.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
