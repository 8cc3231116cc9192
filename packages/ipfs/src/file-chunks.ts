/** Cuts streams of bytes into chunks of one size. */

/** Pieces of a chunk that are kept as they came; a chunk of more is copied together on the way. */
const piecesKept = 32

/**
 * Chunks of so many bytes; the last one has what is left. A stream of nothing is one empty chunk. Pieces that hold whole
 * chunks are not copied: whoever gives them must not write into them again.
 */
export async function* chunksOf(
  source: AsyncIterable<Uint8Array>,
  chunkBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunk = new Chunk(chunkBytes)
  let isEmpty = true
  for await (const piece of source) {
    for (let at = 0; at < piece.byteLength;) {
      at += chunk.take(piece.subarray(at))
      if (chunk.missing > 0) break
      yield chunk.bytes()
      isEmpty = false
      chunk = new Chunk(chunkBytes)
    }
  }
  if (isEmpty || chunk.missing < chunkBytes) yield chunk.bytes()
}

/** Chunks of bytes in hand: views of them. */
export function* slicesOf(bytes: Uint8Array, chunkBytes: number): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

/** A chunk that is being gathered. */
class Chunk {
  readonly #chunkBytes: number
  #pieces: Uint8Array[] = []
  #joined: Buffer | undefined
  #size = 0

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes
  }

  get missing(): number {
    return this.#chunkBytes - this.#size
  }

  /** Takes what there is room for. Gives how many bytes that is. */
  take(bytes: Uint8Array): number {
    const piece = bytes.byteLength > this.missing ? bytes.subarray(0, this.missing) : bytes
    if (this.#joined !== undefined) this.#joined.set(piece, this.#size)
    else this.#pieces.push(piece)
    this.#size += piece.byteLength
    if (this.#pieces.length > piecesKept) {
      this.#joined = Buffer.concat(this.#pieces, this.#chunkBytes)
      this.#pieces = []
    }
    return piece.byteLength
  }

  bytes(): Uint8Array {
    if (this.#joined !== undefined) return this.#joined.subarray(0, this.#size)
    const [only] = this.#pieces
    return only !== undefined && this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces, this.#size)
  }
}
