/** Opens the blocks of folders: that of a plain one, and the shards of a HAMT. */
import { code as dagPbCode, type PBLink } from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import { IpfsError } from './errors.ts'
import { unixfsNode, type GetBlock, type UnixfsNode } from './file-reader.ts'
import type { FolderLink } from './folder-link.ts'
import { hashBits } from './hamt-hash.ts'

/** The root block of a folder. */
export interface FolderNode extends UnixfsNode {
  /** Bytes of the block. */
  readonly blockBytes: number
  /** If it is a HAMT. */
  readonly shard?: Shard
}

/** A block of a HAMT. */
export interface Shard {
  /** Bits of the hash of a name that tell the position in it. */
  readonly bits: number
  /** How many shards are one below the other at most. */
  readonly levels: number
  /** In the order of their positions. */
  readonly slots: readonly Slot[]
}

/** A taken position of a shard. */
export interface Slot {
  readonly position: number
  /** The name of an entry; absent where the link leads to another shard. */
  readonly name?: string
  readonly link: FolderLink
}

/** A shard has at most so many links, as in Kubo. */
const mostFanout = 1024n

/** Reads the root block of a folder. @throws IpfsError what `get` throws; IPFS_NOT_A_DIRECTORY, IPFS_INVALID_NODE */
export async function openFolder(cid: CID, get: GetBlock): Promise<FolderNode> {
  const bytes = cid.code === dagPbCode ? await get(cid) : undefined
  const node = bytes === undefined ? undefined : unixfsNode(cid, bytes)
  if (bytes === undefined || node === undefined || !node.unixfs.isDirectory()) {
    throw new IpfsError('IPFS_NOT_A_DIRECTORY', `${cid} is not a folder`)
  }
  const folder = { ...node, blockBytes: bytes.byteLength }
  return node.unixfs.type === 'directory' ? folder : { ...folder, shard: shardOf(cid, cid, node) }
}

/**
 * Reads a shard that another one leads to.
 *
 * @throws IpfsError what `get` throws; IPFS_INVALID_NODE when it is none, or not of the same HAMT
 */
export async function openShard(root: CID, cid: CID, bits: number, get: GetBlock): Promise<Shard> {
  const node = cid.code === dagPbCode ? unixfsNode(cid, await get(cid)) : undefined
  if (node?.unixfs.type !== 'hamt-sharded-directory') throw invalidHamt(root, cid)
  const shard = shardOf(root, cid, node)
  if (shard.bits !== bits) throw invalidHamt(root, cid)
  return shard
}

/** The link of an entry; what it states is cut to what a number can hold. */
export function folderLink(link: PBLink): FolderLink {
  return { cid: link.Hash, dagBytes: Math.min(link.Tsize ?? 0, Number.MAX_SAFE_INTEGER) }
}

export function invalidHamt(root: CID, part: CID): IpfsError {
  return new IpfsError('IPFS_INVALID_NODE', `The HAMT folder ${root} cannot be read at ${part}`)
}

function shardOf(root: CID, cid: CID, { node, unixfs }: UnixfsNode): Shard {
  const { fanout = 0n } = unixfs
  const bits = Math.log2(Number(fanout))
  if (fanout < 2n || fanout > mostFanout || !Number.isInteger(bits)) throw invalidHamt(root, cid)
  const prefixLength = (fanout - 1n).toString(16).length
  let last = -1
  const slots = node.Links.map((link): Slot => {
    const label = link.Name ?? ''
    const prefix = label.slice(0, prefixLength)
    const position = /^[0-9A-F]+$/.test(prefix) ? Number.parseInt(prefix, 16) : -1
    // The place of a name follows from its hash, so that no two links have one position.
    if (prefix.length < prefixLength || position <= last || BigInt(position) >= fanout)
      throw invalidHamt(root, cid)
    last = position
    const name = label.slice(prefixLength)
    return { position, ...(name === '' ? {} : { name }), link: folderLink(link) }
  })
  return { bits, levels: Math.floor(hashBits / bits), slots }
}
