/** Checkpoints: what retention says is taken away, a snapshot is written, and the log drops what is in it. One at a time. */
import { createSemaphore, type Owner, type Task, type WaitOptions } from '@ipfs-kit/concurrency'
import type { Disk } from '@ipfs-kit/disk'
import { diskFailure } from '../disk-failure.ts'
import { WalError } from '../errors.ts'
import type { Log } from '../log/log.ts'
import type { OperationIndex, Retention } from './operation-index.ts'
import { publishCheckpoint } from '../reports.ts'
import { writeSnapshot } from './write-snapshot.ts'

/** What checkpoints need of the store. */
export interface CheckpointsOptions {
  readonly disk: Disk
  readonly folder: string
  readonly owner: Owner
  readonly log: Log
  readonly index: OperationIndex
  readonly segmentBytes: number
  readonly newId: () => bigint
  readonly retention: () => Retention
  /** Of the snapshot that is there; absent if there is none. */
  readonly snapshotLsn: number | undefined
}

export class Checkpoints {
  readonly #options: CheckpointsOptions
  readonly #turn = createSemaphore(1, { name: 'checkpoint' })
  #running: Task<WalError | undefined> | undefined
  /** What the log has to grow to before another one is tried, after one that failed. */
  #retryAtBytes = 0
  failure: WalError | undefined
  made = 0
  snapshotLsn: number | undefined

  constructor(options: CheckpointsOptions) {
    this.#options = options
    this.snapshotLsn = options.snapshotLsn
  }

  /** Whether the log is longer than what is unfinished and one segment. */
  get isDue(): boolean {
    const { segmentBytes } = this.#options
    return this.#wouldExceed(this.#unfinishedBytes + segmentBytes, 0)
  }

  /** Whether one more segment would make the log longer than twice that. */
  get isUrgent(): boolean {
    const { segmentBytes } = this.#options
    return this.#wouldExceed(2 * (this.#unfinishedBytes + segmentBytes), segmentBytes)
  }

  /** Begins one, unless one is under way; tells how it ended. */
  begin(): Task<WalError | undefined> {
    this.#running ??= this.#options.owner.spawn(() => this.#run(), { name: 'checkpoint' })
    return this.#running
  }

  /** The one that is under way. */
  get running(): Task<WalError | undefined> | undefined {
    return this.#running
  }

  /** Does something while snapshot and log stay what they are together. */
  async between<T>(work: () => Promise<T>, options: WaitOptions): Promise<T> {
    using _turn = await this.#turn.acquire(options)
    return await work()
  }

  get #unfinishedBytes(): number {
    return this.#options.index.stats().unfinishedBytes
  }

  #wouldExceed(most: number, more: number): boolean {
    const { bytes, segments } = this.#options.log.stats()
    return segments > 1 && bytes + more > most && bytes >= this.#retryAtBytes
  }

  async #run(): Promise<WalError | undefined> {
    try {
      await this.between(() => this.#checkpoint(), {})
      this.failure = undefined
      this.#retryAtBytes = 0
      this.made += 1
    } catch (cause) {
      const failure = diskFailure(cause, 'write a snapshot')
      if (!(failure instanceof WalError)) throw failure
      this.failure = failure
      publishCheckpoint({ code: failure.code, message: failure.message })
      this.#retryAtBytes = this.#options.log.stats().bytes + this.#options.segmentBytes
    } finally {
      this.#running = undefined
    }
    return this.failure
  }

  async #checkpoint(): Promise<void> {
    const { disk, folder, log, index, newId, retention } = this.#options
    await index.retain(retention())
    await using image = await index.image()
    const { lsn } = image.head
    // A snapshot is never ahead of what the log would have after a power loss: before it drops anything it syncs.
    if (log.stats().durableLsn < lsn) await log.dropBefore(1)
    const bytes = await writeSnapshot({ disk, folder, id: newId(), image })
    this.snapshotLsn = lsn
    await log.dropBefore(lsn + 1)
    publishCheckpoint({ lsn, bytes })
  }
}
