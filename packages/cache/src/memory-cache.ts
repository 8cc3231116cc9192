/** A cache in memory: bounded by entries and by bytes, with a policy that says what goes. */
import type { WaitOptions } from '@ipfs-kit/concurrency'
import type { EvictionReason } from './evictions.ts'
import { checkMemoryOptions } from './memory-options.ts'
import type { Policy, PolicyOrder, PolicyStats } from './policy.ts'
import { Slotted } from './slotted-cache.ts'

/** Options of {@link createMemoryCache}. */
export interface MemoryCacheOptions<V> {
  /** How people call it, in messages. Default `memory`. */
  readonly name?: string
  /** Entries that it holds at most, 1 to 4,194,304. Default: one for 128 bytes of `maxBytes`, 1,024 at least. One of the limits has to be given. */
  readonly maxEntries?: number
  /** Bytes that its values may have together, by their sizes as told. Default: they are not looked at. */
  readonly maxBytes?: number
  /**
   * Bytes of a value, a whole number from 0; asked if there is `maxBytes` and the call does not say. Default: the length of a
   * Uint8Array; for other values a TypeError.
   */
  readonly sizeOf?: (value: V, key: string) => number
  /** Default: LIRS, which measures best (README). */
  readonly policy?: Policy
  /** For how long an entry counts, in milliseconds above 0. Default Infinity: for ever. */
  readonly ttlMs?: number
  /** For how long a loader's `undefined` is believed without asking it again. Default 0: not at all. */
  readonly negativeTtlMs?: number
  /** Keys of which that is remembered at most. Default 1,000. */
  readonly maxNegative?: number
  /** Loaders that run at once at most; more wait. Default 256. */
  readonly maxLoads?: number
  /** The clock of times to live, in milliseconds. Default: that of the running backend. */
  readonly now?: () => number
  /** Told of each value that leaves, after the call that was the cause has done its work. */
  readonly onEvict?: (key: string, value: V, reason: EvictionReason) => void
  /** What a cache held, to begin with; by {@link MemoryCache.snapshot}. */
  readonly snapshot?: CacheSnapshot<V>
}

/** Options of {@link MemoryCache.set}. */
export interface SetOptions {
  /** Bytes of the value. Default: `sizeOf`. */
  readonly bytes?: number
  /** Default: that of the cache. */
  readonly ttlMs?: number
}

/** What a loader gets. */
export interface LoadContext {
  /** Aborted when nobody waits for the value any more, and when the cache is closed. */
  readonly signal: AbortSignal
}

/** Gets the value of a key that is not here; `undefined` if there is none. */
export type Loader<V> = (key: string, context: LoadContext) => Promise<V | undefined> | V | undefined

/** Options of {@link MemoryCache.fetch}. */
export interface FetchOptions extends SetOptions, WaitOptions {}

/** What {@link MemoryCache.snapshot} gives. With values that JSON can hold it is JSON; `structuredClone` takes it as it is. */
export interface CacheSnapshot<V> {
  readonly version: 1
  readonly policy: string
  /** Of the hashes of keys that the order has, and whether they are of whole keys. */
  readonly seed: number
  readonly whole: boolean
  readonly entries: readonly {
    readonly key: string
    readonly value: V
    /** Absent if the cache has no `maxBytes`. A cache that has one then measures the value by its `sizeOf`. */
    readonly bytes?: number
    /** Milliseconds until it expires; absent for never. */
    readonly leftMs?: number
  }[]
  readonly order: PolicyOrder
}

/** A frozen look at a memory cache. */
export interface MemoryCacheStats {
  readonly name: string
  readonly entries: number
  readonly maxEntries: number
  /** Bytes of all values, exactly; 0 if there is no `maxBytes`. */
  readonly bytes: number
  readonly maxBytes: number | undefined
  readonly hits: number
  readonly misses: number
  /** Values that were taken in. */
  readonly sets: number
  /** Values that were not, since they are larger than the cache. */
  readonly bypassed: number
  readonly evictions: Readonly<Record<EvictionReason, number>>
  /** Keys that are remembered to have no value. */
  readonly negative: number
  readonly negativeHits: number
  /** Loaders that run or wait for their turn, and how many there were. */
  readonly loads: {
    readonly running: number
    readonly started: number
    readonly failed: number
    readonly shared: number
  }
  readonly policy: string
  /** The policy's own numbers: what its lists have, how often a ghost was met. */
  readonly order: PolicyStats
}

/**
 * A cache in memory. Keys are strings of any length and content. Each call takes constant time, but those that name all
 * entries; none waits, but `fetch` and `close`.
 */
export interface MemoryCache<V> extends AsyncDisposable {
  readonly name: string
  /** The value of a key, which counts as a hit or a miss. */
  get(key: string): V | undefined
  /**
   * Takes a value in, in the place of the one that the key had. False if it is larger than `maxBytes`: then the key has no
   * value.
   *
   * @throws TypeError for a value that is undefined, or whose size is unknown
   * @throws RangeError for a size or time that is none
   * @throws CacheError CACHE_CLOSED
   */
  set(key: string, value: V, options?: SetOptions): boolean
  /** Whether a key has a value; nothing is counted or moved. */
  has(key: string): boolean
  /** The value of a key; nothing is counted or moved. */
  peek(key: string): V | undefined
  /** Whether there was something to remove. */
  delete(key: string): boolean
  /** Removes all entries, what the policy has learned, and what is remembered to be absent. */
  clear(): void
  /** All entries in no order; nothing is counted or moved. What comes or goes meanwhile may be among them or not. */
  entries(): IterableIterator<[key: string, value: V]>
  /**
   * The value of a key, from here or else from the loader, whose value is taken in. Those who ask for a key while it is
   * loaded wait for the same loader; it runs in the cache's own scope and is cancelled when the last of them has left. What
   * it fails with, all of them get, and the next one asks it again. A value that is set or deleted meanwhile stays as it is.
   *
   * @throws CacheError CACHE_CLOSED
   * @throws what the loader throws, the reason of the signal, the reason of the scope
   */
  fetch(key: string, load: Loader<V>, options?: FetchOptions): Promise<V | undefined>
  /**
   * Sets other limits, and evicts at once what is above them. A limit of the entries that was never said follows the bytes.
   *
   * @throws TypeError, RangeError for limits that are unknown or wrong
   */
  resize(limits: { readonly maxEntries?: number; readonly maxBytes?: number }): void
  /** What is here and what the policy has learned, for another cache to begin with. */
  snapshot(): CacheSnapshot<V>
  stats(): MemoryCacheStats
  /** Cancels the loaders, waits for their end, and removes everything. Idempotent. */
  close(): Promise<void>
}

/**
 * Makes a memory cache.
 *
 * @throws TypeError, RangeError for options that are unknown or wrong
 */
export function createMemoryCache<V>(options: MemoryCacheOptions<V>): MemoryCache<V> {
  return new Slotted(checkMemoryOptions(options))
}

/** A memory cache whose entries can be told by their slots, for counters beside it: numbers from 0, used again once free. */
export interface SlottedCache<V> extends MemoryCache<V> {
  /** The slot of a key, which counts as a hit or a miss; -1 if it has no value. */
  hit(key: string): number
  /** The same, and nothing is counted or moved. */
  slotOf(key: string): number
  valueAt(slot: number): V
}

/** {@link createMemoryCache}, with slots. */
export function createSlottedCache<V>(options: MemoryCacheOptions<V>): SlottedCache<V> {
  return new Slotted(checkMemoryOptions(options))
}
