/** Lets go what has expired. Of very many at once, as a clock that jumps makes them, most go in the background. */
import { checkpoint, type Owner } from '@ipfs-kit/concurrency'
import type { Entries, Entry } from './entries.ts'

/** Options of {@link Expiration}. */
export interface ExpirationOptions {
  readonly entries: Entries
  readonly now: () => number
  readonly owner: Owner
  /** Told of each that has left. */
  readonly onExpired: (entry: Entry) => void
}

/** Entries that go in one turn. */
const entriesOfTurn = 512

/** The expiration of the entries of a cache. */
export class Expiration {
  readonly #options: ExpirationOptions
  #isRunning = false

  constructor(options: ExpirationOptions) {
    this.#options = options
  }

  /** The entry of a key, unless it has expired. */
  live(key: string): Entry | undefined {
    const { entries, now, onExpired } = this.#options
    const time = now()
    this.#expire(time)
    const entry = entries.get(key)
    if (entry === undefined || entry.expiresAt > time) return entry
    entries.remove(entry)
    onExpired(entry)
    return undefined
  }

  /** Lets go what has expired, but for what is too much for one turn: that follows. */
  expire(): void {
    this.#expire(this.#options.now())
  }

  #expire(time: number): void {
    const { owner } = this.#options
    if (this.#isRunning || !this.#expireSome(time) || owner.stats().closed) return
    this.#isRunning = true
    owner.spawn(() => this.#run(), { name: 'expire' })
  }

  async #run(): Promise<void> {
    const { now } = this.#options
    try {
      do await checkpoint()
      while (this.#expireSome(now()))
    } finally {
      this.#isRunning = false
    }
  }

  /** Whether there may be more. */
  #expireSome(time: number): boolean {
    const { entries, onExpired } = this.#options
    for (let left = entriesOfTurn; left > 0; left -= 1) {
      const entry = entries.takeExpired(time)
      if (entry === undefined) return false
      onExpired(entry)
    }
    return true
  }
}
