/** A cache in memory: bounded by entries and by bytes, with a policy that says what goes. */
import { random, type WaitOptions } from '@ipfs-kit/concurrency'
import { checkSnapshot } from './check-snapshot.ts'
import { closed } from './errors.ts'
import { KeyTable, none } from './key-table.ts'
import { grown } from './links.ts'
import { Loads } from './loads.ts'
import { checkKnown, checkLimits, checkMemoryOptions, checkTtl } from './memory-options.ts'
import type { Policy, PolicyOrder, PolicyState, PolicyStats } from './policy.ts'
import { isEvictionHeard, publishEviction } from './reports.ts'

/**
 * Why an entry left the cache:
 * - `capacity`: the policy gave its room to another one
 * - `resized`: the same, because the limits became smaller
 * - `expired`: its time was over when it was asked for
 * - `replaced`: its key got another value
 * - `bypassed`: its key got a value that is larger than the cache, so that there is none now
 * - `deleted`, `cleared`: by a call, or by closing
 */
export type EvictionReason = (typeof reasons)[number]

const reasons = ['capacity', 'resized', 'expired', 'replaced', 'bypassed', 'deleted', 'cleared'] as const

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
  /** Loaders that run at once at most; more wait. Of those that loaders themselves ask for, as many more. Default 256. */
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
   * @throws CacheError CACHE_CLOSED, CACHE_LOAD_RING
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
  return new InMemory(checkMemoryOptions(options))
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
  return new InMemory(checkMemoryOptions(options))
}

type Checked<V> = ReturnType<typeof checkMemoryOptions<V>>

/** A value that has left, for those who are told. */
interface Gone<V> {
  readonly key: string
  readonly value: V
  readonly reason: EvictionReason
  readonly bytes: number
}

class InMemory<V> implements SlottedCache<V> {
  readonly name: string
  readonly #options: Checked<V>
  readonly #table: KeyTable<V>
  readonly #state: PolicyState
  #sizes: Float64Array | undefined
  /** When each slot expires, once something does. */
  #expiries: Float64Array | undefined
  #maxEntries: number
  /** As the options or `resize` said: `undefined` if it follows from `maxBytes`. */
  #wantedEntries: number | undefined
  #maxBytes: number
  #bytes = 0
  readonly #loads: Loads<V>
  #gone: Gone<V>[] = []
  #isTelling = false
  #closed = false
  #hits = 0
  #misses = 0
  #sets = 0
  #bypassed = 0
  /** By reason. */
  readonly #evictions = new Float64Array(reasons.length)

  constructor(options: Checked<V>) {
    const { name, policy, limits, snapshot } = options
    this.name = name
    this.#options = options
    const { seed, whole } =
      snapshot === undefined
        ? { seed: Math.trunc(random() * 2 ** 32), whole: false }
        : checkSnapshot(snapshot)
    this.#table = new KeyTable<V>(seed, whole)
    this.#state = policy.create(limits, this.#table)
    this.#maxEntries = limits.maxEntries
    this.#wantedEntries = options.wantedEntries
    this.#maxBytes = limits.maxBytes ?? Number.POSITIVE_INFINITY
    if (limits.maxBytes !== undefined) this.#sizes = new Float64Array(0)
    this.#loads = new Loads(options)
    if (snapshot !== undefined) this.#restore(snapshot)
  }

  get(key: string): V | undefined {
    const slot = this.hit(key)
    return slot === none ? undefined : this.#table.values[slot]
  }

  hit(key: string): number {
    const slot = this.#table.find(key, this.#table.hash(key))
    if (slot === none || (this.#expiries !== undefined && this.#expire(slot))) {
      this.#misses += 1
      if (this.#gone.length > 0) this.#tell()
      return none
    }
    this.#hits += 1
    this.#state.touch(slot)
    return slot
  }

  slotOf(key: string): number {
    const slot = this.#table.find(key, this.#table.hash(key))
    return slot === none || this.#isExpired(slot) ? none : slot
  }

  valueAt(slot: number): V {
    return this.#table.values[slot]!
  }

  set(key: string, value: V, options?: SetOptions): boolean {
    if (this.#closed) throw closed(this.name)
    if (typeof key !== 'string') throw new TypeError(`A key is a string, not ${typeof key}`)
    if (value === undefined) throw new TypeError('undefined is what a key without a value has: use delete')
    const bytes = this.#sizes === undefined ? 1 : this.#bytesOf(key, value, options)
    let { ttlMs } = this.#options
    if (options?.ttlMs !== undefined) checkTtl('ttlMs', (ttlMs = options.ttlMs))
    const slot = this.#take(key, value, bytes)
    if (slot !== none && (this.#expiries !== undefined || ttlMs !== Number.POSITIVE_INFINITY))
      this.#expireIn(slot, ttlMs)
    if (this.#loads.isAwake) this.#loads.known(key)
    if (this.#gone.length > 0) this.#tell()
    return slot !== none
  }

  has(key: string): boolean {
    return this.slotOf(key) !== none
  }

  peek(key: string): V | undefined {
    const slot = this.slotOf(key)
    return slot === none ? undefined : this.#table.values[slot]
  }

  delete(key: string): boolean {
    this.#loads.known(key)
    const slot = this.#table.find(key, this.#table.hash(key))
    if (slot === none) return false
    const wasThere = !this.#isExpired(slot)
    this.#remove(slot, wasThere ? 'deleted' : 'expired')
    this.#tell()
    return wasThere
  }

  clear(): void {
    this.#loads.clear()
    for (const slot of this.#table.resident()) this.#note(slot, 'cleared')
    this.#table.clear()
    this.#bytes = 0
    this.#state.clear()
    this.#tell()
  }

  *entries(): IterableIterator<[key: string, value: V]> {
    const table = this.#table
    // Its lists are others after it has grown, which it may between two steps.
    for (const slot of table.resident()) {
      if (!this.#isExpired(slot)) yield [table.keys[slot]!, table.values[slot]!]
    }
  }

  async fetch(key: string, load: Loader<V>, options?: FetchOptions): Promise<V | undefined> {
    if (this.#closed) throw closed(this.name)
    const value = this.get(key)
    if (value !== undefined) return value
    return this.#loads.load(key, load, (loaded) => this.set(key, loaded, options), options)
  }

  resize(limits: { readonly maxEntries?: number; readonly maxBytes?: number }): void {
    checkKnown(limits, ['maxEntries', 'maxBytes'], 'resize')
    const wanted = limits.maxEntries ?? this.#wantedEntries
    const { maxEntries, maxBytes } = checkLimits(
      wanted,
      limits.maxBytes ?? (this.#sizes === undefined ? undefined : this.#maxBytes),
    )
    if (maxBytes !== undefined && this.#sizes === undefined)
      throw new TypeError('A cache that was made without maxBytes has no sizes of its values')
    this.#wantedEntries = wanted
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes ?? Number.POSITIVE_INFINITY
    this.#state.resize({ maxEntries, maxBytes })
    while (this.#table.size > this.#maxEntries || this.#bytes > this.#maxBytes) this.#evict('resized')
    this.#tell()
  }

  snapshot(): CacheSnapshot<V> {
    const entries: CacheSnapshot<V>['entries'][number][] = []
    const numbers = new Map<number, number>()
    const time = this.#expiries === undefined ? 0 : this.#options.now()
    for (const slot of this.#table.resident()) {
      numbers.set(slot, entries.length)
      const leftMs = (this.#expiries?.[slot] ?? Number.POSITIVE_INFINITY) - time
      entries.push({
        key: this.#table.keys[slot]!,
        value: this.#table.values[slot]!,
        ...(this.#sizes === undefined ? {} : { bytes: this.#sizes[slot]! }),
        ...(leftMs === Number.POSITIVE_INFINITY ? {} : { leftMs }),
      })
    }
    const { seed, isWhole: whole } = this.#table
    const order = this.#state.save((slot) => numbers.get(slot)!)
    return { version: 1, policy: this.#options.policy.name, seed, whole, entries, order }
  }

  stats(): MemoryCacheStats {
    const evictions = reasons.map((reason, at) => [reason, this.#evictions[at]!] as const)
    return Object.freeze({
      name: this.name,
      entries: this.#table.size,
      maxEntries: this.#maxEntries,
      bytes: this.#bytes,
      maxBytes: this.#sizes === undefined ? undefined : this.#maxBytes,
      hits: this.#hits,
      misses: this.#misses,
      sets: this.#sets,
      bypassed: this.#bypassed,
      evictions: Object.freeze(Object.fromEntries(evictions) as Record<EvictionReason, number>),
      ...this.#loads.stats(),
      policy: this.#options.policy.name,
      order: Object.freeze(this.#state.stats()),
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#loads.close()
    this.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Takes a value in. Its slot, or `none`. */
  #take(key: string, value: V, bytes: number): number {
    const table = this.#table
    const hash = table.hash(key)
    let slot = table.find(key, hash)
    if (slot !== none && this.#expiries !== undefined && this.#expire(slot)) slot = none
    if (bytes > this.#maxBytes) {
      this.#bypassed += 1
      if (slot !== none) this.#remove(slot, 'bypassed')
      return none
    }
    this.#sets += 1
    if (slot !== none && this.#replace(slot, value, bytes)) return slot
    const ghost = table.findGhost(hash)
    this.#state.meet(ghost, bytes)
    while (table.size >= this.#maxEntries || this.#bytes + bytes > this.#maxBytes) this.#evict('capacity')
    slot = ghost === none ? this.#newSlot(hash) : ghost
    table.fill(slot, key, value)
    if (this.#sizes !== undefined) {
      this.#sizes[slot] = bytes
      this.#bytes += bytes
    }
    this.#state.insert(slot, bytes)
    if (table.isCrowded(this.#sets)) {
      this.#state.dropGhosts()
      table.hashWholly()
    }
    return slot
  }

  /** Gives a resident entry another value. False if making room for it took the entry itself. */
  #replace(slot: number, value: V, bytes: number): boolean {
    const { keys, values } = this.#table
    this.#state.touch(slot)
    if (this.#sizes !== undefined) {
      const key = keys[slot]
      const former = this.#sizes[slot]!
      while (this.#bytes - former + bytes > this.#maxBytes) {
        this.#evict('capacity')
        if (keys[slot] !== key) return false
      }
      this.#note(slot, 'replaced')
      this.#sizes[slot] = bytes
      this.#bytes += bytes - former
      this.#state.reweigh(slot, bytes)
    } else this.#note(slot, 'replaced')
    values[slot] = value
    return true
  }

  #evict(reason: EvictionReason): void {
    const evicted = this.#state.evict()
    const slot = evicted < 0 ? ~evicted : evicted
    this.#empty(slot, reason)
    if (evicted < 0) this.#table.release(slot)
  }

  #remove(slot: number, reason: EvictionReason): void {
    this.#state.remove(slot)
    this.#empty(slot, reason)
    this.#table.release(slot)
  }

  #empty(slot: number, reason: EvictionReason): void {
    this.#note(slot, reason)
    this.#table.empty(slot)
    if (this.#sizes !== undefined) this.#bytes -= this.#sizes[slot]!
  }

  /** A value is about to leave. */
  #note(slot: number, reason: EvictionReason): void {
    this.#evictions[reasonNumbers[reason]]! += 1
    if (this.#options.onEvict === undefined && !isEvictionHeard()) return
    const { keys, values } = this.#table
    this.#gone.push({ key: keys[slot]!, value: values[slot]!, reason, bytes: this.#sizes?.[slot] ?? 0 })
  }

  /**
   * Hands on what has left. What is thrown there passes through; the cache is whole by then, and the next call hands on the
   * rest. Calls from there leave it to this one, so that they do not pile up.
   */
  #tell(): void {
    if (this.#isTelling || this.#gone.length === 0) return
    this.#isTelling = true
    let told = 0
    try {
      while (told < this.#gone.length) {
        const { key, value, reason, bytes } = this.#gone[told]!
        told += 1
        publishEviction(this.name, reason, bytes)
        this.#options.onEvict?.(key, value, reason)
      }
    } finally {
      this.#gone = this.#gone.slice(told)
      this.#isTelling = false
    }
  }

  /** A slot for a key that is new here. */
  #newSlot(hash: number): number {
    if (this.#table.isFull) this.#grow(Math.max(64, this.#table.capacity * 2))
    return this.#table.add(hash)
  }

  #grow(wanted: number): void {
    // One more than entries and ghosts: a ghost that is met has still its slot when another one is made.
    const most = Math.ceil(this.#maxEntries * (1 + this.#options.policy.ghostShare)) + 2
    const slots = Math.max(this.#table.capacity + 1, Math.min(most, wanted))
    this.#table.grow(slots)
    this.#state.grow(slots)
    if (this.#sizes !== undefined) this.#sizes = grown(this.#sizes, slots)
    if (this.#expiries !== undefined) this.#expiries = grown(this.#expiries, slots)
  }

  #bytesOf(key: string, value: V, options: Pick<SetOptions, 'bytes'> | undefined): number {
    const bytes = options?.bytes ?? this.#measured(key, value)
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw new RangeError(`The size of a value is a whole number of bytes, 0 or more, not ${bytes}`)
    return bytes
  }

  #measured(key: string, value: V): number {
    const { sizeOf } = this.#options
    if (sizeOf !== undefined) return sizeOf(value, key)
    if (value instanceof Uint8Array) return value.byteLength
    throw new TypeError('The size of this value is unknown: give sizeOf, or bytes with the call')
  }

  #expireIn(slot: number, ttlMs: number): void {
    this.#expiries ??= new Float64Array(this.#table.capacity).fill(Number.POSITIVE_INFINITY)
    this.#expiries[slot] = ttlMs === Number.POSITIVE_INFINITY ? ttlMs : this.#options.now() + ttlMs
  }

  #isExpired(slot: number): boolean {
    if (this.#expiries === undefined) return false
    const expiry = this.#expiries[slot]!
    return expiry !== Number.POSITIVE_INFINITY && expiry <= this.#options.now()
  }

  /** Removes an entry whose time is over. */
  #expire(slot: number): boolean {
    if (!this.#isExpired(slot)) return false
    this.#remove(slot, 'expired')
    return true
  }

  #restore({ policy, entries, order }: CacheSnapshot<V>): void {
    const slots: (number | undefined)[] = []
    for (const entry of entries) {
      const { key, value, leftMs = Number.POSITIVE_INFINITY } = entry
      const bytes = this.#sizes === undefined ? 1 : this.#bytesOf(key, value, entry)
      const fits = this.#table.size < this.#maxEntries && this.#bytes + bytes <= this.#maxBytes && leftMs > 0
      const slot = fits ? this.#take(key, value, bytes) : none
      slots.push(slot === none ? undefined : slot)
      if (slot !== none && (this.#expiries !== undefined || leftMs !== Number.POSITIVE_INFINITY))
        this.#expireIn(slot, leftMs)
    }
    if (policy === this.#options.policy.name) {
      this.#grow(this.#table.capacity + Object.values(order).flat().length)
      this.#state.restore(order, slots)
    }
    this.#sets = 0
  }
}

const reasonNumbers = Object.fromEntries(reasons.map((reason, at) => [reason, at])) as Record<
  EvictionReason,
  number
>
