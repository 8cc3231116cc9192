/** The calls of a disk cache: they are refused once it is closed, and closing waits for those that change something. */
import { told } from '@ipfs-kit/blocks'
import { type CallOptions, StorageError } from '@ipfs-kit/storage'

export class Calls {
  readonly #cache: string
  readonly #aborting = new AbortController()
  readonly #changes = new Set<Promise<unknown>>()

  constructor(cache: string) {
    this.#cache = cache
  }

  get areOver(): boolean {
    return this.#aborting.signal.aborted
  }

  /**
   * Begins a call. Gives what ends it: the caller's signal, or that of the closing.
   *
   * @throws StorageError STORAGE_CLOSED; the reason of the signal
   */
  enter({ signal }: CallOptions): AbortSignal {
    if (this.areOver) throw this.#closed()
    signal?.throwIfAborted()
    return signal === undefined ? this.#aborting.signal : AbortSignal.any([signal, this.#aborting.signal])
  }

  /** Runs a call that changes something. */
  async change<T>(call: () => Promise<T>): Promise<T> {
    const change = told(call)
    this.#changes.add(change)
    try {
      return await change
    } finally {
      this.#changes.delete(change)
    }
  }

  /** Ends the calls. */
  async end(): Promise<void> {
    this.#aborting.abort(this.#closed())
    // waits: each call tells its own caller how it went.
    await Promise.allSettled(this.#changes)
  }

  #closed(): StorageError {
    return new StorageError('STORAGE_CLOSED', `The disk cache ${JSON.stringify(this.#cache)} is closed`)
  }
}
