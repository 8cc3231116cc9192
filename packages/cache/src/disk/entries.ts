/** What a disk cache has, in memory: which keys, in which order, which was used last, which expires first. */
import type { ObjectStat } from '@ipfs-kit/storage'
import { Expiries } from './expiries.ts'
import type { Head } from './head.ts'
import { SortedKeys } from './sorted-keys.ts'
import { TypeTallies } from './tallies.ts'

/** One value of a key; the next put of the key makes another one. */
export class Entry {
  readonly key: string
  readonly generation: string
  readonly size: number
  readonly partBytes: number
  readonly storedAt: number
  /** Changed by `Entries` alone, as all that follows but `readers`. */
  expiresAt: number
  /** Whether it is the value of its key. */
  isCurrent = false
  /** Counts the values since opening: which is newer. */
  number = 0
  /** Under which it is counted. */
  typeName = ''
  /** Those that were used just before and just after it. */
  before: Entry | undefined
  after: Entry | undefined
  /** Who needs its parts although it may be gone. */
  readers = 0

  constructor(key: string, head: Head) {
    this.key = key
    this.generation = head.generation
    this.size = head.size
    this.partBytes = head.partBytes
    this.storedAt = head.storedAt
    this.expiresAt = head.expiresAt
  }

  /** What is told of it. */
  get stat(): ObjectStat {
    const { key, size, generation, storedAt } = this
    return { key, size, version: generation, modifiedMs: storedAt, sha256: undefined }
  }

  /** Parts that it has besides its head. */
  get parts(): number {
    return this.partBytes === 0 ? 0 : Math.ceil(this.size / this.partBytes)
  }
}

/** The entries of a cache. */
export class Entries {
  /** In the order in which they were put. */
  readonly #map = new Map<string, Entry>()
  readonly #keys = new SortedKeys()
  readonly #expiries = new Expiries<Entry>()
  readonly #types = new TypeTallies()
  /** The one that was not used for longest, and the one that was used last. */
  #first: Entry | undefined
  #last: Entry | undefined
  bytes = 0
  /** That of the newest value. */
  lastNumber = 0

  get size(): number {
    return this.#map.size
  }

  get(key: string): Entry | undefined {
    return this.#map.get(key)
  }

  /** In the order in which they were put. */
  values(): IterableIterator<Entry> {
    return this.#map.values()
  }

  /** Lets keys have values, of which none has one. */
  fill(found: readonly { readonly entry: Entry; readonly mediaType: string }[]): void {
    this.#keys.fill(found.map(({ entry }) => entry.key))
    for (const { entry, mediaType } of found) this.#enter(entry, mediaType)
  }

  /** Lets a key have a value. Gives the one that it had. */
  set(entry: Entry, mediaType: string): Entry | undefined {
    const former = this.#map.get(entry.key)
    if (former === undefined) this.#keys.add(entry.key)
    else {
      this.#leave(former)
      this.#map.delete(entry.key)
    }
    this.#enter(entry, mediaType)
    return former
  }

  /** Whether it was the value of its key, which has none now. */
  remove(entry: Entry): boolean {
    if (!entry.isCurrent) return false
    this.#map.delete(entry.key)
    this.#keys.remove(entry.key)
    this.#leave(entry)
    return true
  }

  /** Gives a current entry another time. */
  retime(entry: Entry, expiresAt: number): void {
    entry.expiresAt = expiresAt
    this.#expiries.add(entry, this.#map.size)
  }

  /** Notes that a current entry was used. */
  use(entry: Entry): void {
    if (entry === this.#last) return
    this.#unlink(entry)
    this.#link(entry)
  }

  /** Removes the one that was not used for longest. */
  takeLeastUsed(): Entry | undefined {
    const entry = this.#first
    if (entry !== undefined) this.remove(entry)
    return entry
  }

  /** Removes one that has expired. */
  takeExpired(now: number): Entry | undefined {
    const entry = this.#expiries.take(now)
    if (entry !== undefined) this.remove(entry)
    return entry
  }

  /** Keys in their order. */
  page(prefix: string, after: string | undefined, limit: number): { keys: string[]; more: boolean } {
    return this.#keys.page(prefix, after, limit)
  }

  byMediaType(): ReturnType<TypeTallies['look']> {
    return this.#types.look()
  }

  #enter(entry: Entry, mediaType: string): void {
    this.#map.set(entry.key, entry)
    entry.isCurrent = true
    entry.number = this.lastNumber += 1
    entry.typeName = this.#types.add(mediaType, entry.size)
    this.bytes += entry.size
    this.#link(entry)
    this.#expiries.add(entry, this.#map.size)
  }

  #leave(entry: Entry): void {
    entry.isCurrent = false
    this.#types.remove(entry.typeName, entry.size)
    this.bytes -= entry.size
    this.#unlink(entry)
  }

  #link(entry: Entry): void {
    entry.before = this.#last
    entry.after = undefined
    if (this.#last === undefined) this.#first = entry
    else this.#last.after = entry
    this.#last = entry
  }

  #unlink(entry: Entry): void {
    const { before, after } = entry
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    entry.before = undefined
    entry.after = undefined
  }
}
