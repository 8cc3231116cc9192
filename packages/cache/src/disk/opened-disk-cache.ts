/** An open disk cache. */
import { createKeyedLock, createOwner, shield } from '@ipfs-kit/concurrency'
import {
  type Body,
  type CallOptions,
  checkKey,
  type GetOptions,
  type ListOptions,
  type ListPage,
  type ObjectStat,
  type ProbeReport,
  probeByRoundTrip,
  StorageError,
  type StoredObject,
  takeIn,
} from '@ipfs-kit/storage'
import { Arriving } from './arriving.ts'
import { checkCount, checkMediaType, checkMetadata, checkTtl, cursorOf, keyOfCursor } from './check-call.ts'
import type {
  ClearOptions,
  DiskCache,
  DiskCacheEntry,
  DiskCachePutOptions,
  DiskCacheStats,
  TouchOptions,
} from './disk-cache.ts'
import { Entries, Entry } from './entries.ts'
import { Evictions } from './evictions.ts'
import type { Head } from './head.ts'
import { recover } from './recover.ts'
import type { Records } from './records.ts'
import { Removals } from './removals.ts'
import { spread } from './spread.ts'
import { tallyAges } from './tallies.ts'
import { told } from './told.ts'
import { readValue } from './value-reader.ts'
import { ValueWriter } from './value-writer.ts'
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

/** What a put says of its value. */
interface Known extends Pick<Head, 'mediaType' | 'metadata'> {
  readonly size: number | undefined
  readonly ttlMs: number
  readonly ifAbsent: boolean
}

const supports = Object.freeze({
  write: true,
  delete: true,
  list: true,
  ranges: true,
  conditionalPut: true,
  keys: 'any',
} as const)

const maxPageEntries = 1000
/** Values that `clear` deletes at once. */
const deletionsAtOnce = 32

/** See {@link DiskCache}. */
export class OpenedDiskCache implements DiskCache {
  readonly name: string
  readonly failureDomain: string
  readonly supports = supports
  readonly #parts: OpenedParts
  readonly #records: Records
  readonly #entries = new Entries()
  readonly #locks = createKeyedLock<string>({ name: 'keys of a disk cache' })
  readonly #owner = createOwner({ name: 'disk cache' })
  readonly #removals: Removals
  readonly #values: Values
  readonly #evictions: Evictions
  readonly #arriving: Arriving
  readonly #aborting = new AbortController()
  /** Calls that change something. */
  readonly #changes = new Set<Promise<unknown>>()
  readonly #counts = { hits: 0, misses: 0, puts: 0 }
  #readers = 0
  #closing: Promise<void> | undefined

  constructor(parts: OpenedParts) {
    const { name, records, now, maxEntries, evictedPacks } = parts
    this.name = name
    this.failureDomain = parts.failureDomain
    this.#parts = parts
    this.#records = records
    this.#arriving = new Arriving(parts.maxArrivingBytes)
    const entries = this.#entries
    const locks = this.#locks
    const owner = this.#owner
    this.#removals = new Removals({ records, locks, entries, owner })
    const removals = this.#removals
    this.#values = new Values({ name, entries, records, locks, removals, now, maxEntries })
    const look = async (entry: Entry): Promise<void> => {
      if (!(await records.hasAll(entry))) this.#values.lose(entry)
    }
    this.#evictions = new Evictions({ evictedPacks, entries, look, owner })
  }

  /** Finds out what is there. Called once, before all else. */
  async recover(): Promise<void> {
    const { leftovers, incomplete } = await recover(this.#records, this.#entries)
    this.#values.counts.evicted += incomplete
    for (const leftover of leftovers) this.#removals.laterLeftover(leftover)
    this.#values.expire()
    for (const entry of this.#values.overflow()) this.#removals.later(entry)
  }

  async put(key: string, body: Body, options: DiskCachePutOptions = {}): Promise<ObjectStat> {
    const signal = this.#enter(options)
    checkKey(key)
    const { size, ttlMs = this.#parts.ttlMs, ifAbsent = false } = options
    if (size !== undefined) checkCount('size', size)
    checkTtl(ttlMs)
    const mediaType = checkMediaType(options.mediaType)
    const metadata = checkMetadata(options.metadata)
    this.#checkAbsent(key, ifAbsent)
    return this.#changing(() => this.#put(key, body, { size, ttlMs, ifAbsent, mediaType, metadata }, signal))
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const signal = this.#enter(options)
    checkKey(key)
    const { offset = 0, length = Number.MAX_SAFE_INTEGER } = options
    checkCount('offset', offset)
    checkCount('length', length)
    return told(() => this.#get(key, offset, length, signal))
  }

  async getBytes(key: string, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const signal = this.#enter(options)
    checkKey(key)
    return told(async () => {
      for (;;) {
        const pinned = await this.#values.pin(key, { signal })
        if (pinned === undefined) return this.#missed()
        try {
          const bytes = await this.#values.whole(pinned, { signal })
          if (bytes === undefined) continue
          this.#given(pinned.entry)
          return bytes
        } finally {
          this.#values.unpin(pinned.entry)
        }
      }
    })
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    const signal = this.#enter(options)
    checkKey(key)
    const entry = await told(() => this.#values.present(key, { signal }))
    return entry === undefined ? undefined : { key, size: entry.size }
  }

  async entry(key: string, options: CallOptions = {}): Promise<DiskCacheEntry | undefined> {
    const signal = this.#enter(options)
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
    const signal = this.#enter(options)
    checkKey(key)
    const { ttlMs = this.#parts.ttlMs } = options
    checkTtl(ttlMs)
    return this.#changing(() => this.#touch(key, ttlMs, signal))
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    const signal = this.#enter(options)
    checkKey(key)
    await this.#changing(() => this.#delete(key, Number.POSITIVE_INFINITY, signal))
  }

  async clear(options: ClearOptions = {}): Promise<number> {
    const signal = this.#enter(options)
    const { prefix = '' } = options
    if (prefix !== '') checkKey(prefix)
    return this.#changing(() => this.#clear(prefix, signal))
  }

  async list(options: ListOptions = {}): Promise<ListPage> {
    const signal = this.#enter(options)
    const { prefix = '', limit = maxPageEntries, cursor } = options
    checkCount('limit', limit)
    if (limit < 1 || limit > maxPageEntries) {
      throw new RangeError(`limit is a whole number from 1 to ${maxPageEntries}, not ${limit}`)
    }
    if (prefix !== '') checkKey(prefix)
    const after = cursor === undefined ? undefined : keyOfCursor(cursor, prefix)
    return told(async () => {
      const { keys, more } = this.#entries.page(prefix, after, limit)
      const entries: ObjectStat[] = []
      for (const key of keys) {
        const entry = await this.#values.present(key, { signal })
        if (entry !== undefined) entries.push({ key, size: entry.size })
      }
      const last = keys.at(-1)
      return more && last !== undefined ? { entries, cursor: cursorOf(last) } : { entries }
    })
  }

  async probe(options: CallOptions = {}): Promise<ProbeReport> {
    return probeByRoundTrip(this, options)
  }

  stats(): DiskCacheStats {
    if (this.#closing === undefined) {
      this.#values.expire()
      this.#evictions.sweep()
    }
    return Object.freeze({
      name: this.name,
      entries: this.#entries.size,
      maxEntries: this.#parts.maxEntries,
      bytes: this.#entries.bytes,
      ...this.#counts,
      ...this.#values.counts,
      leftovers: this.#removals.failed,
      readers: this.#readers,
      arrivingBytes: this.#arriving.bytes,
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
    this.#aborting.abort(closed(this.name))
    // waits: each call tells its own caller how it went.
    await Promise.allSettled(this.#changes)
    await this.#owner.close()
    await this.#parts.resources.disposeAsync()
  }

  /** Begins a call. Gives what ends it: the caller's signal, or that of the closing. */
  #enter({ signal }: CallOptions): AbortSignal {
    if (this.#closing !== undefined) throw closed(this.name)
    signal?.throwIfAborted()
    return signal === undefined ? this.#aborting.signal : AbortSignal.any([signal, this.#aborting.signal])
  }

  /** Runs a call that closing waits for. */
  async #changing<T>(call: () => Promise<T>): Promise<T> {
    const change = told(call)
    this.#changes.add(change)
    try {
      return await change
    } finally {
      this.#changes.delete(change)
    }
  }

  async #put(key: string, body: Body, known: Known, signal: AbortSignal): Promise<ObjectStat> {
    const { partBytes, maxValueBytes, nextGeneration } = this.#parts
    const records = this.#records
    const generation = nextGeneration()
    const { size, ttlMs, ifAbsent, mediaType, metadata } = known
    const arriving = this.#arriving
    using writer = new ValueWriter({ records, generation, partBytes, maxValueBytes, size, arriving, signal })
    let gone: readonly Entry[]
    try {
      await takeIn(body, signal, (chunk) => writer.take(chunk))
      const value = await writer.end()
      using _turn = await this.#locks.acquire(key, { signal })
      if (!(await records.hasParts(generation, writer.parts, { signal }))) {
        throw new StorageError('STORAGE_FULL', 'A part of the value was evicted while the rest arrived')
      }
      this.#checkAbsent(key, ifAbsent)
      const storedAt = this.#parts.now()
      const head: Head = {
        generation,
        size: writer.size,
        partBytes: value === undefined ? partBytes : 0,
        storedAt,
        expiresAt: storedAt + ttlMs,
        mediaType,
        metadata,
      }
      // From here on the key has it, whoever stops waiting.
      await shield(() => records.putHead(key, head, value))
      gone = this.#values.replace(new Entry(key, head), mediaType)
    } catch (error) {
      await shield(() => this.#removals.abandon(generation, writer.parts))
      throw error
    }
    this.#counts.puts += 1
    this.#evictions.wrote(writer.size)
    await shield(() => this.#removeAll(gone))
    return { key, size: writer.size }
  }

  async #get(
    key: string,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<StoredObject | undefined> {
    for (;;) {
      const pinned = await this.#values.pin(key, { signal })
      if (pinned === undefined) return this.#missed()
      const { entry } = pinned
      const { size } = entry
      let isGiven = false
      try {
        if (offset > 0 && offset >= size) {
          throw new StorageError('STORAGE_RANGE', `Offset ${offset} is not below the size of ${size} bytes`)
        }
        const to = offset + Math.min(length, size - offset)
        const partBytes = entry.partBytes === 0 ? Math.max(1, size) : entry.partBytes
        const first = await this.#values.part(pinned, Math.floor(offset / partBytes), { signal })
        if (first === undefined) continue
        isGiven = true
        this.#readers += 1
        this.#given(entry)
        const body = readValue({
          from: offset,
          to,
          partBytes,
          first,
          read: (part) => told(() => this.#values.part(pinned, part, { signal })),
          signal,
          release: () => {
            this.#readers -= 1
            this.#values.unpin(entry)
          },
        })
        return { key, size, offset, length: to - offset, body }
      } finally {
        if (!isGiven) this.#values.unpin(entry)
      }
    }
  }

  async #touch(key: string, ttlMs: number, signal: AbortSignal): Promise<boolean> {
    using _turn = await this.#locks.acquire(key, { signal })
    const entry = this.#values.live(key)
    if (entry === undefined) return false
    const head = await this.#records.head(key, { signal })
    const isWhole = await this.#records.hasParts(entry.generation, entry.parts, { signal })
    if (head?.generation !== entry.generation || !isWhole) this.#values.lose(entry)
    // It may have expired meanwhile as well.
    if (head === undefined || this.#values.live(key) !== entry) return false
    const expiresAt = this.#parts.now() + ttlMs
    await shield(() => this.#records.putHead(key, { ...head, expiresAt }, head.value))
    if (entry.isCurrent) this.#entries.retime(entry, expiresAt)
    this.#values.use(entry)
    return true
  }

  /** Deletes what a key has unless it is newer. What is begun is done: the key has its value, or none. */
  async #delete(key: string, newest: number, signal: AbortSignal): Promise<boolean> {
    if (this.#values.live(key) === undefined) return false
    return this.#values.delete(key, newest, { signal })
  }

  async #clear(prefix: string, signal: AbortSignal): Promise<number> {
    const newest = this.#entries.lastNumber
    let removed = 0
    const remove = async (key: string): Promise<void> => {
      if (await this.#delete(key, newest, signal)) removed += 1
    }
    for (let after: string | undefined; ;) {
      const { keys, more } = this.#entries.page(prefix, after, maxPageEntries)
      await spread(keys, deletionsAtOnce, remove, { signal })
      after = keys.at(-1)
      if (!more) return removed
    }
  }

  async #removeAll(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) await this.#removals.remove(entry)
  }

  #given(entry: Entry): void {
    this.#counts.hits += 1
    this.#values.use(entry)
  }

  #missed(): undefined {
    this.#counts.misses += 1
  }

  #checkAbsent(key: string, ifAbsent: boolean): void {
    if (ifAbsent && this.#values.live(key) !== undefined) {
      throw new StorageError('STORAGE_EXISTS', `The key ${JSON.stringify(key)} has a value already`)
    }
  }
}

function closed(name: string): StorageError {
  return new StorageError('STORAGE_CLOSED', `The disk cache ${JSON.stringify(name)} is closed`)
}
