/** What changes the values of a disk cache: put, touch, delete and clear. */
import { shield, type KeyedLock } from '@ipfs-kit/concurrency'
import {
  type Arrivals,
  type Body,
  checkCondition,
  type CheckedPut,
  type ObjectStat,
  StorageError,
  takeIn,
} from '@ipfs-kit/storage'
import { type Entries, Entry } from './entries.ts'
import type { Evictions } from './evictions.ts'
import type { Head } from './head.ts'
import type { Records } from './records.ts'
import type { Removals } from './removals.ts'
import { spread } from './spread.ts'
import { ValueWriter } from './value-writer.ts'
import type { Values } from './values.ts'

/** What {@link Changes} are made of. */
export interface ChangesOptions {
  readonly records: Records
  readonly entries: Entries
  readonly locks: KeyedLock<string>
  readonly values: Values
  readonly removals: Removals
  readonly evictions: Evictions
  readonly arrivals: Arrivals
  readonly now: () => number
  readonly partBytes: number
  readonly maxValueBytes: number
  /** Names values: another text each time, also in another process. */
  readonly nextGeneration: () => string
}

/** What a put says of its value. */
export interface Known extends CheckedPut, Pick<Head, 'mediaType' | 'metadata'> {
  readonly ttlMs: number
}

/** Keys that `clear` looks at in one go, and values that it deletes at once. */
const keysOfPage = 1000
const deletionsAtOnce = 32

export class Changes {
  readonly #options: ChangesOptions
  puts = 0

  constructor(options: ChangesOptions) {
    this.#options = options
  }

  async put(key: string, body: Body, known: Known, signal: AbortSignal): Promise<ObjectStat> {
    const { records, locks, values, removals, evictions, arrivals, now } = this.#options
    const { partBytes, maxValueBytes, nextGeneration } = this.#options
    const { size, ttlMs, mediaType, metadata } = known
    checkCondition(key, known, values.live(key)?.stat)
    const generation = nextGeneration()
    using writer = new ValueWriter({ records, generation, partBytes, maxValueBytes, size, arrivals, signal })
    let gone: readonly Entry[]
    let entry: Entry
    try {
      await takeIn(body, signal, (chunk) => writer.take(chunk), size)
      const value = await writer.end()
      using _turn = await locks.acquire(key, { signal })
      if (!(await records.hasParts(generation, writer.parts, { signal }))) {
        throw new StorageError('STORAGE_FULL', 'A part of the value was evicted while the rest arrived')
      }
      checkCondition(key, known, values.live(key)?.stat)
      const storedAt = now()
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
      await values.putHead(key, head, value)
      entry = new Entry(key, head)
      gone = values.replace(entry, mediaType)
    } catch (error) {
      await shield(() => removals.abandon(generation, writer.parts))
      throw error
    }
    this.puts += 1
    evictions.wrote(writer.size)
    await shield(() => this.#removeAll(gone))
    return entry.stat
  }

  /** Gives a value another time. Whether there is one. */
  async touch(key: string, ttlMs: number, signal: AbortSignal): Promise<boolean> {
    const { records, entries, locks, values, now } = this.#options
    using _turn = await locks.acquire(key, { signal })
    const entry = values.live(key)
    if (entry === undefined) return false
    const head = await records.head(key, { signal })
    const isWhole = await records.hasParts(entry.generation, entry.parts, { signal })
    if (head?.generation !== entry.generation || !isWhole) values.lose(entry)
    // It may have expired meanwhile as well.
    if (head === undefined || values.live(key) !== entry) return false
    const expiresAt = now() + ttlMs
    const former = entry.expiresAt
    // At once: its time could be over before the new one is written.
    entries.retime(entry, expiresAt)
    try {
      await values.putHead(key, { ...head, expiresAt }, head.value)
    } catch (error) {
      if (entry.isCurrent) entries.retime(entry, former)
      throw error
    }
    values.use(entry)
    return true
  }

  /** Deletes what a key has. What is begun is done: the key has its value, or none. Whether there was one. */
  delete(key: string, signal: AbortSignal): Promise<boolean> {
    return this.#options.values.delete(key, Number.POSITIVE_INFINITY, { signal })
  }

  /** Deletes what keys with a prefix have by now, and would have again with the next opening. How many had a value. */
  async clear(prefix: string, signal: AbortSignal): Promise<number> {
    const { entries, removals, values } = this.#options
    const newest = entries.lastNumber
    let removed = 0
    const remove = async (key: string): Promise<void> => {
      if (await values.delete(key, newest, { signal })) removed += 1
    }
    for (let after: string | undefined; ;) {
      const { keys, more } = entries.page(prefix, after, keysOfPage)
      await spread(keys, deletionsAtOnce, remove, { signal })
      after = keys.at(-1)
      if (!more) break
    }
    const left = [...removals.keys].filter((key) => key.startsWith(prefix))
    await spread(left, deletionsAtOnce, remove, { signal })
    return removed
  }

  async #removeAll(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) await this.#options.removals.remove(entry)
  }
}
