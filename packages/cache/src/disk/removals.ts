/** Removes the records of values that have left. */
import { BlocksError } from '@ipfs-kit/blocks'
import type { KeyedLock, Owner } from '@ipfs-kit/concurrency'
import type { Entries, Entry } from './entries.ts'
import type { Records } from './records.ts'
import { spread } from './spread.ts'

/** Records that nothing leads to. */
export interface Leftover {
  /** Whose head goes, if the key has no value. */
  readonly key?: string
  readonly generation: string
  readonly parts: Iterable<number>
}

/** Values that are worked on at once. */
const atOnce = 16
/** Values that wait before their records are all gone over. */
const sliceOfQueue = 1024

/** The removals of a cache. */
export class Removals {
  readonly #records: Records
  readonly #locks: KeyedLock<string>
  readonly #entries: Entries
  readonly #owner: Owner
  readonly #queue: (() => Promise<void>)[] = []
  /** Keys that may have heads without having a value; true: the disk may have one that the store does not know. */
  readonly #heads = new Map<string, boolean>()
  #isRunning = false
  #failed = 0

  constructor(parts: {
    readonly records: Records
    readonly locks: KeyedLock<string>
    readonly entries: Entries
    readonly owner: Owner
  }) {
    this.#records = parts.records
    this.#locks = parts.locks
    this.#entries = parts.entries
    this.#owner = parts.owner
  }

  /** Values whose records could not all be removed. */
  get failed(): number {
    return this.#failed
  }

  /** Keys that may have heads without having a value: they have one again when the cache is opened. */
  get keys(): Iterable<string> {
    return this.#heads.keys()
  }

  /** The disk may have a head of a key that the store does not know: it cannot be read now, or was not to be written. */
  doubt(key: string): void {
    this.#heads.set(key, true)
  }

  /** A key has a value again, and its head is that of it. */
  replaced(key: string): void {
    this.#heads.delete(key)
  }

  /** Deletes the head of a key that has no value. For who has the turn of the key. @throws BlocksError */
  async head(key: string): Promise<void> {
    const hasFailed = this.#heads.get(key) === true
    try {
      await (hasFailed ? this.#records.eraseHead(key) : this.#records.deleteHead(key))
      this.#heads.delete(key)
    } catch (error) {
      this.#heads.set(key, true)
      throw error
    }
  }

  /** The same for a value that is leaving. @throws BlocksError */
  async headOf({ key }: Entry): Promise<void> {
    this.#note(key)
    await this.head(key)
  }

  /** Removes the records of a value that has left, but for parts that are being read. */
  async remove(entry: Entry): Promise<void> {
    this.#note(entry.key)
    await this.#tried(async () => {
      await this.#removeHead(entry.key)
      // Who failed to delete it may have let its key have it again.
      if (entry.readers > 0 || entry.isCurrent) return
      await this.#removeParts(entry.generation, numbers(entry.parts))
    })
  }

  /** Removes parts of a value that never was one. */
  async abandon(generation: string, parts: number): Promise<void> {
    await this.#tried(() => this.#removeParts(generation, numbers(parts)))
  }

  /** The same as `remove`, of which nobody waits for the end. */
  later(entry: Entry): void {
    this.#note(entry.key)
    this.#add(() => this.remove(entry))
  }

  /** Removes what an opening has found. */
  laterLeftover({ key, generation, parts }: Leftover): void {
    if (key !== undefined) this.#note(key)
    this.#add(() =>
      this.#tried(async () => {
        if (key !== undefined) await this.#removeHead(key)
        await this.#removeParts(generation, parts)
      }),
    )
  }

  #add(removal: () => Promise<void>): void {
    this.#queue.push(removal)
    if (this.#isRunning || this.#owner.stats().closed) return
    this.#isRunning = true
    this.#owner.spawn(() => this.#run(), { name: 'remove records' })
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await spread(this.#queue.splice(0, sliceOfQueue), atOnce, (removal) => removal())
      }
    } finally {
      this.#isRunning = false
    }
  }

  /** A key that was put again keeps its head: that is the new one. */
  async #removeHead(key: string): Promise<void> {
    using _turn = await this.#locks.acquire(key)
    if (this.#entries.get(key) !== undefined) return
    if (this.#heads.get(key) === true || (await this.#records.hasHead(key))) await this.head(key)
    else this.#heads.delete(key)
  }

  #note(key: string): void {
    if (!this.#heads.has(key) && this.#entries.get(key) === undefined) this.#heads.set(key, false)
  }

  async #removeParts(generation: string, parts: Iterable<number>): Promise<void> {
    for (const part of parts) await this.#records.deletePart(generation, part)
  }

  /** What the store refuses to remove is counted: nothing leads there, and the next opening finds it. */
  async #tried(removal: () => Promise<void>): Promise<void> {
    try {
      await removal()
    } catch (error) {
      if (!(error instanceof BlocksError)) throw error
      this.#failed += 1
    }
  }
}

function* numbers(count: number): Generator<number, void, undefined> {
  for (let number = 0; number < count; number += 1) yield number
}
