/** When a checkpoint is made by itself: after so many changes, so many bytes of them, or so long after one. */
import { type Owner, sleep, throwIfCancelled } from '@ipfs-kit/concurrency'

export interface CheckpointPaceOptions {
  readonly checkpointChanges: number
  readonly checkpointBytes: number
  readonly checkpointMs: number
  /** Whose tasks the checkpoints are. */
  readonly owner: Owner
  /** Makes one, if anything has changed. */
  readonly write: () => Promise<unknown>
}

export class CheckpointPace {
  readonly #options: CheckpointPaceOptions
  #changes: number
  #bytes: number
  #isTimed = false
  #failure: Error | undefined

  /** @param recovered - the changes that are in no checkpoint yet */
  constructor(
    options: CheckpointPaceOptions,
    recovered: { readonly changes: number; readonly bytes: number },
  ) {
    this.#options = options
    this.#changes = recovered.changes
    this.#bytes = recovered.bytes
    if (recovered.changes > 0) this.#time()
  }

  /** Why the last one that was due could not be written. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** A change has so many bytes in the log. */
  changed(bytes: number): void {
    const { owner, checkpointChanges, checkpointBytes } = this.#options
    this.#changes += 1
    this.#bytes += bytes
    this.#time()
    if (this.#changes < checkpointChanges && this.#bytes < checkpointBytes) return
    // If it fails, it is made again after as many of them.
    this.begin()
    owner.spawn(() => this.#write(), { name: 'checkpoint of a journal' })
  }

  /** One is begun, by whomever: what changes from now on is not in it. */
  begin(): void {
    this.#changes = 0
    this.#bytes = 0
  }

  /** One was made. */
  made(): void {
    this.#failure = undefined
  }

  /** By the timer of the process: the clock of the wall may jump. */
  #time(): void {
    if (this.#isTimed) return
    this.#isTimed = true
    const { owner, checkpointMs } = this.#options
    const work = async (): Promise<void> => {
      await sleep(checkpointMs)
      this.#isTimed = false
      await this.#write()
      if (this.#failure !== undefined) this.#time()
    }
    owner.spawn(work, { name: 'timed checkpoints of a journal' })
  }

  async #write(): Promise<void> {
    try {
      await this.#options.write()
    } catch (error) {
      throwIfCancelled()
      if (!(error instanceof Error)) throw error
      this.#failure = error
    }
  }
}
