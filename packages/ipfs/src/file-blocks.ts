/** Stores the blocks of files: read and hashed while those before are written, the bytes in between bounded. */
import type { AddWrites } from './add-writes.ts'
import { ChunkBuffers } from './chunk-buffers.ts'
import { hashNow } from './codecs.ts'
import { chunksOf, slicesOf } from './file-chunks.ts'
import { layOut, leafOf, leafPart, type FilePart } from './file-layout.ts'
import type { CidProfile } from './ipfs.ts'
import { createPause } from './pause.ts'

/** A file whose last block may still be on its way. */
export interface BuiltFile {
  readonly file: FilePart
  /** Resolves when that is over; whether it was stored tell the writes. */
  readonly over?: Promise<void>
}

/** Stores files of one add. */
export class FileBlocks {
  readonly #profile: CidProfile
  readonly #chunkBytes: number
  readonly #writes: AddWrites
  readonly #buffers: ChunkBuffers

  constructor(parts: {
    readonly profile: CidProfile
    readonly chunkBytes: number
    readonly writes: AddWrites
  }) {
    this.#profile = parts.profile
    this.#chunkBytes = parts.chunkBytes
    this.#writes = parts.writes
    this.#buffers = new ChunkBuffers(parts.chunkBytes)
  }

  /** Whether a content is one leaf whose bytes are there: then {@link small} does for it. */
  isSmall(content: Uint8Array | AsyncIterable<Uint8Array>): content is Uint8Array {
    return content instanceof Uint8Array && content.byteLength <= this.#chunkBytes
  }

  /** Stores a small file. Waits only for room to write. */
  async small(content: Uint8Array): Promise<BuiltFile> {
    return this.#leaf(content)
  }

  /** Stores any file. */
  async any(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<BuiltFile> {
    if (content instanceof Uint8Array) {
      if (this.isSmall(content)) return this.small(content)
      return this.#tree(slicesOf(content, this.#chunkBytes))
    }
    const chunks = chunksOf(content, this.#chunkBytes, this.#buffers)
    try {
      const first = await chunks.next()
      const second = await chunks.next()
      if (first.done === true) throw new TypeError('A content was cut into no chunks')
      if (second.done === true) return await this.#leaf(first.value)
      return await this.#tree(all(first.value, second.value, chunks))
    } finally {
      await chunks.return()
    }
  }

  async #tree(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<BuiltFile> {
    const file = await layOut(this.#leaves(chunks), this.#profile, (cid, block) =>
      this.#writes.put(cid, block),
    )
    await this.#writes.stored()
    return { file }
  }

  async *#leaves(
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): AsyncGenerator<FilePart, void, undefined> {
    const pause = createPause()
    for await (const chunk of chunks) {
      yield (await this.#leaf(chunk)).file
      await pause()
    }
  }

  async #leaf(chunk: Uint8Array): Promise<BuiltFile> {
    const leaf = leafOf(chunk, this.#profile)
    const file = leafPart(leaf, hashNow(leaf.block), this.#profile)
    const stored = (): void => this.#buffers.giveBack(chunk)
    return { file, over: (await this.#writes.put(file.cid, leaf.block, stored)).over }
  }
}

async function* all<T>(first: T, second: T, rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield first
  yield second
  yield* rest
}
