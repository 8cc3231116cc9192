/** Reads a UnixFS file in order, with a range and a bounded read-ahead; the exporter has no bound on what it reads ahead. */
import { code as dagPbCode, type PBNode } from '@ipld/dag-pb'
import type { Owner } from '@ipfs-kit/concurrency'
import { UnixFS } from 'ipfs-unixfs'
import type { CID } from 'multiformats/cid'
import { Ahead } from './ahead.ts'
import type { LinksOf } from './block-cache.ts'
import type { StoreReader } from './block-store.ts'
import { decodeBlock, isLeaf } from './codecs.ts'
import { IpfsError } from './errors.ts'

/** Gives the verified bytes of a block, and gives up at the signal. Default: that of the call it belongs to. */
export type GetBlock = (cid: CID, signal?: AbortSignal) => Promise<Uint8Array>

/** Where a reader has its blocks from. */
export interface FileSource {
  readonly get: GetBlock
  /** Opens a reader that may read ahead along the links that it is told. */
  readonly reader: (linksOf: LinksOf) => StoreReader
  /** Ends the reading. */
  readonly signal: AbortSignal
  /** Whose tasks the reads ahead are. */
  readonly owner: Owner
}

/** A file whose root block was read. */
export interface OpenedFile {
  readonly cid: CID
  /** Bytes of the whole file. */
  readonly size: number
  readonly mode?: number
  readonly mtimeSeconds?: number
  /** The block of the root. */
  readonly bytes: Uint8Array
  /** The root: raw bytes, or the node with its UnixFS data. */
  readonly root: Uint8Array | UnixfsNode
}

/** A dag-pb block with UnixFS data. */
export interface UnixfsNode {
  readonly node: PBNode
  readonly unixfs: UnixFS
}

/** Leaves read before the reader asks for them. Of the default size they are 4 MiB. */
const readAhead = 4

/** Opens the block of a file. `undefined` when it is not a file. @throws IpfsError IPFS_INVALID_NODE, IPFS_UNKNOWN_CODEC */
export function openFile(cid: CID, bytes: Uint8Array): OpenedFile | undefined {
  if (isLeaf(cid)) return { cid, size: bytes.byteLength, bytes, root: bytes }
  if (cid.code !== dagPbCode) return undefined
  const root = unixfsNode(cid, bytes)
  if (root === undefined || (root.unixfs.type !== 'file' && root.unixfs.type !== 'raw')) return undefined
  if (!Number.isSafeInteger(sizeOf(root))) throw contradiction(cid)
  const { mode, mtime } = root.unixfs
  return {
    cid,
    size: sizeOf(root),
    bytes,
    ...(mode === undefined ? {} : { mode }),
    ...(mtime === undefined ? {} : { mtimeSeconds: Number(mtime.secs) }),
    root,
  }
}

/** The UnixFS data of a dag-pb block; `undefined` where it has none. @throws IpfsError IPFS_INVALID_NODE */
export function unixfsNode(cid: CID, bytes: Uint8Array): UnixfsNode | undefined {
  const node = decodeBlock(cid, bytes) as PBNode
  if (node.Data === undefined) return undefined
  try {
    return { node, unixfs: UnixFS.unmarshal(node.Data) }
  } catch (cause) {
    throw new IpfsError('IPFS_INVALID_NODE', `${cid} holds no UnixFS data that can be read`, { cause })
  }
}

/**
 * Yields the bytes from `start` up to `end` (exclusive). Reads interior nodes one by one and up to four leaves ahead; a
 * reader that leaves early cancels those and causes no further ones.
 *
 * @throws IpfsError what `get` throws, and IPFS_INVALID_NODE when sizes inside the DAG contradict each other
 */
export async function* readFile(
  file: OpenedFile,
  start: number,
  end: number,
  { reader, signal, owner }: FileSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (file.root instanceof Uint8Array) {
    // All that there is was read when the file was opened.
    if (end > start) yield file.root.subarray(start, end)
    return
  }
  const slices = plan(file, start, end)
  const wanted = new WantedLinks(file, start, end)
  await using blocks = reader((cid, bytes) => wanted.of(cid, bytes))
  await using leaves = new Ahead<Uint8Array>(owner, 'leaf of a file')
  const reading = AbortSignal.any([signal, leaves.left])
  blocks.pass(file.cid, file.bytes)
  for (let planned = false; ;) {
    while (!planned && leaves.size < readAhead) {
      const next = await slices.next()
      if (next.done === true) planned = true
      else leaves.begin(() => loadSlice(next.value, blocks, reading))
    }
    if (leaves.size === 0) return
    const bytes = await leaves.next()
    if (bytes.byteLength > 0) yield bytes
  }

  async function* plan(root: OpenedFile, from: number, to: number): AsyncGenerator<Slice, void, undefined> {
    if (to <= from) return
    const stack: Part[] = [{ cid: root.cid, start: 0, size: root.size, content: root.root }]
    for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
      // What claims to be empty is not looked into: links upon links of nothing could go on for ever.
      if (part.size === 0 || part.start + part.size <= from || part.start >= to) continue
      const { content } = part
      if (content instanceof Uint8Array || (content === undefined && isLeaf(part.cid))) {
        yield { part, from: Math.max(from - part.start, 0), to: Math.min(to - part.start, part.size) }
        continue
      }
      const node = content ?? fileNode(part, await blocks.get(part.cid, reading))
      const inline = node.unixfs.data
      if (inline !== undefined && inline.byteLength > 0) {
        const own: Part = { cid: part.cid, start: part.start, size: inline.byteLength, content: inline }
        stack.push(...childrenOf(part, node, inline.byteLength), own)
      } else stack.push(...childrenOf(part, node, 0))
    }
  }
}

/** A part of the file: a leaf or a subtree. */
interface Part {
  readonly cid: CID
  /** Where it starts in the file. */
  readonly start: number
  readonly size: number
  /** What it holds, where that is known without a read. */
  readonly content: Uint8Array | UnixfsNode | undefined
}

/** Bytes of one leaf, relative to the leaf. */
interface Slice {
  readonly part: Part
  readonly from: number
  readonly to: number
}

async function loadSlice(
  { part, from, to }: Slice,
  blocks: Pick<StoreReader, 'get'>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const bytes = part.content instanceof Uint8Array ? part.content : await blocks.get(part.cid, signal)
  if (bytes.byteLength !== part.size) throw contradiction(part.cid)
  return from === 0 && to === bytes.byteLength ? bytes : bytes.subarray(from, to)
}

/** The links of a file that its reader will follow, as far as its nodes are known: those with bytes of its range. */
class WantedLinks {
  readonly #start: number
  readonly #end: number
  /** Nodes that were linked to, and where in the file each is. */
  readonly #nodes = new Map<string, Part>()

  constructor({ cid, size, root }: OpenedFile, start: number, end: number) {
    this.#start = start
    this.#end = end
    if (!isLeaf(cid)) this.#nodes.set(cid.toString(), { cid, start: 0, size, content: root })
  }

  /** Each node once: a file that has one twice is read, and not foreseen. */
  of(cid: CID, bytes: Uint8Array): CID[] {
    if (isLeaf(cid)) return []
    const key = cid.toString()
    const part = this.#nodes.get(key)
    if (part === undefined) return []
    this.#nodes.delete(key)
    const children = this.#childrenOf(part, bytes).filter(
      ({ start, size }) => size > 0 && start < this.#end && start + size > this.#start,
    )
    for (const child of children) if (!isLeaf(child.cid)) this.#nodes.set(child.cid.toString(), child)
    return children.map((child) => child.cid)
  }

  /** In their order. What is wrong with a node, its reading tells. */
  #childrenOf(part: Part, bytes: Uint8Array): Part[] {
    try {
      const node = fileNode(part, bytes)
      return childrenOf(part, node, node.unixfs.data?.byteLength ?? 0).reverse()
    } catch (error) {
      if (error instanceof IpfsError) return []
      throw error
    }
  }
}

/** The children of a node as parts, last first, as a stack wants them. */
function childrenOf(parent: Part, { node, unixfs }: UnixfsNode, inlineBytes: number): Part[] {
  if (node.Links.length !== unixfs.blockSizes.length) throw contradiction(parent.cid)
  const parts: Part[] = []
  let start = parent.start + inlineBytes
  for (const [index, link] of node.Links.entries()) {
    const size = Number(unixfs.blockSizes[index])
    parts.push({ cid: link.Hash, start, size, content: undefined })
    start += size
  }
  if (start !== parent.start + parent.size) throw contradiction(parent.cid)
  return parts.reverse()
}

/** The node of a part of a file. @throws IpfsError IPFS_INVALID_NODE when it is none, or of another size */
export function fileNode(part: Pick<Part, 'cid' | 'size'>, bytes: Uint8Array): UnixfsNode {
  const node = part.cid.code === dagPbCode ? unixfsNode(part.cid, bytes) : undefined
  if (
    node === undefined ||
    (node.unixfs.type !== 'file' && node.unixfs.type !== 'raw') ||
    sizeOf(node) !== part.size
  ) {
    throw contradiction(part.cid)
  }
  return node
}

function sizeOf({ unixfs }: UnixfsNode): number {
  return Number(unixfs.fileSize())
}

export function contradiction(cid: CID): IpfsError {
  return new IpfsError(
    'IPFS_INVALID_NODE',
    `The sizes in the DAG of the file contradict each other at ${cid}`,
  )
}
