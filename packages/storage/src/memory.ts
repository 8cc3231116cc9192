/** The backend in memory: bounded, exact about what it holds, gone with the process. */
import { randomUUID } from 'node:crypto'
import type {
  Body,
  CallOptions,
  GetOptions,
  ListOptions,
  ListPage,
  ObjectStat,
  ProbeReport,
  PutOptions,
  StorageBackend,
  StoredObject,
  Supports,
} from './backend.ts'
import { checkCondition, checkCount, checkGet, checkList, checkPut } from './call.ts'
import type { CheckedPut } from './call.ts'
import { cursorOf, keyOfCursor } from './cursor.ts'
import { StorageError } from './errors.ts'
import { takeIn } from './intake.ts'
import { checkKey } from './key.ts'
import { Pages } from './pages.ts'
import { probeByRoundTrip } from './probe.ts'
import { Quota } from './quota.ts'
import { windowOf } from './range.ts'
import { createReader } from './reader.ts'
import type { Version } from './reader.ts'
import { SortedKeys } from './sorted.ts'

/** Options of {@link createMemoryBackend}. */
export interface MemoryBackendOptions {
  /** How people call it. Default `memory`. */
  readonly name?: string
  /** Default `process:<pid>`: everything in the memory of one process is lost together. */
  readonly failureDomain?: string
  /**
   * Bytes that it may hold: of keys and values stored, arriving, and replaced or deleted but still being read.
   * Replacing a value takes room for both until the new one is complete.
   */
  readonly maxBytes: number
  /** Keys that it may have, with those that are arriving. Default 100,000. */
  readonly maxEntries?: number
}

/** A snapshot of what a memory backend holds. */
export interface MemoryStats {
  /** Keys that have a value. */
  readonly entries: number
  readonly maxEntries: number
  /** Bytes taken of `maxBytes`. */
  readonly bytes: number
  readonly maxBytes: number
  /** Puts that are running. */
  readonly puts: number
  /** Bodies that have been given out and are not read to their end. */
  readonly readers: number
}

/** A storage backend in memory. */
export interface MemoryBackend extends StorageBackend {
  readonly supports: typeof supports
  /** Counts of this moment, frozen. */
  stats(): MemoryStats
}

const supports = Object.freeze({
  write: true,
  delete: true,
  list: true,
  ranges: true,
  conditionalPut: true,
  conditionalReplace: true,
  keys: 'any',
} as const satisfies Supports)

/**
 * Makes an empty backend in memory.
 *
 * @throws TypeError for an option that is unknown or of the wrong type
 * @throws RangeError for a limit that is not a whole number, 0 or more
 */
export function createMemoryBackend(options: MemoryBackendOptions): MemoryBackend {
  const known = ['name', 'failureDomain', 'maxBytes', 'maxEntries']
  const unknown = Object.keys(options ?? {}).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    throw new TypeError(`A memory backend has no option ${unknown}; it has ${known.join(', ')}`)
  }
  const { name = 'memory', failureDomain = `process:${process.pid}`, maxEntries = 100_000 } = options ?? {}
  for (const [key, value] of Object.entries({ name, failureDomain })) {
    if (typeof value !== 'string' || value === '') throw new TypeError(`${key} is a text that is not empty`)
  }
  if (options?.maxBytes === undefined)
    throw new TypeError('A memory backend needs maxBytes, the bytes it may hold')
  checkCount('maxBytes', options.maxBytes)
  checkCount('maxEntries', maxEntries)
  return new InMemory(name, failureDomain, new Quota(options.maxBytes, maxEntries))
}

class InMemory implements MemoryBackend {
  readonly name: string
  readonly failureDomain: string
  readonly supports = supports
  readonly #quota: Quota
  readonly #versions = new Map<string, Version>()
  readonly #keys = new SortedKeys()
  readonly #closing = new AbortController()
  readonly #puts = new Set<Promise<ObjectStat>>()
  /** Values of another backend with the same name are told apart as well. */
  readonly #origin = randomUUID()
  #versionsMade = 0
  #readers = 0

  constructor(name: string, failureDomain: string, quota: Quota) {
    this.name = name
    this.failureDomain = failureDomain
    this.#quota = quota
  }

  async put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectStat> {
    this.#enter(options)
    const signal = this.#signalOf(options)
    checkKey(key)
    const checked = checkPut(options, supports)
    checkCondition(key, checked, this.#statOf(key))
    const putting = this.#store(key, body, checked, signal)
    this.#puts.add(putting)
    try {
      return await putting
    } finally {
      this.#puts.delete(putting)
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    this.#enter(options)
    checkKey(key)
    const wanted = checkGet(options)
    const version = this.#versions.get(key)
    if (version === undefined) return undefined
    const { from, to } = windowOf(wanted, version.pages.size)
    version.readers++
    this.#readers++
    const body = createReader(version.pages, from, to, this.#signalOf(options), () => {
      version.readers--
      this.#readers--
      this.#freeIfUnused(version)
    })
    return { ...version.stat!, offset: from, length: to - from, body }
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    this.#enter(options)
    checkKey(key)
    return this.#statOf(key)
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    this.#enter(options)
    checkKey(key)
    const version = this.#versions.get(key)
    if (version === undefined) return
    this.#versions.delete(key)
    this.#keys.remove(key)
    this.#quota.entries--
    this.#retire(version)
  }

  async list(options: ListOptions = {}): Promise<ListPage> {
    this.#enter(options)
    const { prefix, limit } = checkList(options)
    const { cursor } = options
    const after = cursor === undefined ? undefined : keyOfCursor(cursor, prefix)
    const { keys, more } = this.#keys.page(prefix, after, limit)
    const entries = keys.map((key) => this.#statOf(key)!)
    const last = keys.at(-1)
    return more && last !== undefined ? { entries, cursor: cursorOf(last) } : { entries }
  }

  async probe(options: CallOptions = {}): Promise<ProbeReport> {
    return probeByRoundTrip(this, options)
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(closed(this.name))
      for (const version of this.#versions.values()) this.#retire(version)
      this.#quota.entries -= this.#versions.size
      this.#versions.clear()
      this.#keys.clear()
    }
    // waits: each put tells its own caller how it went.
    await Promise.allSettled(this.#puts)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  stats(): MemoryStats {
    return Object.freeze({
      entries: this.#versions.size,
      maxEntries: this.#quota.maxEntries,
      bytes: this.#quota.bytes,
      maxBytes: this.#quota.maxBytes,
      puts: this.#puts.size,
      readers: this.#readers,
    })
  }

  /** Begins a call, or refuses it when it is too late. */
  #enter({ signal }: CallOptions): void {
    if (this.#closing.signal.aborted) throw closed(this.name)
    signal?.throwIfAborted()
  }

  /** The signal that ends a call which waits: the caller's or that of the closing. */
  #signalOf({ signal }: CallOptions): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }

  #statOf(key: string): ObjectStat | undefined {
    const stat = this.#versions.get(key)?.stat
    return stat && { ...stat }
  }

  async #store(key: string, body: Body, checked: CheckedPut, signal: AbortSignal): Promise<ObjectStat> {
    const { size } = checked
    const version: Version = {
      pages: new Pages(),
      stat: undefined,
      takenBytes: 0,
      readers: 0,
      retired: false,
    }
    const take = (bytes: number): void => {
      this.#quota.takeBytes(bytes)
      version.takenBytes += bytes
    }
    let hasEntry = false
    const takeEntry = (): void => {
      this.#quota.takeEntry()
      hasEntry = true
    }
    try {
      if (!this.#versions.has(key)) takeEntry()
      take(Buffer.byteLength(key) + (size ?? 0))
      const append = (chunk: Uint8Array): void => {
        if (size === undefined) take(chunk.byteLength)
        version.pages.append(chunk)
      }
      await takeIn(body, signal, append, size)
      checkCondition(key, checked, this.#statOf(key))
      // Another put or delete of the same key may have come first.
      const former = this.#versions.get(key)
      if (former === undefined && !hasEntry) takeEntry()
      version.pages.seal()
      version.stat = {
        key,
        size: version.pages.size,
        version: `${this.#origin}.${(this.#versionsMade += 1)}`,
        modifiedMs: Date.now(),
        sha256: undefined,
      }
      this.#versions.set(key, version)
      if (former === undefined) {
        this.#keys.add(key)
        hasEntry = false
      } else {
        this.#retire(former)
      }
      return { ...version.stat }
    } catch (error) {
      this.#retire(version)
      throw error
    } finally {
      if (hasEntry) this.#quota.entries--
    }
  }

  #retire(version: Version): void {
    version.retired = true
    this.#freeIfUnused(version)
  }

  #freeIfUnused(version: Version): void {
    if (!version.retired || version.readers > 0) return
    this.#quota.bytes -= version.takenBytes
    version.takenBytes = 0
  }
}

function closed(name: string): StorageError {
  return new StorageError('STORAGE_CLOSED', `The backend ${JSON.stringify(name)} is closed`)
}
