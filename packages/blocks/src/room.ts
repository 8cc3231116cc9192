/** The quota: bytes are taken before they are written, so that it is never exceeded; who finds none waits for eviction. */
import { now, suspend, type WaitOptions } from '@ipfs-kit/concurrency'
import { BlocksError } from './errors.ts'

/** Options of {@link Room}. */
export interface RoomOptions {
  readonly maxBytes: number
  /** Bytes that only deletions may take. */
  readonly reserveBytes: number
  /** Called when somebody waits: it frees something and calls `give`, or `refuse`. */
  readonly onShortage: () => void
}

interface Waiter {
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Bytes of packs on the volume: taken, free, and waited for. */
export class Room {
  readonly #options: RoomOptions
  readonly #waiters: Waiter[] = []
  #used = 0
  #volumeBytes = Number.POSITIVE_INFINITY
  #longestWaitMs = 0
  #closed: Error | undefined

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

  get longestWaitMs(): number {
    return this.#longestWaitMs
  }

  /** What the volume allows: the bytes that are taken and those that are free above its floor. */
  setVolume(bytes: number): void {
    this.#volumeBytes = Math.max(0, bytes)
    this.#serve()
  }

  /** Takes bytes if they are free and nobody waits. */
  take(bytes: number): boolean {
    if (this.#waiters.length > 0 || bytes > this.free) return false
    this.#used += bytes
    return true
  }

  /** Takes bytes for a deletion, also from the reserve. */
  takeReserve(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false
    this.#used += bytes
    return true
  }

  /** Notes bytes that were there at opening, quota or not. */
  found(bytes: number): void {
    this.#used += bytes
  }

  /** Takes bytes, and waits for them if need be, in the order of the calls. @throws BlocksError BLOCKS_FULL */
  async wait(bytes: number, options?: WaitOptions): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed
    if (this.take(bytes)) return
    const limit = this.limit - this.#options.reserveBytes
    if (bytes > limit) throw this.full(bytes)
    const from = now()
    try {
      await suspend<void>(({ resolve, reject }) => {
        const waiter = { bytes, resolve: () => resolve(), reject }
        this.#waiters.push(waiter)
        this.#options.onShortage()
        return () => {
          const at = this.#waiters.indexOf(waiter)
          if (at !== -1) this.#waiters.splice(at, 1)
          this.#serve()
        }
      }, { ...options, what: 'room in the store' })
    } finally {
      this.#longestWaitMs = Math.max(this.#longestWaitMs, now() - from)
    }
  }

  give(bytes: number): void {
    this.#used -= bytes
    this.#serve()
  }

  /** Ends all waits: nothing can be freed. */
  refuse(error?: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error ?? this.full(waiter.bytes))
  }

  /** Ends all waits, now and later. */
  close(error: Error): void {
    this.#closed = error
    this.refuse(error)
  }

  full(bytes: number): BlocksError {
    const { maxBytes } = this.#options
    const volume = this.#volumeBytes < maxBytes ? `, and the volume allows ${this.#volumeBytes}` : ''
    return new BlocksError(
      'BLOCKS_FULL',
      `${bytes} bytes do not fit: ${this.#used} of at most ${maxBytes} are taken${volume}, and nothing can be evicted`,
    )
  }

  #serve(): void {
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      if (waiter.bytes > this.free) return
      this.#waiters.shift()
      this.#used += waiter.bytes
      waiter.resolve()
    }
  }
}
