/** A memory cache over slots: a table of keys and values, a policy that orders them, and what is counted. */
import { random } from '@ipfs-kit/concurrency'
import { checkSnapshot } from './check-snapshot.ts'
import { Deadlines } from './deadlines.ts'
import { closed } from './errors.ts'
import { type EvictionReason, Evictions } from './evictions.ts'
import { HotKeys } from './hot-keys.ts'
import { KeyTable, none } from './key-table.ts'
import { grown } from './links.ts'
import { Loads } from './loads.ts'
import type {
  CacheSnapshot,
  FetchOptions,
  Loader,
  MemoryCacheStats,
  SetOptions,
  SlottedCache,
} from './memory-cache.ts'
import { checkKnown, checkLimits, type CheckedMemoryOptions, checkTtl } from './memory-options.ts'
import type { PolicyState } from './policy.ts'

/** See {@link MemoryCache}. */
export class Slotted<V> implements SlottedCache<V> {
  readonly name: string
  readonly #options: CheckedMemoryOptions<V>
  readonly #table: KeyTable<V>
  readonly #hot = new HotKeys()
  readonly #state: PolicyState
  #sizes: Float64Array | undefined
  /** Once something expires. */
  #deadlines: Deadlines | undefined
  readonly #evictions: Evictions<V>
  #maxEntries: number
  /** As the options or `resize` said: `undefined` if it follows from `maxBytes`. */
  #wantedEntries: number | undefined
  #maxBytes: number
  #bytes = 0
  readonly #loads: Loads<V>
  #closed = false
  #hits = 0
  #misses = 0
  #sets = 0
  #bypassed = 0

  constructor(options: CheckedMemoryOptions<V>) {
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
    this.#evictions = new Evictions(name, options.onEvict)
    this.#loads = new Loads(options)
    if (snapshot !== undefined) this.#restore(snapshot)
  }

  get(key: string): V | undefined {
    const slot = this.hit(key)
    return slot === none ? undefined : this.#table.values[slot]
  }

  hit(key: string): number {
    let slot = this.#hot.find(key)
    if (slot === none) slot = this.#findBehind(key)
    if (slot === none || (this.#deadlines !== undefined && this.#expire(slot))) {
      this.#misses += 1
      this.#evictions.tell()
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
    if (slot !== none && (this.#deadlines !== undefined || ttlMs !== Number.POSITIVE_INFINITY))
      this.#expireIn(slot, ttlMs)
    if (this.#loads.isAwake) this.#loads.known(key)
    this.#evictions.tell()
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
    this.#evictions.tell()
    return wasThere
  }

  clear(): void {
    this.#loads.clear()
    for (const slot of this.#table.resident()) this.#note(slot, 'cleared')
    this.#table.clear()
    this.#hot.clear()
    this.#bytes = 0
    this.#state.clear()
    this.#evictions.tell()
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
    this.#evictions.tell()
  }

  snapshot(): CacheSnapshot<V> {
    const entries: CacheSnapshot<V>['entries'][number][] = []
    const numbers = new Map<number, number>()
    const left = this.#deadlines?.left()
    for (const slot of this.#table.resident()) {
      numbers.set(slot, entries.length)
      const leftMs = left?.(slot) ?? Number.POSITIVE_INFINITY
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
      evictions: this.#evictions.counts(),
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

  /** The slot of a key that is not in front, or `none`. */
  #findBehind(key: string): number {
    const questions = this.#hits + this.#misses
    if (questions >= this.#hot.due) this.#hot.look(questions, this.#misses + this.#sets, this.#table.size)
    const slot = this.#table.find(key, this.#table.hash(key))
    if (slot !== none) this.#hot.offer(slot, this.#table.keys[slot]!)
    return slot
  }

  /** Takes a value in. Its slot, or `none`. */
  #take(key: string, value: V, bytes: number): number {
    const table = this.#table
    const hash = table.hash(key)
    let slot = table.find(key, hash)
    if (slot !== none && this.#deadlines !== undefined && this.#expire(slot)) slot = none
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
    this.#hot.leave(slot, this.#table.keys[slot]!)
    this.#table.empty(slot)
    if (this.#sizes !== undefined) this.#bytes -= this.#sizes[slot]!
  }

  /** A value is about to leave. */
  #note(slot: number, reason: EvictionReason): void {
    this.#evictions.count(reason)
    if (!this.#evictions.isHeard) return
    const { keys, values } = this.#table
    this.#evictions.keep({
      key: keys[slot]!,
      value: values[slot]!,
      reason,
      bytes: this.#sizes?.[slot] ?? 0,
    })
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
    this.#hot.grow(slots)
    this.#state.grow(slots)
    if (this.#sizes !== undefined) this.#sizes = grown(this.#sizes, slots)
    this.#deadlines?.grow(slots)
  }

  #bytesOf(key: string, value: V, options: Pick<SetOptions, 'bytes'> | undefined): number {
    const bytes = options?.bytes ?? this.#options.sizeOf(value, key)
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw new RangeError(`The size of a value is a whole number of bytes, 0 or more, not ${bytes}`)
    return bytes
  }

  #expireIn(slot: number, ttlMs: number): void {
    this.#deadlines ??= new Deadlines(this.#table.capacity, this.#options.now)
    this.#deadlines.set(slot, ttlMs)
  }

  #isExpired(slot: number): boolean {
    return this.#deadlines !== undefined && this.#deadlines.isOver(slot)
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
      if (slot !== none && (this.#deadlines !== undefined || leftMs !== Number.POSITIVE_INFINITY))
        this.#expireIn(slot, leftMs)
    }
    if (policy === this.#options.policy.name) {
      this.#grow(this.#table.capacity + Object.values(order).flat().length)
      this.#state.restore(order, slots)
    }
    this.#sets = 0
  }
}
