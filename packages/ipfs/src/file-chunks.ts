/** Cuts streams of bytes into chunks of one size. */
import type { ChunkBuffers } from './chunk-buffers.ts'

/**
 * Chunks of so many bytes; the last one has what is left. A stream of nothing is one empty chunk. All bytes are copied to
 * the buffers, which want them back: whoever gives a piece may use its memory again once the next one is asked for.
 */
export async function* chunksOf(
  source: AsyncIterable<Uint8Array>,
  chunkBytes: number,
  buffers: ChunkBuffers,
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunk = new Chunk(chunkBytes, buffers)
  let isEmpty = true
  try {
    for await (const piece of source) {
      for (let at = 0; at < piece.byteLength;) {
        at += chunk.take(piece.subarray(at))
        if (chunk.missing > 0) break
        yield chunk.bytes()
        isEmpty = false
        chunk = new Chunk(chunkBytes, buffers)
      }
    }
    if (isEmpty || chunk.missing < chunkBytes) yield chunk.bytes()
  } finally {
    chunk.drop()
  }
}

/** A chunk that is being gathered. */
class Chunk {
  readonly #chunkBytes: number
  readonly #buffers: ChunkBuffers
  #joined: Buffer | undefined
  #size = 0

  constructor(chunkBytes: number, buffers: ChunkBuffers) {
    this.#chunkBytes = chunkBytes
    this.#buffers = buffers
  }

  get missing(): number {
    return this.#chunkBytes - this.#size
  }

  /** Takes what there is room for. Gives how many bytes that is. */
  take(bytes: Uint8Array): number {
    const piece = bytes.byteLength > this.missing ? bytes.subarray(0, this.missing) : bytes
    this.#joined ??= this.#buffers.take()
    this.#joined.set(piece, this.#size)
    this.#size += piece.byteLength
    return piece.byteLength
  }

  /** Hands it on, with its buffer. */
  bytes(): Uint8Array {
    const joined = this.#joined
    if (joined === undefined) return new Uint8Array()
    if (this.missing < this.#size) {
      this.#joined = undefined
      return joined.subarray(0, this.#size)
    }
    // A last chunk may be small, and many of them under way.
    const own = Buffer.from(joined.subarray(0, this.#size))
    this.drop()
    return own
  }

  /** Gives its buffer back, if it was not handed on. */
  drop(): void {
    if (this.#joined !== undefined) this.#buffers.giveBack(this.#joined)
    this.#joined = undefined
  }
}
