/** The quotas: bytes are taken before they are written, so that it is never exceeded; who finds none waits for eviction. */
import { now, suspend, type WaitOptions } from '@ipfs-kit/concurrency'
import { BlocksError } from './errors.ts'
import type { VolumeBytes } from './volume.ts'

/** Options of {@link Room}. */
export interface RoomOptions {
  readonly maxBytes: number
  readonly maxEntries: number
  /** Entries of now. */
  readonly entries: () => number
  /** Bytes that only deletions may take. */
  readonly reserveBytes: number
  /** Called when somebody waits: it frees something and calls `give`, or `refuse`. */
  readonly onShortage: () => void
}

interface Waiter {
  readonly bytes: number
  /** Whether it is for an entry that is not there yet. */
  readonly isNew: boolean
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Bytes of packs on the volume: taken, free, and waited for. */
export class Room {
  readonly #options: RoomOptions
  readonly #waiters: Waiter[] = []
  #used = 0
  #volumeBytes = Number.POSITIVE_INFINITY
  #found = 0
  #longestWaitMs = 0
  #heldBytes = 0
  #closed: (() => Error) | undefined

  constructor(options: RoomOptions) {
    this.#options = options
  }

  get used(): number {
    return this.#used
  }

  /** The quota in force. */
  get limit(): number {
    return Math.min(this.#options.maxBytes, this.#volumeBytes)
  }

  /** Bytes that can be taken now. */
  get free(): number {
    return this.limit - this.#options.reserveBytes - this.#used
  }

  /** Bytes that those who wait want. */
  get wanted(): number {
    return this.#waiters.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get maxEntries(): number {
    return this.#options.maxEntries
  }

  /** Whether there are as many entries as there may be. */
  get isCrowded(): boolean {
    return this.#options.entries() >= this.#options.maxEntries
  }

  get longestWaitMs(): number {
    return this.#longestWaitMs
  }

  /** Notes what the volume allows. What it allowed before stays as long as that may still be so. */
  setVolume({ least, most }: VolumeBytes): void {
    this.#volumeBytes = Math.max(0, Math.min(most, Math.max(least, this.#volumeBytes)))
    this.#serve()
  }

  /** Takes bytes if they are free and nobody waits. */
  take(bytes: number): boolean {
    if (this.#waiters.length > 0 || bytes > this.free) return false
    this.#used += bytes
    return true
  }

  /**
   * Takes bytes for what makes room, also from the reserve. If more was found at opening than the quota allows, deletions
   * must go on all the same: then as much as the reserve may come on top of that.
   *
   * @param left - share of the reserve that has to be left
   */
  takeReserve(bytes: number, left = 0): boolean {
    const { maxBytes, reserveBytes } = this.#options
    const most = this.#found > maxBytes ? this.#found + reserveBytes : this.limit
    if (this.#used + bytes + reserveBytes * left > most) return false
    this.#used += bytes
    return true
  }

  /** Notes bytes that were there at opening, quota or not. */
  found(bytes: number): void {
    this.#used += bytes
    this.#found += bytes
  }

  /**
   * Takes bytes, and waits for them if need be, in the order of the calls. `isNew`: for an entry that is not there yet.
   *
   * @throws BlocksError BLOCKS_FULL
   */
  async wait(bytes: number, isNew: boolean, options?: WaitOptions): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed()
    if (!(isNew && this.isCrowded) && this.take(bytes)) return
    const limit = this.limit - this.#options.reserveBytes
    if (bytes > limit) throw this.full(bytes)
    const from = now()
    try {
      await suspend<void>(
        ({ resolve, reject }) => {
          const waiter = { bytes, isNew, resolve: () => resolve(), reject }
          this.#waiters.push(waiter)
          this.#options.onShortage()
          return () => {
            const at = this.#waiters.indexOf(waiter)
            if (at !== -1) this.#waiters.splice(at, 1)
            this.#serve()
          }
        },
        { ...options, what: 'room in the store' },
      )
    } finally {
      this.#longestWaitMs = Math.max(this.#longestWaitMs, now() - from)
    }
  }

  give(bytes: number): void {
    this.#used -= bytes
    this.#found = Math.min(this.#found, this.#used)
    this.#serve()
  }

  /** Ends all waits, each for what fits without those before it: nothing can be freed. With an error all of them by that. */
  refuse(error?: Error): void {
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) {
      waiter.reject(error ?? this.full(waiter.bytes))
      if (error === undefined) this.#serve()
    }
  }

  /** Ends all waits, now and later. The error is made only for those that there are. */
  close(makeError: () => Error): void {
    this.#closed = makeError
    if (this.#waiters.length > 0) this.refuse(makeError())
  }

  /** An entry has gone. */
  entryGone(): void {
    if (this.#waiters.length > 0) this.#serve()
  }

  /** Notes how much of the cache cannot be evicted, since open leases hold it: for those who are refused. */
  noteHeld(bytes: number): void {
    this.#heldBytes = bytes
  }

  full(bytes: number): BlocksError {
    const held = this.#heldBytes > 0 ? `: open leases hold ${this.#heldBytes} bytes of the cache` : ''
    const nothing = `nothing can be evicted${held}`
    if (this.isCrowded) {
      const entries = `${this.#options.entries()} of at most ${this.#options.maxEntries} entries are there`
      return new BlocksError('BLOCKS_FULL', `${entries}, and ${nothing}`)
    }
    const { maxBytes } = this.#options
    const volume = this.#volumeBytes < maxBytes ? `, and the volume allows ${this.#volumeBytes}` : ''
    return new BlocksError(
      'BLOCKS_FULL',
      `${bytes} bytes do not fit: ${this.#used} of at most ${maxBytes} are taken${volume}, and ${nothing}`,
    )
  }

  #serve(): void {
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      if (waiter.bytes > this.free || (waiter.isNew && this.isCrowded)) return
      this.#waiters.shift()
      this.#used += waiter.bytes
      waiter.resolve()
    }
  }
}
