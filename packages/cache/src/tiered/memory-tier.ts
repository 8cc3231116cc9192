/** A memory cache as a tier: bounded, and free to forget. */
import {
  type Body,
  type CallOptions,
  checkGet,
  checkCondition,
  checkKey,
  checkPut,
  gather,
  type GetOptions,
  type ListPage,
  type ObjectStat,
  type ProbeReport,
  probeByRoundTrip,
  type PutOptions,
  type StorageBackend,
  StorageError,
  type StoredObject,
  type Supports,
  windowIn,
} from '@ipfs-kit/storage'
import { grown } from '../links.ts'
import { createSlottedCache, type MemoryCacheStats, type SlottedCache } from '../memory-cache.ts'
import type { Policy } from '../policy.ts'
import type { KnownKey, KnownKeys } from './known-keys.ts'

/** Options of {@link createMemoryTier}. */
export interface MemoryTierOptions {
  /** How people call it. Default `memory`. */
  readonly name?: string
  /** Bytes that its values may have together. */
  readonly maxBytes: number
  /** Values at most. Default: one for 128 bytes of `maxBytes`, 1,024 at least. */
  readonly maxEntries?: number
  /** What goes when room is needed. Default: LIRS. */
  readonly policy?: Policy
}

/** A memory cache as a storage backend that may forget: what it has taken can be gone at the next call. It does not list. */
export interface MemoryTier extends StorageBackend {
  readonly supports: typeof supports
  /** Forgets everything. */
  clear(): void
  stats(): MemoryCacheStats
}

const supports = Object.freeze({
  write: true,
  delete: true,
  list: false,
  ranges: true,
  conditionalPut: true,
  conditionalReplace: false,
  keys: 'any',
} as const satisfies Supports)

/**
 * Makes a memory tier. Its cache is its own, so that nothing is in it that did not come through its calls.
 *
 * @throws TypeError, RangeError for options that are unknown or wrong
 */
export function createMemoryTier(options: MemoryTierOptions): MemoryTier {
  const { name = 'memory', maxBytes, maxEntries, policy, ...unknown } = options
  const [other] = Object.keys(unknown)
  if (other !== undefined) throw new TypeError(`A memory tier has no option ${other}`)
  const cache = createSlottedCache<Uint8Array>({
    name,
    maxBytes,
    ...(maxEntries === undefined ? {} : { maxEntries }),
    ...(policy === undefined ? {} : { policy }),
  })
  return new InMemoryTier(name, cache, maxBytes)
}

/** A value in memory. */
export interface Held {
  readonly bytes: Uint8Array
  /** Whether a tiered store has put it here, which verifies before. */
  readonly isVerified: boolean
}

export class InMemoryTier implements MemoryTier {
  readonly name: string
  readonly failureDomain = `process:${process.pid}`
  readonly supports = supports
  readonly #cache: SlottedCache<Uint8Array>
  readonly maxBytes: number
  readonly #closing = new AbortController()
  #isClaimed = false
  /** Of each slot: the key by which a tiered store remembers it, if it came from one. */
  readonly #known: (KnownKey | undefined)[] = []
  /** Of each slot that came from a tiered store: reads that are not in the heat of its key yet, and the tick that they were in. */
  #reads = new Float64Array(0)
  #ticks = new Float64Array(0)

  constructor(name: string, cache: SlottedCache<Uint8Array>, maxBytes: number) {
    this.name = name
    this.#cache = cache
    this.maxBytes = maxBytes
  }

  /** @throws TypeError if it is a tier of another store: ticks and heat are of one clock */
  claim(): void {
    if (this.#isClaimed) throw new TypeError(`The memory tier ${this.name} belongs to another tiered store`)
    this.#isClaimed = true
  }

  /** Bytes that a tiered store has put here, as a hit. They are shared. */
  take(key: string, table: KnownKeys): Uint8Array | undefined {
    const slot = this.#cache.hit(key)
    if (slot === -1) return undefined
    const tick = this.#ticks[slot]!
    if (tick === unverified) return undefined
    const now = table.tick()
    if (tick !== now) {
      this.#settle(slot)
      this.#ticks[slot] = now
    }
    this.#reads[slot]! += 1
    return this.#cache.valueAt(slot)
  }

  /** What is here; nothing is counted. */
  look(key: string): Held | undefined {
    const slot = this.#cache.slotOf(key)
    if (slot === -1) return undefined
    return { bytes: this.#cache.valueAt(slot), isVerified: this.#ticks[slot] !== unverified }
  }

  /**
   * Takes in bytes that nobody changes any more, with no more memory than they need: a part of a larger piece would keep that.
   * False if they are larger than the cache.
   *
   * @param known - of a tiered store, which has verified them
   */
  hold(key: string, bytes: Uint8Array, known?: KnownKey): boolean {
    const own = bytes.buffer.byteLength > 2 * bytes.length ? new Uint8Array(bytes) : bytes
    if (this.#closing.signal.aborted || !this.#cache.set(key, own)) return false
    const slot = this.#cache.slotOf(key)
    if (slot >= this.#ticks.length) {
      const slots = Math.max(64, (slot + 1) * 2)
      this.#ticks = grown(this.#ticks, slots)
      this.#reads = grown(this.#reads, slots)
    }
    this.#settle(slot)
    this.#known[slot] = known
    this.#ticks[slot] = known === undefined ? unverified : neverRead
    return true
  }

  /** Reads of a key that is here go into its heat. */
  settle(key: string): void {
    const slot = this.#cache.slotOf(key)
    if (slot !== -1) this.#settle(slot)
  }

  drop(key: string): void {
    this.#cache.delete(key)
  }

  has(key: string): boolean {
    return this.#cache.has(key)
  }

  clear(): void {
    this.#cache.clear()
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectStat> {
    const signal = this.#enter(options)
    checkKey(key)
    const checked = checkPut(options, supports)
    const { size } = checked
    checkCondition(key, checked, this.#told(key))
    const onBytes = (total: number): void => {
      if (total > this.maxBytes)
        throw new StorageError('STORAGE_FULL', `A value has at most ${this.maxBytes} bytes here`)
    }
    const bytes = await gather(body, { signal, size, onBytes })
    checkCondition(key, checked, this.#told(key))
    this.hold(key, bytes)
    return statOf(key, bytes.length)
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const signal = this.#enter(options)
    checkKey(key)
    const wanted = checkGet(options)
    const bytes = this.#cache.get(key)
    return bytes === undefined ? undefined : windowIn(statOf(key, bytes.length), bytes, wanted, signal)
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    this.#enter(options)
    checkKey(key)
    return this.#told(key)
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    this.#enter(options)
    checkKey(key)
    this.#cache.delete(key)
  }

  async list(options: CallOptions = {}): Promise<ListPage> {
    this.#enter(options)
    throw new StorageError(
      'STORAGE_NOT_SUPPORTED',
      `The memory tier ${JSON.stringify(this.name)} does not list`,
    )
  }

  async probe(options: CallOptions = {}): Promise<ProbeReport> {
    return probeByRoundTrip(this, options)
  }

  stats(): MemoryCacheStats {
    return this.#cache.stats()
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted)
      this.#closing.abort(
        new StorageError('STORAGE_CLOSED', `The tier ${JSON.stringify(this.name)} is closed`),
      )
    await this.#cache.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #enter({ signal }: CallOptions): AbortSignal {
    this.#closing.signal.throwIfAborted()
    signal?.throwIfAborted()
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }

  #settle(slot: number): void {
    const reads = this.#reads[slot]!
    if (reads === 0) return
    this.#reads[slot] = 0
    const known = this.#known[slot]
    known?.table.hitMany(known, reads, this.#ticks[slot]!)
  }

  #told(key: string): ObjectStat | undefined {
    const bytes = this.#cache.peek(key)
    return bytes && statOf(key, bytes.length)
  }
}

/** A tier that may forget knows no versions. */
function statOf(key: string, size: number): ObjectStat {
  return { key, size, version: undefined, modifiedMs: undefined, sha256: undefined }
}

/** Ticks of slots that have none. */
const unverified = -2
const neverRead = -1
