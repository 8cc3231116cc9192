/** A memory cache as a tier: bounded, and free to forget. */
import {
  type Body,
  type CallOptions,
  checkKey,
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
} from '@ipfs-kit/storage'
import { createMemoryCache, type MemoryCache, type MemoryCacheStats } from '../memory-cache.ts'
import type { Policy } from '../policy.ts'
import { gather } from './gather.ts'
import type { KnownKey } from './known-keys.ts'
import { onePiece } from './one-piece.ts'
import { checkWanted, windowOf } from './range.ts'

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
  stats(): MemoryCacheStats
}

const supports = Object.freeze({
  write: true,
  delete: true,
  list: false,
  ranges: true,
  conditionalPut: true,
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
  const cache = createMemoryCache<Held>({
    name,
    maxBytes,
    sizeOf: ({ bytes }) => bytes.byteLength,
    ...(maxEntries === undefined ? {} : { maxEntries }),
    ...(policy === undefined ? {} : { policy }),
  })
  return new InMemoryTier(name, cache, maxBytes)
}

/** A value in memory. */
export interface Held {
  readonly bytes: Uint8Array
  /** Of a value that a tiered store has put here, verified. */
  readonly known: KnownKey | undefined
}

export class InMemoryTier implements MemoryTier {
  readonly name: string
  readonly failureDomain = `process:${process.pid}`
  readonly supports = supports
  readonly #cache: MemoryCache<Held>
  readonly maxBytes: number
  readonly #closing = new AbortController()

  constructor(name: string, cache: MemoryCache<Held>, maxBytes: number) {
    this.name = name
    this.#cache = cache
    this.maxBytes = maxBytes
  }

  /** What is here, as a hit or a miss. */
  take(key: string): Held | undefined {
    return this.#cache.get(key)
  }

  /** What is here; nothing is counted. */
  look(key: string): Held | undefined {
    return this.#cache.peek(key)
  }

  /** Takes in bytes that nobody changes any more. False if they are larger than the cache. */
  hold(key: string, held: Held): boolean {
    return !this.#closing.signal.aborted && this.#cache.set(key, held)
  }

  drop(key: string): void {
    this.#cache.delete(key)
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectStat> {
    const signal = this.#enter(options)
    checkKey(key)
    this.#checkAbsent(key, options)
    const bytes = await gather(body, options.size, signal, (total) => {
      if (total > this.maxBytes)
        throw new StorageError('STORAGE_FULL', `A value has at most ${this.maxBytes} bytes here`)
    })
    this.#checkAbsent(key, options)
    this.#cache.set(key, { bytes, known: undefined })
    return { key, size: bytes.length }
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const signal = this.#enter(options)
    checkKey(key)
    const wanted = checkWanted(options)
    const held = this.#cache.get(key)
    if (held === undefined) return undefined
    const { from, to } = windowOf(wanted, held.bytes.length)
    const body = onePiece(held.bytes.slice(from, to), signal)
    return { key, size: held.bytes.length, offset: from, length: to - from, body }
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    this.#enter(options)
    checkKey(key)
    const held = this.#cache.peek(key)
    return held === undefined ? undefined : { key, size: held.bytes.length }
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

  #checkAbsent(key: string, { ifAbsent = false }: PutOptions): void {
    if (ifAbsent && this.#cache.has(key))
      throw new StorageError('STORAGE_EXISTS', `The key ${JSON.stringify(key)} has a value already`)
  }
}
