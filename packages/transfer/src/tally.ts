/** How far a transfer is, so that what is told is true: 100 % is told at its end and not before. */
import { now } from '@ipfs-kit/concurrency'

/** What a transfer is doing: of several objects at once, what was begun last. */
export type Stage =
  /** Both sides are listed, to know how much there is. */
  | 'list'
  /** Bytes are read to be compared. */
  | 'hash'
  | 'send'
  /** The target makes permanent what it has taken. */
  | 'commit'
  /** What was written is proven. */
  | 'verify'

/** A look at a running transfer. What `OperationProgress` of wal has, and how fast it is. */
export interface TransferProgress {
  readonly stage: Stage
  /** Bytes that were sent, and read to prove what was sent. What an object has that fails is taken off again. */
  readonly bytes: number
  /** What `bytes` comes to, as far as it is known. */
  readonly totalBytes: number
  /** Objects that are done, or have failed. */
  readonly items: number
  readonly totalItems: number
  /** Mean since the listing was done; `undefined` before the first byte. */
  readonly bytesPerSecond: number | undefined
  /** Milliseconds that the rest takes at this rate; `undefined` if it is not known. */
  readonly etaMs: number | undefined
}

/** How far one object is. */
export interface ItemTally {
  enter(stage: Stage): void
  /** More bytes are to be moved than was expected. */
  expect(bytes: number): void
  readonly moved: (bytes: number) => void
  /** It is done: what was expected and not moved is not to come any more. */
  end(): void
  /** It has failed: what was moved does not count. */
  fail(): void
}

export class Tally {
  #stage: Stage = 'list'
  #bytes = 0
  #totalBytes = 0
  #items = 0
  #totalItems = 0
  #begunAt: number | undefined
  #moved = 0
  #hasEnded = false
  readonly #onProgress: (progress: TransferProgress) => void

  constructor(onProgress: (progress: TransferProgress) => void) {
    this.#onProgress = onProgress
  }

  /** The listing is done: from now on the rate is measured. */
  begin(): void {
    this.#begunAt = now()
  }

  enter(stage: Stage): void {
    this.#stage = stage
    this.#tell()
  }

  /** More is to be done, or less. */
  expect({ items = 0, bytes = 0 }: { readonly items?: number; readonly bytes?: number }): void {
    this.#totalItems += items
    this.#totalBytes += bytes
    this.#tell()
  }

  /** Begins an object of which so many bytes are expected already. */
  item(expected: number): ItemTally {
    let counted = 0
    const expect = (bytes: number): void => {
      expected += bytes
      this.#totalBytes += bytes
    }
    const end = (): void => {
      this.#totalBytes += counted - expected
      this.#items += 1
      this.#tell()
    }
    return {
      expect,
      end,
      enter: (stage) => this.enter(stage),
      moved: (bytes) => {
        counted += bytes
        this.#bytes += bytes
        this.#moved += bytes
        this.#tell()
      },
      fail: () => {
        this.#bytes -= counted
        counted = 0
        end()
      },
    }
  }

  /** Objects done before this attempt. */
  resume(items: number, bytes: number): void {
    this.#items += items
    this.#totalItems += items
    this.#bytes += bytes
    this.#totalBytes += bytes
  }

  end(): void {
    this.#hasEnded = true
    this.#tell()
  }

  #tell(): void {
    this.#onProgress(this.#look())
  }

  #look(): TransferProgress {
    // While anything is left to be done, so is the last byte and the last object.
    const most = (total: number): number => (this.#hasEnded ? total : Math.max(0, total - 1))
    const bytes = Math.min(this.#bytes, most(this.#totalBytes))
    const items = Math.min(this.#items, most(this.#totalItems))
    const seconds = this.#begunAt === undefined ? 0 : (now() - this.#begunAt) / 1000
    const rate = this.#moved === 0 || seconds <= 0 ? undefined : this.#moved / seconds
    const left = this.#totalBytes - bytes
    return Object.freeze({
      stage: this.#stage,
      bytes,
      totalBytes: this.#totalBytes,
      items,
      totalItems: this.#totalItems,
      bytesPerSecond: rate,
      etaMs: left === 0 ? 0 : rate === undefined ? undefined : (left / rate) * 1000,
    })
  }
}
