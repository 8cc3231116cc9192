/** The segment that comes next: made ahead, so that no append waits for its zeros. */
import type { Owner, Task } from '@ipfs-kit/concurrency'
import type { Disk, DiskFile } from '@ipfs-kit/disk'

/** What it is called until it is a segment. */
export const nextName = 'next'

/** So much is written and synced at once. Syncs of appends wait behind it: the more it is the longer, the less it is the more often. */
const stepBytes = 256 * 1024
/** It grows so much faster than the segment before it fills, to be there in time. */
const lead = 1.5

/** What the next segment needs of the log. */
export interface NextSegmentOptions {
  readonly disk: Disk
  readonly folder: string
  readonly owner: Owner
  readonly segmentBytes: number
  /** Syncs a file; the log stops if that fails. */
  readonly sync: (file: DiskFile) => Promise<void>
  /** Told why it could not be made ahead. It is tried again when it is needed. */
  readonly onFailed: (cause: unknown) => void
}

/** A file of zeros that grows as the segment before it fills. */
export class NextSegment {
  readonly #options: NextSegmentOptions
  #file: DiskFile | undefined
  #size = 0
  /** How large it should be by now. */
  #due = 0
  #growing: Task<void> | undefined
  #hasFailed = false

  constructor(options: NextSegmentOptions) {
    this.#options = options
  }

  /** Lets it grow as far as is due while the segment before it is filled so far. Best called while no append is synced. */
  advance(filledBytes: number): void {
    this.#due = Math.min(this.#options.segmentBytes, filledBytes * lead)
    if (this.#growing !== undefined || this.#hasFailed || !this.#isStepDue) return
    this.#growing = this.#options.owner.spawn(() => this.#growAhead(), { name: 'prepare a segment' })
  }

  /** Gives it away, whole; makes what is missing of it. @throws DiskError; WalError WAL_SYNC_FAILED */
  async take(): Promise<DiskFile> {
    await this.#growing?.join()
    this.#due = this.#options.segmentBytes
    this.#hasFailed = false
    while (this.#isStepDue) await this.#grow()
    const file = this.#file!
    this.#file = undefined
    this.#size = 0
    this.#due = 0
    return file
  }

  /** Waits until nothing is made any more, and closes what was. */
  async close(): Promise<void> {
    await this.#growing?.join()
    await this.#file?.close()
  }

  get #isStepDue(): boolean {
    return this.#size < this.#nextSize && this.#nextSize <= this.#due
  }

  get #nextSize(): number {
    return Math.min(this.#size + stepBytes, this.#options.segmentBytes)
  }

  async #growAhead(): Promise<void> {
    try {
      while (this.#isStepDue) await this.#grow()
    } catch (cause) {
      this.#hasFailed = true
      this.#options.onFailed(cause)
    } finally {
      this.#growing = undefined
    }
  }

  /** One step. If it fails, the next one begins anew. */
  async #grow(): Promise<void> {
    const { disk, folder, sync } = this.#options
    const size = this.#nextSize
    try {
      if (this.#file === undefined) {
        this.#file = await disk.open(`${folder}/${nextName}`, 'create')
        await this.#file.truncate(0)
      }
      await this.#file.preallocate(size)
      await sync(this.#file)
      this.#size = size
    } catch (error) {
      const file = this.#file
      this.#file = undefined
      this.#size = 0
      await file?.close()
      throw error
    }
  }
}
