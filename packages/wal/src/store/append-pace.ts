/** Slows appends, in the order of asking: while the index lags, and while the log is long and a checkpoint is under way. */
import { createSemaphore } from '@ipfs-kit/concurrency'
import type { Checkpoints } from './checkpoints.ts'
import type { Batch, CallOptions } from '../log/log.ts'
import type { OperationIndex } from './operation-index.ts'

/** What the index may lag behind. */
const mostLagMs = 1000
const mostQueuedBytes = 4 * 1024 * 1024
/** What a record and a batch take in the log besides their bytes. */
const recordOverhead = 4
const batchOverhead = 40

/** What the pace needs of the store. */
export interface AppendPaceOptions {
  readonly index: Pick<OperationIndex, 'appliedLsn' | 'applied' | 'stats'>
  readonly checkpoints: Pick<Checkpoints, 'isUrgent' | 'begin'>
  readonly segmentBytes: number
}

export class AppendPace {
  readonly #options: AppendPaceOptions
  readonly #order = createSemaphore(1, { name: 'slowed appends' })
  /** Bytes of records since a segment was begun, and of those that were let through and are not in the log yet. */
  #filledBytes = 0
  #logBytes = 0
  #passingBytes = 0

  constructor(options: AppendPaceOptions) {
    this.#options = options
  }

  /** Appends that wait. */
  get slowed(): number {
    const { available, waiting } = this.#order.stats()
    return waiting + 1 - available
  }

  /** Waits for the turn of an append of so many bytes. @throws WalError WAL_INDEX_FAILED, WAL_FULL; the reason of the signal */
  async turn(bytes: number, options?: CallOptions): Promise<void> {
    if (this.#order.available === 1 && !this.#isSlow(bytes)) return
    const waitOptions = options?.signal === undefined ? {} : { signal: options.signal }
    using _turn = await this.#order.acquire(waitOptions)
    while (this.#isSlow(bytes)) {
      if (this.#isLagging()) await this.#options.index.applied(this.#options.index.appliedLsn + 1, options)
      else await this.#options.checkpoints.begin().join(waitOptions)
    }
  }

  /** An append was let through. */
  passing(bytes: number): void {
    this.#passingBytes += bytes
  }

  /** It has ended, whatever became of it. */
  passed(bytes: number): void {
    this.#passingBytes -= bytes
  }

  /** A batch is in the log, which takes so many bytes now. */
  appended({ payloads }: Batch, logBytes: number): void {
    const bytes = payloads.reduce((sum, { length }) => sum + recordOverhead + length, batchOverhead)
    // A segment that begins while another one is dropped is not noticed: then this is too much, until the next one.
    this.#filledBytes = bytes + (logBytes > this.#logBytes ? 0 : this.#filledBytes)
    this.#logBytes = logBytes
  }

  #isSlow(bytes: number): boolean {
    return this.#isLagging() || (this.#isFilling(bytes) && this.#options.checkpoints.isUrgent)
  }

  #isLagging(): boolean {
    const { lagMs, queuedBytes } = this.#options.index.stats()
    return lagMs > mostLagMs || queuedBytes > mostQueuedBytes
  }

  /** Whether the segment that takes records may end with what is on its way. */
  #isFilling(bytes: number): boolean {
    return this.#filledBytes + this.#passingBytes + bytes > this.#options.segmentBytes / 2
  }
}
