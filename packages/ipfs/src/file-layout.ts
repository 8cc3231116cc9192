/**
 * The nodes of files: leaves, and the balanced tree above them when there are several. They are nodes of our own. The
 * importer's are wrong where a size is from 2 GiB to below 4 GiB: its protobuf writer (protons-runtime 7.1.2) takes the lower
 * half of such a number for a negative one, writes one byte of it and leaves in the other four what was in memory before.
 */
import { code as dagPbCode, encode, prepare } from '@ipld/dag-pb'
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
}

const maxLinks: Readonly<Record<CidProfile, number>> = { 'unixfs-v1-2025': 1024, 'unixfs-v0-2015': 174 }

/** Below this a leaf is not worth memory that threads share. */
const leastSharedBytes = 262_144

/** The CID of a dag-pb node. */
export function nodeCid(hash: CID['multihash'], profile: CidProfile): CID {
  return CID.create(profile === 'unixfs-v0-2015' ? 0 : 1, dagPbCode, hash)
}

/** The leaf that holds a chunk: its bytes as they are, or as the data of a dag-pb node. */
export function leafOf(chunk: Uint8Array, profile: CidProfile): Leaf {
  const block = profile === 'unixfs-v1-2025' ? chunk : wrapped(chunk)
  return { block, bytes: chunk.byteLength }
}

/** A leaf with its hash. */
export function leafPart({ block, bytes }: Leaf, hash: CID['multihash'], profile: CidProfile): FilePart {
  const cid = profile === 'unixfs-v1-2025' ? CID.createV1(rawCode, hash) : nodeCid(hash, profile)
  return { cid, bytes, dagBytes: block.byteLength }
}

/** Joins the leaves of a file, of which there is at least one. A file of one is that leaf. */
export async function layOut(
  leaves: AsyncIterable<FilePart>,
  profile: CidProfile,
  put: (cid: CID, block: Uint8Array) => Promise<unknown>,
): Promise<FilePart> {
  let parts = await level(leaves)
  while (parts.length > 1) parts = await level(parts)
  return parts[0]!

  async function level(below: AsyncIterable<FilePart> | Iterable<FilePart>): Promise<FilePart[]> {
    const joined: FilePart[] = []
    let children: FilePart[] = []
    for await (const part of below) {
      children.push(part)
      if (children.length < maxLinks[profile]) continue
      joined.push(await join(children))
      children = []
    }
    if (joined.length === 0 && children.length === 1) return children
    if (children.length > 0) joined.push(await join(children))
    return joined
  }

  async function join(children: readonly FilePart[]): Promise<FilePart> {
    const bytes = sum(children.map((child) => child.bytes))
    // UnixFS: field 1 type, here 2 (`File`), 3 `filesize`, 4 `blocksizes`, not packed.
    const data = fields([[0x08, 2], [0x18, bytes], ...children.map((child): Field => [0x20, child.bytes])])
    const links = children.map(({ cid, dagBytes }) => ({ Name: '', Tsize: dagBytes, Hash: cid }))
    const block = encode(prepare({ Data: data, Links: links }))
    const hash = await hashBlock(block)
    const cid = nodeCid(hash, profile)
    await put(cid, block)
    return { cid, bytes, dagBytes: block.byteLength + sum(children.map((child) => child.dagBytes)) }
  }
}

/** A dag-pb node (field 1 `Data`) of a UnixFS file: field 1 type, 2 `Data` unless empty, 3 `filesize`. */
function wrapped(chunk: Uint8Array): Uint8Array {
  const size = chunk.byteLength
  const before = fields([[0x08, 2], ...(size === 0 ? [] : [[0x12, size] as const])])
  const after = fields([[0x18, size]])
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
