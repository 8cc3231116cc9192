/** An open disk cache: its parts put together, and its calls checked. */
import { told } from '@ipfs-kit/blocks'
import { createKeyedLock, createOwner, shield } from '@ipfs-kit/concurrency'
import {
  type Arrivals,
  type Body,
  type CallOptions,
  checkGet,
  checkKey,
  checkList,
  checkPut,
  createArrivals,
  cursorOf,
  type GetOptions,
  keyOfCursor,
  type ListOptions,
  type ListPage,
  type ObjectStat,
  type ProbeReport,
  type StoredObject,
} from '@ipfs-kit/storage'
import { Calls } from './calls.ts'
import { Changes } from './changes.ts'
import { checkMediaType, checkMetadata, checkTtl } from './check-call.ts'
import type {
  ClearOptions,
  DiskCache,
  DiskCacheEntry,
  DiskCachePutOptions,
  DiskCacheStats,
  TouchOptions,
} from './disk-cache.ts'
import { Entries, type Entry } from './entries.ts'
import { Evictions } from './evictions.ts'
import { probeCache } from './probe-cache.ts'
import { Reads } from './reads.ts'
import { recover } from './recover.ts'
import type { Records } from './records.ts'
import { Removals } from './removals.ts'
import { tallyAges } from './tallies.ts'
import { Values } from './values.ts'

/** What an open cache is made of. */
export interface OpenedParts {
  readonly name: string
  readonly failureDomain: string
  readonly records: Records
  readonly evictedPacks: () => number
  readonly ttlMs: number
  readonly now: () => number
  readonly maxEntries: number
  readonly maxValueBytes: number
  readonly maxArrivingBytes: number
  readonly partBytes: number
  /** Names values: another text each time, also in another process. */
  readonly nextGeneration: () => string
  /** What is closed last. */
  readonly resources: AsyncDisposableStack
}

const supports = Object.freeze({
  write: true,
  delete: true,
  list: true,
  ranges: true,
  conditionalPut: true,
  conditionalReplace: true,
  keys: 'any',
} as const)

/** See {@link DiskCache}. */
export class OpenedDiskCache implements DiskCache {
  readonly name: string
  readonly failureDomain: string
  readonly supports = supports
  readonly #parts: OpenedParts
  readonly #entries = new Entries()
  readonly #owner = createOwner({ name: 'disk cache' })
  readonly #arrivals: Arrivals
  readonly #removals: Removals
  readonly #values: Values
  readonly #evictions: Evictions
  readonly #reads: Reads
  readonly #changes: Changes
  readonly #calls: Calls
  #closing: Promise<void> | undefined

  constructor(parts: OpenedParts) {
    const { name, records, now, maxEntries, evictedPacks } = parts
    this.name = name
    this.failureDomain = parts.failureDomain
    this.#parts = parts
    const entries = this.#entries
    const owner = this.#owner
    const locks = createKeyedLock<string>({ name: 'keys of a disk cache' })
    const arrivals = createArrivals({ maxBytes: parts.maxArrivingBytes })
    const removals = new Removals({ records, locks, entries, owner })
    const values = new Values({ name, entries, records, locks, removals, owner, now, maxEntries })
    const look = async (entry: Entry): Promise<void> => {
      if (!(await records.hasAll(entry))) values.lose(entry)
    }
    const evictions = new Evictions({ evictedPacks, entries, look, owner })
    this.#arrivals = arrivals
    this.#removals = removals
    this.#values = values
    this.#evictions = evictions
    this.#reads = new Reads(values)
    this.#changes = new Changes({ ...parts, entries, locks, arrivals, removals, values, evictions })
    this.#calls = new Calls(name)
  }

  /** Finds out what is there. Called once, before all else. */
  async recover(): Promise<void> {
    const { leftovers, incomplete, unreadable } = await recover(this.#parts.records, this.#entries)
    this.#values.counts.evicted += incomplete
    for (const key of unreadable) this.#removals.doubt(key)
    for (const leftover of leftovers) this.#removals.laterLeftover(leftover)
    this.#values.expire()
    for (const entry of this.#values.overflow()) this.#removals.later(entry)
  }

  async put(key: string, body: Body, options: DiskCachePutOptions = {}): Promise<ObjectStat> {
    const signal = this.#calls.enter(options)
    checkKey(key)
    const checked = checkPut(options, supports)
    const { ttlMs = this.#parts.ttlMs } = options
    checkTtl(ttlMs)
    const mediaType = checkMediaType(options.mediaType)
    const metadata = checkMetadata(options.metadata)
    const known = { ...checked, ttlMs, mediaType, metadata }
    return this.#calls.change(() => this.#changes.put(key, body, known, signal))
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const signal = this.#calls.enter(options)
    checkKey(key)
    const wanted = checkGet(options)
    return told(() => this.#reads.body(key, wanted, signal))
  }

  async getBytes(key: string, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const signal = this.#calls.enter(options)
    checkKey(key)
    return told(() => this.#reads.whole(key, signal))
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    const signal = this.#calls.enter(options)
    checkKey(key)
    const entry = await told(() => this.#values.present(key, { signal }))
    return entry?.stat
  }

  async entry(key: string, options: CallOptions = {}): Promise<DiskCacheEntry | undefined> {
    const signal = this.#calls.enter(options)
    checkKey(key)
    return told(async () => {
      const pinned = await this.#values.pin(key, { signal })
      if (pinned === undefined) return undefined
      const { entry, head } = pinned
      this.#values.unpin(entry)
      const { size, mediaType, metadata, storedAt, expiresAt } = head
      return Object.freeze({
        key,
        size,
        mediaType: mediaType === '' ? undefined : mediaType,
        metadata: Object.freeze(JSON.parse(metadata === '' ? '{}' : metadata) as Record<string, string>),
        storedAt,
        expiresAt,
      })
    })
  }

  async touch(key: string, options: TouchOptions = {}): Promise<boolean> {
    const signal = this.#calls.enter(options)
    checkKey(key)
    const { ttlMs = this.#parts.ttlMs } = options
    checkTtl(ttlMs)
    return this.#calls.change(() => this.#changes.touch(key, ttlMs, signal))
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    const signal = this.#calls.enter(options)
    checkKey(key)
    await this.#calls.change(() => this.#changes.delete(key, signal))
  }

  async clear(options: ClearOptions = {}): Promise<number> {
    const signal = this.#calls.enter(options)
    const { prefix = '' } = options
    if (prefix !== '') checkKey(prefix)
    return this.#calls.change(() => this.#changes.clear(prefix, signal))
  }

  async list(options: ListOptions = {}): Promise<ListPage> {
    const signal = this.#calls.enter(options)
    const { prefix, limit } = checkList(options)
    const { cursor } = options
    const after = cursor === undefined ? undefined : keyOfCursor(cursor, prefix)
    return told(async () => {
      const { keys, more } = this.#entries.page(prefix, after, limit)
      const entries: ObjectStat[] = []
      for (const key of keys) {
        const entry = await this.#values.present(key, { signal })
        if (entry !== undefined) entries.push(entry.stat)
      }
      const last = keys.at(-1)
      return more && last !== undefined ? { entries, cursor: cursorOf(last) } : { entries }
    })
  }

  async probe(options: CallOptions = {}): Promise<ProbeReport> {
    return probeCache(this, options)
  }

  stats(): DiskCacheStats {
    if (!this.#calls.areOver) {
      this.#values.expire()
      this.#evictions.sweep()
    }
    return Object.freeze({
      name: this.name,
      entries: this.#entries.size,
      maxEntries: this.#parts.maxEntries,
      bytes: this.#entries.bytes,
      hits: this.#reads.hits,
      misses: this.#reads.misses,
      puts: this.#changes.puts,
      ...this.#values.counts,
      leftovers: this.#removals.failed,
      readers: this.#reads.readers,
      arrivingBytes: this.#arrivals.bytes,
      byMediaType: this.#entries.byMediaType(),
      byAge: tallyAges(this.#entries.values(), this.#parts.now()),
    })
  }

  close(): Promise<void> {
    return (this.#closing ??= shield(() => this.#close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#calls.end()
    await this.#owner.close()
    await this.#parts.resources.disposeAsync()
  }
}
