/** The blocks of an add on their way into the store: many at once, bounded in number and bytes. */
import type { Owner } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'

/** A block on its way. */
export interface Write {
  /** Resolves when the block is stored, or could not be: {@link AddWrites.check} tells. */
  readonly over: Promise<void>
}

interface Running extends Write {
  readonly bytes: number
}

const writesAtOnce = 128
const bytesAtOnce = 16 * 1_048_576

/** Begins writes in order. The store lets go of the bytes when a write is over. After the first failure nothing new is begun. Disposing it waits for what runs. */
export class AddWrites implements AsyncDisposable {
  readonly #store: (cid: CID, block: Uint8Array) => Promise<unknown>
  readonly #signal: AbortSignal
  /** Oldest first; one that is over stays until those before it are over too. */
  readonly #running: Running[] = []
  #bytes = 0
  #failure: { readonly error: unknown } | undefined

  constructor(store: (cid: CID, block: Uint8Array) => Promise<unknown>, signal: AbortSignal) {
    this.#store = store
    this.#signal = signal
  }

  /**
   * Begins to store a block as soon as there is room for it. `stored` is called when its bytes may be overwritten. Who is a task
   * that may end before the write is over gives an owner, whose task the write is then.
   *
   * @throws the first failure, the reason of the signal
   */
  async put(cid: CID, block: Uint8Array, stored?: () => void, owner?: Owner): Promise<Write> {
    while (this.#running.length >= writesAtOnce || this.#bytes >= bytesAtOnce) await this.#oldest()
    this.check()
    const bytes = block.byteLength
    const write: Running = { bytes, over: this.#write(cid, block, stored, owner) }
    this.#running.push(write)
    this.#bytes += bytes
    return write
  }

  /** Waits for all that were begun. @throws the first failure, the reason of the signal */
  async stored(): Promise<void> {
    await this.#settled()
    this.check()
  }

  /** @throws the first failure, the reason of the signal */
  check(): void {
    this.#signal.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settled()
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#running.map((write) => write.over))
  }

  async #write(cid: CID, block: Uint8Array, stored?: () => void, owner?: Owner): Promise<void> {
    const store = () => this.#store(cid, block)
    try {
      if (owner === undefined) await store()
      else await owner.spawn(store, { name: 'write of an add' }).join({ scope: owner.scope })
      stored?.()
    } catch (error) {
      this.#failure ??= { error }
    }
  }

  async #oldest(): Promise<void> {
    const [oldest] = this.#running
    if (oldest === undefined) return
    await oldest.over
    // Others may wait for the same one.
    if (this.#running[0] !== oldest) return
    this.#running.shift()
    this.#bytes -= oldest.bytes
  }
}
