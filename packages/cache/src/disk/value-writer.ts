/** Takes a value in, chunk by chunk, and writes its parts while it comes. */
import { type Arrival, type Arrivals, StorageError } from '@ipfs-kit/storage'
import type { Records } from './records.ts'

/** Values of so many bytes at most are in their head. */
export const maxInlineBytes = 4096

/** Options of {@link ValueWriter}. */
export interface ValueWriterOptions {
  readonly records: Records
  readonly generation: string
  readonly partBytes: number
  readonly maxValueBytes: number
  /** As the caller has declared it. */
  readonly size: number | undefined
  readonly arrivals: Arrivals
  readonly signal: AbortSignal
}

/** The parts of a value on their way. */
export class ValueWriter implements Disposable {
  readonly #options: ValueWriterOptions
  readonly #arrival: Arrival
  #buffer = Buffer.alloc(0)
  #filled = 0
  size = 0
  /** Parts whose write has begun. */
  parts = 0

  /** @throws StorageError STORAGE_FULL */
  constructor(options: ValueWriterOptions) {
    this.#options = options
    this.#arrival = options.arrivals.open()
    this.#checkSize(options.size ?? 0)
  }

  /** @throws StorageError STORAGE_FULL; the store's errors */
  async take(chunk: Uint8Array): Promise<void> {
    const { partBytes } = this.#options
    const total = this.size + chunk.byteLength
    this.#checkSize(total)
    this.size = total
    for (let at = 0; at < chunk.byteLength;) {
      const left = chunk.byteLength - at
      if (this.#filled === 0 && left >= partBytes) {
        // The chunk stays as it is until the next one is asked for.
        await this.#write(chunk.subarray(at, at + partBytes))
        at += partBytes
        continue
      }
      const piece = chunk.subarray(at, at + Math.min(left, partBytes - this.#filled))
      this.#reserve(this.#filled + piece.byteLength)
      this.#buffer.set(piece, this.#filled)
      this.#filled += piece.byteLength
      at += piece.byteLength
      if (this.#filled === partBytes) await this.#writeBuffer()
    }
  }

  /** The last of the value has come. Gives the value if it goes into the head. @throws as {@link take} */
  async end(): Promise<Uint8Array | undefined> {
    if (this.parts === 0 && this.size <= maxInlineBytes) return this.#buffer.subarray(0, this.#filled)
    if (this.#filled > 0) await this.#writeBuffer()
    return undefined
  }

  /** Gives the memory back. */
  [Symbol.dispose](): void {
    this.#arrival[Symbol.dispose]()
    this.#buffer = Buffer.alloc(0)
    this.#filled = 0
  }

  #checkSize(size: number): void {
    const { maxValueBytes } = this.#options
    if (size <= maxValueBytes) return
    throw new StorageError('STORAGE_FULL', `A value has at most ${maxValueBytes} bytes here`)
  }

  /** Has room for some bytes of the current part. */
  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return
    const { partBytes } = this.#options
    const length = Math.min(partBytes, Math.max(bytes, 2 * this.#buffer.length))
    this.#arrival.growTo(length)
    const larger = Buffer.alloc(length)
    larger.set(this.#buffer.subarray(0, this.#filled))
    this.#buffer = larger
  }

  /** The store has copied or written what it was given when it answers, so that the buffer can be filled again. */
  async #writeBuffer(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#filled)
    this.#filled = 0
    await this.#write(bytes)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { records, generation, signal } = this.#options
    this.parts += 1
    await records.putPart(generation, this.parts - 1, bytes, { signal })
  }
}
