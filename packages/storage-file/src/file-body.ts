/** The bytes of a file on their way out, and the proof that they are those of one version. */
import { createHash } from 'node:crypto'
import { createSemaphore } from '@ipfs-kit/concurrency'
import type { DiskFile } from '@ipfs-kit/disk'
import { StorageError } from '@ipfs-kit/storage'
import { inWords } from './told.ts'

/** Bytes of a piece. */
const pieceBytes = 256 * 1024
const over = Object.freeze({ done: true, value: undefined })

/** What is read. */
export interface FileBodyOptions {
  readonly key: string
  readonly file: DiskFile
  readonly version: string
  readonly from: number
  readonly to: number
  /** What all the bytes have to have, if all are read and that is known. */
  readonly sha256: string | undefined
  readonly signal: AbortSignal
  /** Called once, when the file is not needed any more, with its closing. */
  readonly onEnd: (closing: Promise<void>) => void
}

export class FileBody implements AsyncIterableIterator<Uint8Array> {
  readonly #options: FileBodyOptions
  readonly #hash
  /** One `next` at a time. */
  readonly #turn = createSemaphore(1)
  #at: number
  #closing: Promise<void> | undefined

  constructor(options: FileBodyOptions) {
    this.#options = options
    this.#at = options.from
    this.#hash = options.sha256 === undefined ? undefined : createHash('sha256')
    if (options.from === options.to) this.#end()
    else options.signal.addEventListener('abort', this.#end, { once: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    using _turn = await this.#turn.acquire()
    const { to, signal } = this.#options
    if (this.#at >= to) return over
    signal.throwIfAborted()
    try {
      const value = await this.#read()
      signal.throwIfAborted()
      if (this.#at === to) await this.#prove()
      return { done: false, value }
    } catch (error) {
      // It was closed under the read.
      signal.throwIfAborted()
      this.#at = to
      throw inWords(error)
    } finally {
      if (this.#at >= to || signal.aborted) await this.ended()
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#at = this.#options.to
    await this.ended()
    return over
  }

  /** Ends it, and waits until its file is closed: whoever reads may leave the scope in which that began. */
  async ended(): Promise<void> {
    this.#end()
    // waits: a file that was only read has nothing to lose.
    await Promise.allSettled([this.#closing])
  }

  async #read(): Promise<Uint8Array> {
    const { file, to } = this.#options
    const into = new Uint8Array(Math.min(pieceBytes, to - this.#at))
    const length = file.readNow(into, this.#at) ?? (await file.read(into, this.#at))
    if (length < into.length) throw this.#changed()
    this.#at += length
    this.#hash?.update(into)
    return into
  }

  /** Before the last piece is given away. */
  async #prove(): Promise<void> {
    const { key, file, version, sha256 } = this.#options
    if ((await file.stat()).version !== version) throw this.#changed()
    if (this.#hash === undefined || this.#hash.digest('hex') === sha256) return
    throw new StorageError(
      'STORAGE_CORRUPT',
      `The bytes of ${JSON.stringify(key)} are not those that were put: their SHA-256 is not ${sha256}`,
    )
  }

  #changed(): StorageError {
    const { key, file } = this.#options
    return new StorageError(
      'STORAGE_CHANGED',
      `The file of ${JSON.stringify(key)} was changed while it was read: ${JSON.stringify(file.path)}`,
    )
  }

  readonly #end = (): void => {
    if (this.#closing !== undefined) return
    this.#options.signal.removeEventListener('abort', this.#end)
    this.#closing = this.#options.file.close()
    this.#options.onEnd(this.#closing)
  }
}
