/** Opens the blocks of folders: that of a plain one, and the shards of a HAMT. */
import { code as dagPbCode } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import type { CID } from 'multiformats/cid'
import { blockLinks, type BlockLinks } from './block-links.ts'
import { IpfsError } from './errors.ts'
import type { GetBlock } from './file-reader.ts'
import { fanout as usualFanout, isBareShard } from './folder-data.ts'
import type { FolderLink } from './folder-link.ts'
import { hashBits } from './hamt-hash.ts'

/** The root block of a folder. */
export interface FolderNode {
  readonly links: BlockLinks
  /** Its UnixFS data. */
  readonly data: Uint8Array
  /** If it is a HAMT. */
  readonly shard?: Shard
}

/** An entry of a HAMT. */
export interface Entry {
  readonly name: string
  readonly link: FolderLink
}

/** A shard that another one leads to. It has no name. */
export interface Part {
  readonly name?: undefined
  readonly link: FolderLink
}

/** A taken position of a shard. */
export type Slot = (Entry | Part) & { readonly position: number }

const bareShard = new UnixFS({ type: 'hamt-sharded-directory', fanout: BigInt(usualFanout) })

/** A shard has at most so many links, as in Kubo. */
const mostFanout = 1024n

/** A block of a HAMT. */
export class Shard {
  /** Bits of the hash of a name that tell the position in it. */
  readonly bits: number
  /** How many shards are one below the other at most. */
  readonly levels: number
  readonly links: BlockLinks
  /** The position of each link, in their order. */
  readonly positions: Uint16Array
  readonly #prefixLength: number

  constructor(links: BlockLinks, bits: number, positions: Uint16Array) {
    this.bits = bits
    this.levels = Math.floor(hashBits / bits)
    this.links = links
    this.positions = positions
    this.#prefixLength = prefixLengthOf(bits)
  }

  /** In the order of their positions, from one on. */
  *slots(from = 0): Generator<Slot, undefined, undefined> {
    for (const [at, position] of this.positions.entries()) if (position >= from) yield this.#slot(at)
    return undefined
  }

  /** What is at a position. */
  at(position: number): Slot | undefined {
    const at = this.positions.indexOf(position)
    return at === -1 ? undefined : this.#slot(at)
  }

  #slot(at: number): Slot {
    const position = this.positions[at]!
    const name = this.links.name(at).slice(this.#prefixLength)
    const link = this.links.link(at)
    return name === '' ? { position, link } : { position, name, link }
  }
}

/** Of blocks that somebody holds: who looks for many names in one opens it once. A small one is opened sooner than it is found here. */
const opened = new WeakMap<Uint8Array, FolderNode>()
const smallBytes = 2048

/** Reads the root block of a folder. @throws IpfsError what `get` throws; IPFS_NOT_A_DIRECTORY, IPFS_INVALID_NODE */
export async function openFolder(cid: CID, get: GetBlock): Promise<FolderNode> {
  const node = cid.code === dagPbCode ? openNode(cid, cid, await get(cid)) : undefined
  if (node === undefined) throw new IpfsError('IPFS_NOT_A_DIRECTORY', `${cid} is not a folder`)
  return node
}

/**
 * Reads a shard that another one leads to.
 *
 * @throws IpfsError what `get` throws; IPFS_INVALID_NODE when it is none, or not of the same HAMT
 */
export async function openShard(root: CID, cid: CID, bits: number, get: GetBlock): Promise<Shard> {
  const node = cid.code === dagPbCode ? openNode(root, cid, await get(cid)) : undefined
  if (node?.shard?.bits !== bits) throw invalidHamt(root, cid)
  return node.shard
}

/** The folder or shard that a block is; nothing if it is neither. */
function openNode(root: CID, cid: CID, bytes: Uint8Array): FolderNode | undefined {
  const before = bytes.byteLength > smallBytes ? opened.get(bytes) : undefined
  if (before !== undefined) return before
  const links = blockLinks(cid, bytes)
  const { data } = links
  if (data === undefined) return undefined
  const unixfs = isBareShard(data) ? bareShard : unixfsOf(cid, data)
  if (!unixfs.isDirectory()) return undefined
  const isPlain = unixfs.type === 'directory'
  const node = isPlain ? { links, data } : { links, data, shard: shardOf(root, cid, links, unixfs.fanout) }
  if (bytes.byteLength > smallBytes) opened.set(bytes, node)
  return node
}

export function invalidHamt(root: CID, part: CID): IpfsError {
  return new IpfsError('IPFS_INVALID_NODE', `The HAMT folder ${root} cannot be read at ${part}`)
}

function unixfsOf(cid: CID, data: Uint8Array): UnixFS {
  try {
    return UnixFS.unmarshal(data)
  } catch (cause) {
    throw new IpfsError('IPFS_INVALID_NODE', `${cid} holds no UnixFS data that can be read`, { cause })
  }
}

function shardOf(root: CID, cid: CID, links: BlockLinks, fanout = 0n): Shard {
  const bits = Math.log2(Number(fanout))
  if (fanout < 2n || fanout > mostFanout || !Number.isInteger(bits)) throw invalidHamt(root, cid)
  const positions = new Uint16Array(links.count)
  const digits = prefixLengthOf(bits)
  for (let at = 0, last = -1; at < links.count; at += 1) {
    const position = links.hexOf(at, digits)
    // The place of a name follows from its hash, so that no two links have one position.
    if (position === undefined || position <= last || position >= fanout) throw invalidHamt(root, cid)
    positions[at] = position
    last = position
  }
  return new Shard(links, bits, positions)
}

/** How many digits of a label are a position. */
function prefixLengthOf(bits: number): number {
  return (2 ** bits - 1).toString(16).length
}
