/** Stores the blocks of files: read, hashed and written at once, the bytes in between bounded. */
import type { Owner } from '@ipfs-kit/concurrency'
import type { AddWrites } from './add-writes.ts'
import { Ahead } from './ahead.ts'
import { hashBlock, hashNow, hashOffThreadBytes } from './codecs.ts'
import { chunksOf, slicesOf } from './file-chunks.ts'
import { layOut, leafOf, leafPart, type FilePart } from './file-layout.ts'
import type { CidProfile } from './ipfs.ts'

/** A file whose last block may still be on its way. */
export interface BuiltFile {
  readonly file: FilePart
  /** Resolves when that is over; whether it was stored tell the writes. */
  readonly over?: Promise<void>
}

/** Leaves of one file that are hashed at once: as many as there are threads, which write too. */
const leavesAtOnce = 4

/** Stores files of one add. */
export class FileBlocks {
  readonly #profile: CidProfile
  readonly #chunkBytes: number
  readonly #writes: AddWrites
  readonly #owner: Owner

  constructor(parts: {
    readonly profile: CidProfile
    readonly chunkBytes: number
    readonly writes: AddWrites
    /** Whose tasks hash the leaves. */
    readonly owner: Owner
  }) {
    this.#profile = parts.profile
    this.#chunkBytes = parts.chunkBytes
    this.#writes = parts.writes
    this.#owner = parts.owner
  }

  /** Whether a content is one leaf that is hashed faster here than elsewhere: then {@link small} does for it. */
  isSmall(content: Uint8Array | AsyncIterable<Uint8Array>): content is Uint8Array {
    if (!(content instanceof Uint8Array)) return false
    return content.byteLength <= this.#chunkBytes && content.byteLength < hashOffThreadBytes
  }

  /** Stores a small file. Waits only for room to write. */
  async small(content: Uint8Array): Promise<BuiltFile> {
    const leaf = leafOf(content, this.#profile)
    const file = leafPart(leaf, hashNow(leaf.block), this.#profile)
    return { file, over: (await this.#writes.put(file.cid, leaf.block)).over }
  }

  /** Stores any file. */
  async any(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<BuiltFile> {
    if (content instanceof Uint8Array) {
      if (content.byteLength <= this.#chunkBytes) return this.#single(content)
      return this.#tree(slicesOf(content, this.#chunkBytes))
    }
    const chunks = chunksOf(content, this.#chunkBytes)
    try {
      const first = await chunks.next()
      const second = await chunks.next()
      if (first.done === true) throw new TypeError('A content was cut into no chunks')
      if (second.done === true) return await this.#single(first.value)
      return await this.#tree(all(first.value, second.value, chunks))
    } finally {
      await chunks.return()
    }
  }

  async #single(chunk: Uint8Array): Promise<BuiltFile> {
    return this.isSmall(chunk) ? this.small(chunk) : this.#leaf(chunk)
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
    await using leaves = new Ahead<BuiltFile>(this.#owner, 'leaf of an added file')
    for await (const chunk of chunks) {
      leaves.begin(() => this.#leaf(chunk))
      if (leaves.size >= leavesAtOnce) yield (await leaves.next()).file
    }
    while (leaves.size > 0) yield (await leaves.next()).file
  }

  async #leaf(chunk: Uint8Array): Promise<BuiltFile> {
    const leaf = leafOf(chunk, this.#profile)
    const file = leafPart(leaf, await hashBlock(leaf.block), this.#profile)
    return { file, over: (await this.#writes.put(file.cid, leaf.block)).over }
  }
}

async function* all<T>(first: T, second: T, rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield first
  yield second
  yield* rest
}
