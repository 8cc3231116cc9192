/** Stores the blocks of files: read and hashed while those before are written, the bytes in between bounded. */
import { digestOf } from '@ipfs-kit/blocks'
import type { Owner } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import type { AddWrites } from './add-writes.ts'
import { Ahead } from './ahead.ts'
import { ChunkBuffers } from './chunk-buffers.ts'
import { hashNow } from './codecs.ts'
import { chunksOf } from './file-chunks.ts'
import { layOut, leafOf, leafPart, type FilePart } from './file-layout.ts'
import type { CidProfile } from './ipfs.ts'
import { createPause } from './pause.ts'

/** A file whose last block may still be on its way. */
export interface BuiltFile {
  readonly file: FilePart
  /** Resolves when that is over; whether it was stored tell the writes. */
  readonly over?: Promise<void>
}

/** Leaves of a file that are hashed at once at most: as many as keep the threads busy. */
const leavesAtOnce = 8

/** Stores files of one add. */
export class FileBlocks {
  readonly #profile: CidProfile
  readonly #chunkBytes: number
  readonly #writes: AddWrites
  readonly #owner: Owner
  readonly #buffers: ChunkBuffers

  constructor(parts: {
    readonly profile: CidProfile
    readonly chunkBytes: number
    readonly writes: AddWrites
    /** Whose tasks the leaves are. */
    readonly owner: Owner
  }) {
    this.#profile = parts.profile
    this.#chunkBytes = parts.chunkBytes
    this.#writes = parts.writes
    this.#owner = parts.owner
    this.#buffers = new ChunkBuffers(parts.chunkBytes)
  }

  /** Whether a content is one leaf whose bytes are there: then {@link small} does for it. */
  isSmall(content: Uint8Array | AsyncIterable<Uint8Array>): content is Uint8Array {
    return content instanceof Uint8Array && content.byteLength <= this.#chunkBytes
  }

  /** Stores a small file, with fields that it carries. Waits only for room to write. */
  async small(content: Uint8Array, metadata?: Uint8Array): Promise<BuiltFile> {
    const leaf = leafOf(content, this.#profile, metadata)
    const file = leafPart(leaf, hashNow(leaf.block), this.#profile)
    return { file, over: (await this.#writes.put(file.cid, leaf.block)).over }
  }

  /** Stores any file, with fields that it carries. */
  async any(content: Uint8Array | AsyncIterable<Uint8Array>, metadata?: Uint8Array): Promise<BuiltFile> {
    if (this.isSmall(content)) return this.small(content, metadata)
    const pieces = content instanceof Uint8Array ? piecesOf(content) : content
    const chunks = chunksOf(pieces, this.#chunkBytes, this.#buffers)
    try {
      const first = await chunks.next()
      if (first.done === true) throw new TypeError('A content was cut into no chunks')
      const second = await this.#after(first.value, chunks)
      if (second.done === true) return await this.#leaf(first.value, metadata)
      return await this.#tree(all(first.value, second.value, chunks), metadata)
    } finally {
      await chunks.return()
    }
  }

  /** Stores the leaves of a part of a file, or of a whole one, and not what joins them. */
  async *leaves(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<FilePart, void, undefined> {
    const chunks = chunksOf(pieces, this.#chunkBytes, this.#buffers)
    try {
      yield* this.#leaves(chunks)
    } finally {
      await chunks.return()
    }
  }

  /** So many leaves of nothing but zeros: one is stored. */
  async *zeros(count: number): AsyncGenerator<FilePart, void, undefined> {
    const pause = createPause()
    const { file } = await this.small(new Uint8Array(this.#chunkBytes))
    for (let at = 0; at < count; at += 1) {
      yield file
      await pause()
    }
  }

  /** What follows a chunk. If that cannot be told, nobody wants the chunk any more. */
  async #after(
    chunk: Uint8Array,
    chunks: AsyncIterator<Uint8Array, void>,
  ): Promise<IteratorResult<Uint8Array, void>> {
    try {
      return await chunks.next()
    } catch (error) {
      this.#buffers.giveBack(chunk)
      throw error
    }
  }

  async #tree(chunks: AsyncIterable<Uint8Array>, metadata: Uint8Array | undefined): Promise<BuiltFile> {
    const put = (cid: CID, block: Uint8Array) => this.#writes.put(cid, block)
    const file = await layOut(this.#leaves(chunks), { profile: this.#profile, put, metadata })
    await this.#writes.stored()
    return { file }
  }

  async *#leaves(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FilePart, void, undefined> {
    const pause = createPause()
    await using leaves = new Ahead<BuiltFile>(this.#owner, 'leaf of an add')
    for await (const chunk of chunks) {
      leaves.begin(() => this.#leaf(chunk))
      if (leaves.size === leavesAtOnce) yield (await leaves.next()).file
      await pause()
    }
    while (leaves.size > 0) yield (await leaves.next()).file
  }

  /** Stores a chunk, whose memory is of this add. */
  async #leaf(chunk: Uint8Array, metadata?: Uint8Array): Promise<BuiltFile> {
    const leaf = leafOf(chunk, this.#profile, metadata)
    const hashing = digestOf(leaf.block)
    const digest = hashing instanceof Promise ? await hashing : hashing
    const file = leafPart(leaf, createDigest(0x12, digest), this.#profile)
    const stored = (): void => this.#buffers.giveBack(chunk)
    return { file, over: (await this.#writes.put(file.cid, leaf.block, stored, this.#owner)).over }
  }
}

/** Bytes in hand as the pieces of a stream. */
async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

async function* all<T>(first: T, second: T, rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield first
  yield second
  yield* rest
}
