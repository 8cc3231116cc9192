/** The segment that comes next: made ahead, so that no append waits for its zeros. */
import type { Owner, Task } from '@ipfs-kit/concurrency'
import type { Disk, DiskFile } from '@ipfs-kit/disk'

/** What it is called until it is a segment. */
export const nextName = 'next'

/** So much is written and synced at once: behind the sync of a whole segment those of appends would have to wait. */
const stepBytes = 1024 * 1024

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

/** A file of zeros. */
export class NextSegment {
  readonly #options: NextSegmentOptions
  #ahead: Task<DiskFile | undefined> | undefined

  constructor(options: NextSegmentOptions) {
    this.#options = options
  }

  /** Begins to make it, if that has not begun. */
  prepare(): void {
    this.#ahead ??= this.#options.owner.spawn(
      async () => {
        try {
          return await this.#make()
        } catch (cause) {
          this.#options.onFailed(cause)
          return undefined
        }
      },
      { name: 'prepare a segment' },
    )
  }

  /** Gives it away; makes it if it could not be made ahead. @throws DiskError; WalError WAL_SYNC_FAILED */
  async take(): Promise<DiskFile> {
    const ahead = this.#ahead
    const made = await ahead?.join()
    this.#ahead = undefined
    return made ?? (await this.#make())
  }

  /** Waits until nothing is made any more, and closes what was. */
  async close(): Promise<void> {
    const made = await this.#ahead?.join()
    await made?.close()
  }

  async #make(): Promise<DiskFile> {
    const { disk, folder, segmentBytes, sync } = this.#options
    const file = await disk.open(`${folder}/${nextName}`, 'create')
    try {
      await file.truncate(0)
      for (let size = 0; size < segmentBytes;) {
        size = Math.min(size + stepBytes, segmentBytes)
        await file.preallocate(size)
        await sync(file)
      }
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }
}
