/** The values of a cache: which there are, what their records say, and how they leave. */
import { checkpoint, type KeyedLock, type Owner, shield } from '@ipfs-kit/concurrency'
import type { Entries, Entry } from './entries.ts'
import { Expiration } from './expiration.ts'
import type { Head, ReadHead } from './head.ts'
import type { Records } from './records.ts'
import type { Removals } from './removals.ts'
import { publishLeaving } from './reports.ts'

/** Options of {@link Values}. */
export interface ValuesOptions {
  /** Of the cache. */
  readonly name: string
  readonly entries: Entries
  readonly records: Records
  readonly locks: KeyedLock<string>
  readonly removals: Removals
  readonly owner: Owner
  readonly now: () => number
  readonly maxEntries: number
}

/** A value that cannot lose its parts, with its head. */
export interface Pinned {
  readonly entry: Entry
  readonly head: ReadHead
}

/** What may cut a wait short. */
interface Waiting {
  readonly signal: AbortSignal
}

/** Values, by key. */
export class Values {
  readonly #options: ValuesOptions
  readonly #entries: Entries
  readonly #records: Records
  readonly #expiration: Expiration
  /** How many left, and why. */
  readonly counts = { expired: 0, evicted: 0, deleted: 0 }

  constructor(options: ValuesOptions) {
    this.#options = options
    const { entries, records, now, owner } = options
    this.#entries = entries
    this.#records = records
    this.#expiration = new Expiration({ entries, now, owner, onExpired: (entry) => this.#expired(entry) })
  }

  /** The value of a key as memory knows it: the store may have evicted it. */
  live(key: string): Entry | undefined {
    return this.#expiration.live(key)
  }

  /** The value of a key that is there with all its records. */
  async present(key: string, waiting: Waiting): Promise<Entry | undefined> {
    for (;;) {
      const entry = this.live(key)
      if (entry === undefined || (await this.#records.hasAll(entry, waiting))) return entry
      this.lose(entry)
    }
  }

  /** The same with its head, and its records stay until `unpin`. */
  async pin(key: string, waiting: Waiting): Promise<Pinned | undefined> {
    for (;;) {
      const entry = this.live(key)
      if (entry === undefined) return undefined
      entry.readers += 1
      let head: ReadHead | undefined
      let isPinned = false
      try {
        head = await this.#headOf(entry, waiting)
        isPinned =
          head !== undefined && (await this.#records.hasParts(entry.generation, entry.parts, waiting))
      } finally {
        if (!isPinned) this.unpin(entry)
      }
      if (isPinned) return { entry, head: head! }
      this.lose(entry)
    }
  }

  unpin(entry: Entry): void {
    entry.readers -= 1
    if (entry.readers === 0 && !entry.isCurrent && entry.parts > 0) this.#options.removals.later(entry)
  }

  /** A part of a value. If it is not there, the value goes. */
  async part({ entry, head }: Pinned, part: number, waiting: Waiting): Promise<Uint8Array | undefined> {
    if (head.value !== undefined) return head.value
    // What the disk has in memory it answers at once: whoever reads much leaves others their turn.
    if (part > 0) await checkpoint()
    const bytes = await this.#records.part(entry.generation, part, waiting)
    const wanted = Math.min(entry.partBytes, entry.size - part * entry.partBytes)
    if (bytes?.byteLength === wanted) return bytes
    this.lose(entry)
    return undefined
  }

  /** All of a value. If any of it is not there, the value goes. */
  async whole(pinned: Pinned, waiting: Waiting): Promise<Uint8Array | undefined> {
    const { entry } = pinned
    if (entry.parts <= 1) return this.part(pinned, 0, waiting)
    const whole = Buffer.allocUnsafeSlow(entry.size)
    for (let part = 0; part < entry.parts; part += 1) {
      const bytes = await this.part(pinned, part, waiting)
      if (bytes === undefined) return undefined
      whole.set(bytes, part * entry.partBytes)
    }
    return whole
  }

  /** Writes the head of a key, whoever stops waiting. @throws BlocksError: then the disk may have it all the same */
  async putHead(key: string, head: Head, value: Uint8Array | undefined): Promise<void> {
    try {
      await shield(() => this.#records.putHead(key, head, value))
    } catch (error) {
      this.#options.removals.doubt(key)
      throw error
    }
  }

  /** Lets a key have a value. Gives those that go for it: their records are to be removed. */
  replace(entry: Entry, mediaType: string): readonly Entry[] {
    const former = this.#entries.set(entry, mediaType)
    this.#options.removals.replaced(entry.key)
    const evicted = this.overflow()
    if (former === undefined) return evicted
    publishLeaving(this.#options.name, 'replaced', former.size)
    return [former, ...evicted]
  }

  /** Notes that a value was used. */
  use(entry: Entry): void {
    if (entry.isCurrent) this.#entries.use(entry)
  }

  /** Lets go what has expired. */
  expire(): void {
    this.#expiration.expire()
  }

  /** A value lacks something. */
  lose(entry: Entry): void {
    if (!this.#entries.remove(entry)) return
    this.#evicted(entry)
    this.#options.removals.later(entry)
  }

  /** Takes out what is too much: the records are to be removed. */
  overflow(): readonly Entry[] {
    const evicted: Entry[] = []
    if (this.#entries.size > this.#options.maxEntries) this.expire()
    while (this.#entries.size > this.#options.maxEntries) {
      const entry = this.#entries.takeLeastUsed()!
      this.#evicted(entry)
      evicted.push(entry)
    }
    return evicted
  }

  /** Deletes the value of a key, if it is not newer than a number says. Whether there was one. @throws BlocksError */
  async delete(key: string, newest: number, waiting: Waiting): Promise<boolean> {
    const entry = await this.#take(key, newest, waiting)
    if (entry === undefined) return false
    this.counts.deleted += 1
    publishLeaving(this.#options.name, 'deleted', entry.size)
    await shield(() => this.#options.removals.remove(entry))
    return true
  }

  /** Deletes the head of a key, also one that another call or an eviction has not been able to delete. */
  async #take(key: string, newest: number, waiting: Waiting): Promise<Entry | undefined> {
    using _turn = await this.#options.locks.acquire(key, waiting)
    const entry = this.live(key)
    if (entry !== undefined && entry.number > newest) return undefined
    await shield(() => (entry === undefined ? this.#options.removals.head(key) : this.#deleteHead(entry)))
    return entry
  }

  async #deleteHead(entry: Entry): Promise<void> {
    const { key, typeName, number } = entry
    const { removals } = this.#options
    this.#entries.remove(entry)
    try {
      await removals.headOf(entry)
    } catch (error) {
      // The key has its value still, and has it when the store is opened again.
      if (await this.#records.hasHead(key)) {
        this.#entries.set(entry, typeName)
        entry.number = number
        removals.replaced(key)
        // Its room may have been taken.
        for (const evicted of this.overflow()) removals.later(evicted)
      }
      throw error
    }
  }

  /** Undefined if it is not there, or that of another value: somebody may have been replacing it. */
  async #headOf({ key, generation }: Entry, waiting: Waiting): Promise<ReadHead | undefined> {
    const head = await this.#records.head(key, waiting)
    if (head?.generation === generation) return head
    using _turn = await this.#options.locks.acquire(key, waiting)
    const settled = await this.#records.head(key, waiting)
    return settled?.generation === generation ? settled : undefined
  }

  #expired(entry: Entry): void {
    this.counts.expired += 1
    publishLeaving(this.#options.name, 'expired', entry.size)
    this.#options.removals.later(entry)
  }

  #evicted(entry: Entry): void {
    this.counts.evicted += 1
    publishLeaving(this.#options.name, 'capacity', entry.size)
  }
}
