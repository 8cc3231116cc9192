/** Replaces a part of a file: keeps the leaves that are not touched, stores new ones, and lays the tree out again above all of them. */
import type { Owner } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { AddWrites } from './add-writes.ts'
import { FileBlocks } from './file-blocks.ts'
import { layOut, type FilePart } from './file-layout.ts'
import { FileLeaves, mostLeaves, tooLarge } from './file-leaves.ts'
import { carrying } from './file-metadata.ts'
import { contradiction, openFile, type GetBlock } from './file-reader.ts'
import { fileShape, type FileShape } from './file-shape.ts'
import type { CidProfile } from './ipfs.ts'
import { checkMetadata, fileFields, type MetadataChange } from './metadata.ts'

/** What files are built with. */
export interface BuildFileOptions extends MetadataChange {
  /** Stores a block; its bytes stay as they are until that is over, and no longer. Up to 128 run at once, in no order. */
  readonly put: (cid: CID, block: Uint8Array) => Promise<unknown>
  /** Default `unixfs-v1-2025`. */
  readonly profile?: CidProfile
  /** Bytes of a leaf, instead of the profile's; 1 to 1,048,576. */
  readonly chunkBytes?: number
  /** Whose tasks the leaves are that are hashed and stored side by side. */
  readonly owner: Owner
  /** Ends the work; its reason passes through. */
  readonly signal: AbortSignal
}

/** What files are changed with. */
export interface EditFileOptions extends BuildFileOptions {
  /** Gives what was put, too. */
  readonly get: GetBlock
}

/** What becomes of a file. */
export interface FileChange {
  /** Its first bytes, so many, stay; all of them if it has less. */
  readonly keep: number
  /** Zeros follow, up to this size. */
  readonly fillTo: number
  /** What is written then. */
  readonly pieces: AsyncIterable<Uint8Array>
  /** Whether its bytes behind those that are written stay, or it ends there. */
  readonly rest: 'kept' | 'cut'
}

/** What files are stored by. */
interface FileWriting extends FileShape {
  readonly files: FileBlocks
  readonly writes: AddWrites
}

/** Has a file stored. Resolves when all its blocks are. */
export async function writing<T>(
  options: BuildFileOptions,
  work: (parts: FileWriting) => Promise<T>,
): Promise<T> {
  const shape = fileShape(options)
  checkMetadata(options)
  const { put, signal, owner } = options
  await using writes = new AddWrites(put, signal)
  const result = await work({ ...shape, files: new FileBlocks({ ...shape, writes, owner }), writes })
  await writes.stored()
  return result
}

/** Changes a file as told by who knows its size; `undefined` leaves it as it is. */
export async function changeFile(
  base: CID,
  tell: (size: number) => FileChange | undefined,
  options: EditFileOptions,
): Promise<FilePart> {
  return writing(options, async ({ files, writes, profile, chunkBytes }) => {
    const leaves = await FileLeaves.open(base, options.get, async (bytes) => (await files.small(bytes)).file)
    const change = tell(leaves.size)
    if (change === undefined) return leaves.whole
    if (change.fillTo > mostLeaves * chunkBytes) throw tooLarge(base)
    const metadata = fileFields(leaves.data, options)
    const replaced = await replace(leaves, change, files, chunkBytes)
    let isJoined = false
    const put = (cid: CID, block: Uint8Array) => {
      isJoined = true
      return writes.put(cid, block)
    }
    const file = await layOut(atMost(replaced, base), { profile, put, metadata })
    if (metadata === undefined || isJoined) return file
    // A leaf carries nothing.
    await writes.stored()
    const leaf = openFile(file.cid, await options.get(file.cid))
    if (leaf === undefined) throw contradiction(file.cid)
    const { block, ...part } = await carrying(leaf, metadata, profile)
    await writes.put(part.cid, block)
    return part
  })
}

/** The leaves of the changed file. */
async function replace(
  leaves: FileLeaves,
  { keep, fillTo, pieces, rest }: FileChange,
  files: FileBlocks,
  chunkBytes: number,
): Promise<AsyncIterable<FilePart>> {
  const kept = Math.min(keep, leaves.size)
  const head = firstTouched(leaves, kept, chunkBytes) < kept ? await leaves.read(kept - 1) : undefined
  const start = head?.start ?? kept
  const before = leaves.upTo(start)
  let after: AsyncIterable<FilePart> | undefined
  const gap = fillTo - kept
  // Zeros that belong to the leaf before them.
  const joined = start === kept ? 0 : (chunkBytes - ((kept - start) % chunkBytes)) % chunkBytes
  // Leaves that are nothing but zeros, without the last, which what follows may share.
  const alike = Math.max(0, Math.floor((gap - joined) / chunkBytes) - 1)

  async function* headAnd(zeros: number): AsyncGenerator<Uint8Array, void, undefined> {
    if (head !== undefined) yield head.bytes.subarray(0, kept - start)
    yield* zerosOf(zeros, chunkBytes)
  }

  async function* fromZeros(zeros: number): AsyncGenerator<Uint8Array, void, undefined> {
    yield* zerosOf(zeros, chunkBytes)
    let end = fillTo
    for await (const piece of pieces) {
      end += piece.byteLength
      yield piece
    }
    if (rest === 'cut' || end >= leaves.size) return
    if (leaves.startOf(end) < end) {
      const tail = await leaves.read(end)
      yield tail.bytes.subarray(end - tail.start)
      end = tail.start + tail.bytes.byteLength
    }
    after = leaves.from(end)
  }

  return (async function* () {
    yield* before
    if (alike > 0) {
      if (start < kept) yield* files.leaves(headAnd(joined))
      yield* files.zeros(alike)
      yield* files.leaves(fromZeros(gap - joined - alike * chunkBytes))
    } else if (rest === 'kept' || start < fillTo || fillTo === 0) {
      // Cut between two leaves a file has no new one, unless it has no other.
      yield* files.leaves(all(headAnd(gap), fromZeros(0)))
    }
    if (after !== undefined) yield* after
  })()
}

async function* zerosOf(bytes: number, pieceBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = bytes; left > 0; left -= pieceBytes) yield new Uint8Array(Math.min(left, pieceBytes))
}

async function* all(
  ...streams: readonly AsyncIterable<Uint8Array>[]
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const stream of streams) yield* stream
}

/** Where the first leaf starts that does not stay: one that is short at the end of the file takes what follows it. */
function firstTouched(leaves: FileLeaves, kept: number, chunkBytes: number): number {
  if (kept < leaves.size) return leaves.startOf(kept)
  const { last } = leaves
  return last !== undefined && last.bytes < chunkBytes ? last.start : kept
}

async function* atMost(
  leaves: AsyncIterable<FilePart>,
  base: CID,
): AsyncGenerator<FilePart, void, undefined> {
  let count = 0
  for await (const leaf of leaves) {
    count += 1
    if (count > mostLeaves) throw tooLarge(base)
    yield leaf
  }
}
