/**
 * The nodes of files: leaves, and the balanced tree above them when there are several. They are nodes of our own. The
 * importer's are wrong where a size is from 2 GiB to below 4 GiB: its protobuf writer (protons-runtime 7.1.2) takes the lower
 * half of such a number for a negative one, writes one byte of it and leaves in the other four what was in memory before.
 */
import { code as dagPbCode, encode, prepare, type PBLink } from '@ipld/dag-pb'
import { varint } from 'multiformats'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { hashBlock } from './codecs.ts'
import type { CidProfile } from './ipfs.ts'

/** A file, or a part of one. */
export interface FilePart {
  readonly cid: CID
  /** Bytes of content. */
  readonly bytes: number
  /** Bytes of its blocks. */
  readonly dagBytes: number
}

/** A leaf that is not hashed yet. */
export interface Leaf {
  readonly block: Uint8Array
  readonly bytes: number
  /** Whether it is the chunk as it is, and no node. */
  readonly isRaw: boolean
}

const maxLinks: Readonly<Record<CidProfile, number>> = { 'unixfs-v1-2025': 1024, 'unixfs-v0-2015': 174 }

/** Below this a leaf is not worth memory that threads share. */
const leastSharedBytes = 262_144

/** The CID of a dag-pb node. */
export function nodeCid(hash: CID['multihash'], profile: CidProfile): CID {
  return CID.create(profile === 'unixfs-v0-2015' ? 0 : 1, dagPbCode, hash)
}

/**
 * The leaf that holds a chunk: its bytes as they are, or as the data of a dag-pb node.
 *
 * @param metadata - fields of a file that is one leaf: in raw bytes there is no place for them
 */
export function leafOf(chunk: Uint8Array, profile: CidProfile, metadata?: Uint8Array): Leaf {
  const isRaw = profile === 'unixfs-v1-2025' && metadata === undefined
  return { block: isRaw ? chunk : wrapped(chunk, metadata), bytes: chunk.byteLength, isRaw }
}

/** A leaf with its hash. */
export function leafPart(
  { block, bytes, isRaw }: Leaf,
  hash: CID['multihash'],
  profile: CidProfile,
): FilePart {
  const cid = isRaw ? CID.createV1(rawCode, hash) : nodeCid(hash, profile)
  return { cid, bytes, dagBytes: block.byteLength }
}

/** What a file is laid out with. */
export interface LayOutOptions {
  readonly profile: CidProfile
  readonly put: (cid: CID, block: Uint8Array) => Promise<unknown>
  /** Fields that the node carries which joins all others. */
  readonly metadata?: Uint8Array | undefined
}

/** Joins the leaves of a file, of which there is at least one. A file of one is that leaf. */
export async function layOut(
  leaves: AsyncIterable<FilePart>,
  { profile, put, metadata }: LayOutOptions,
): Promise<FilePart> {
  let parts = await level(leaves)
  while (parts.length > 1) parts = await level(parts)
  return parts[0]!

  async function level(below: AsyncIterable<FilePart> | Iterable<FilePart>): Promise<FilePart[]> {
    const joined: FilePart[] = []
    let children: FilePart[] = []
    for await (const part of below) {
      // Whether they are all of them tells the one that follows.
      if (children.length === maxLinks[profile]) {
        joined.push(await join(children))
        children = []
      }
      children.push(part)
    }
    if (joined.length > 0) return [...joined, await join(children)]
    return children.length === 1 ? children : [await join(children, metadata)]
  }

  async function join(children: readonly FilePart[], carried?: Uint8Array): Promise<FilePart> {
    const links = children.map(({ cid, dagBytes }) => ({ Name: '', Tsize: dagBytes, Hash: cid }))
    const sizes = children.map((child) => child.bytes)
    const { block, ...part } = await joinedPart({ links, sizes, metadata: carried }, profile)
    await put(part.cid, block)
    return part
  }
}

/** What a node has that joins others. */
export interface Joined {
  readonly links: readonly PBLink[]
  /** Bytes of content below each link. */
  readonly sizes: readonly number[]
  /** Content that comes before them. */
  readonly data?: Uint8Array | undefined
  /** Fields of the file, if it is the root. */
  readonly metadata?: Uint8Array | undefined
}

/** The node that joins others, with its block. */
export async function joinedPart(
  { links, sizes, data = new Uint8Array(), metadata = new Uint8Array() }: Joined,
  profile: CidProfile,
): Promise<FilePart & { readonly block: Uint8Array }> {
  const bytes = data.byteLength + sum(sizes)
  // UnixFS: field 1 type, here 2 (`File`), 2 `Data` unless empty, 3 `filesize`, 4 `blocksizes`, not packed.
  const unixfs = Buffer.concat([
    fields([[0x08, 2], ...(data.byteLength === 0 ? [] : [[0x12, data.byteLength] as const])]),
    data,
    fields([[0x18, bytes], ...sizes.map((size): Field => [0x20, size])]),
    metadata,
  ])
  const block = encode(prepare({ Data: unixfs, Links: [...links] }))
  const cid = nodeCid(await hashBlock(block), profile)
  return { cid, bytes, dagBytes: block.byteLength + sum(links.map(({ Tsize = 0 }) => Tsize)), block }
}

/** A dag-pb node (field 1 `Data`) of a UnixFS file: field 1 type, 2 `Data` unless empty, 3 `filesize`, then what it carries. */
function wrapped(chunk: Uint8Array, metadata: Uint8Array = new Uint8Array()): Uint8Array {
  const size = chunk.byteLength
  const before = fields([[0x08, 2], ...(size === 0 ? [] : [[0x12, size] as const])])
  const after = Buffer.concat([fields([[0x18, size]]), metadata])
  const outer = fields([[0x0a, before.length + size + after.length]])
  if (size < leastSharedBytes) return Buffer.concat([outer, before, chunk, after])
  // Where a thread can hash it, as the chunk lay.
  const block = Buffer.from(new SharedArrayBuffer(outer.length + before.length + size + after.length))
  block.set(outer)
  block.set(before, outer.length)
  block.set(chunk, outer.length + before.length)
  block.set(after, outer.length + before.length + size)
  return block
}

type Field = readonly [tag: number, value: number]

/** Protobuf fields that are numbers, and lengths of what follows them. */
function fields(values: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(sum(values.map(([, value]) => 1 + varint.encodingLength(value))))
  let at = 0
  for (const [tag, value] of values) {
    bytes[at] = tag
    varint.encodeTo(value, bytes, at + 1)
    at += 1 + varint.encodingLength(value)
  }
  return bytes
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
