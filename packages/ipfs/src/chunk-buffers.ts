/**
 * Memory that chunks are gathered in, used again when they are stored: fresh memory costs more than the copy into it. It is
 * shared, so that a thread can hash a chunk where it lies.
 */

/** Buffers of one size. There are as many as were ever lent at once. */
export class ChunkBuffers {
  readonly #bytes: number
  readonly #free: Buffer[] = []
  readonly #lent = new Map<ArrayBufferLike, Buffer>()

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  take(): Buffer {
    const buffer = this.#free.pop() ?? Buffer.from(new SharedArrayBuffer(this.#bytes))
    this.#lent.set(buffer.buffer, buffer)
    return buffer
  }

  /** Takes back what a chunk lies in. Nothing happens if that is not from here. */
  giveBack(chunk: Uint8Array): void {
    const buffer = this.#lent.get(chunk.buffer)
    if (buffer === undefined) return
    this.#lent.delete(chunk.buffer)
    this.#free.push(buffer)
  }
}
