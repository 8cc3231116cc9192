/** Notices that the store has evicted something, which it does not tell by key, and has the entries looked at. */
import { BlocksError } from '@ipfs-kit/blocks'
import { checkpoint, type Owner } from '@ipfs-kit/concurrency'
import type { Entries, Entry } from './entries.ts'

/** Options of {@link Evictions}. */
export interface EvictionsOptions {
  /** Packs that the store has evicted since it was opened. */
  readonly evictedPacks: () => number
  readonly entries: Entries
  /** Finds out whether an entry is still there. */
  readonly look: (entry: Entry) => Promise<void>
  readonly owner: Owner
}

/** Puts, and bytes of them, after which the store is asked. */
const putsOfLook = 256
const bytesOfLook = 1_048_576
/** Packs that are evicted before the entries are looked at, if nobody asks for stats. */
const packsOfSweep = 4
/** Entries between two turns for others. */
const entriesOfTurn = 128

/** The evictions of a store, as a cache sees them. */
export class Evictions {
  readonly #options: EvictionsOptions
  #puts = 0
  #bytes = 0
  #seenPacks: number
  #isRunning = false

  constructor(options: EvictionsOptions) {
    this.#options = options
    this.#seenPacks = options.evictedPacks()
  }

  /** A value was written. */
  wrote(bytes: number): void {
    this.#puts += 1
    this.#bytes += bytes
    if (this.#puts < putsOfLook && this.#bytes < bytesOfLook) return
    this.#puts = 0
    this.#bytes = 0
    this.#sweepAfter(packsOfSweep)
  }

  /** Begins a sweep if anything was evicted since the last one began. */
  sweep(): void {
    this.#sweepAfter(1)
  }

  #sweepAfter(packs: number): void {
    const { evictedPacks, owner } = this.#options
    const evicted = evictedPacks()
    if (this.#isRunning || evicted - this.#seenPacks < packs || owner.stats().closed) return
    this.#seenPacks = evicted
    this.#isRunning = true
    owner.spawn(() => this.#run(), { name: 'sweep' })
  }

  async #run(): Promise<void> {
    let left = entriesOfTurn
    try {
      for (const entry of this.#options.entries.values()) {
        await this.#options.look(entry)
        left -= 1
        if (left > 0) continue
        left = entriesOfTurn
        await checkpoint()
      }
    } catch (error) {
      // The store was closed, or the disk does not answer: whoever asks for a value is told.
      if (!(error instanceof BlocksError)) throw error
    } finally {
      this.#isRunning = false
    }
  }
}
