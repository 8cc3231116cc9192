/** Tells what a block is: a file, a folder, a symbolic link, or another node. */
import { code as dagPbCode, type PBNode } from '@ipld/dag-pb'
import type { Mtime } from 'ipfs-unixfs'
import type { CID } from 'multiformats/cid'
import { decodeBlock, isLeaf } from './codecs.ts'
import { unixfsNode } from './file-reader.ts'

/** What {@link describeNode} tells. */
export interface NodeDescription {
  /** `file`: UnixFS file or raw block; `directory`: UnixFS folder, plain or HAMT; `node`: any other IPLD node. */
  readonly kind: 'file' | 'directory' | 'symlink' | 'node'
  /** Bytes of the file; of a folder: the sum of its entries as its links state it; of a link: of its target; of a node: of its block. */
  readonly size: number
  /** Bytes of the DAG with all its blocks as its links state it. */
  readonly dagBytes: number
  /** Permission bits of a UnixFS node: as stored, else 0644 or 0755. */
  readonly mode?: number
  /** If the node carries it: seconds since the epoch, and nanoseconds where it has them. */
  readonly mtime?: Readonly<Mtime>
  /** Where a symbolic link leads, as its maker wrote it. */
  readonly target?: string
}

/**
 * Tells what a block is. Sizes that links state are only their word: beyond what a number can hold they are cut.
 *
 * @throws IpfsError IPFS_INVALID_NODE when the block does not decode
 */
export function describeNode(cid: CID, bytes: Uint8Array): NodeDescription {
  const block = { size: bytes.byteLength, dagBytes: bytes.byteLength }
  if (isLeaf(cid)) return { kind: 'file', ...block }
  if (cid.code !== dagPbCode) return { kind: 'node', ...block }
  const opened = unixfsNode(cid, bytes)
  const { Links } = opened?.node ?? (decodeBlock(cid, bytes) as PBNode)
  const linked = cut(Links.reduce((sum, link) => sum + (link.Tsize ?? 0), 0))
  const dagBytes = cut(bytes.byteLength + linked)
  if (opened === undefined) return { kind: 'node', size: bytes.byteLength, dagBytes }
  const { unixfs } = opened
  const common = {
    dagBytes,
    ...(unixfs.mode === undefined ? {} : { mode: unixfs.mode }),
    ...(unixfs.mtime === undefined ? {} : { mtime: unixfs.mtime }),
  }
  if (unixfs.isDirectory()) return { kind: 'directory', size: linked, ...common }
  if (unixfs.type === 'file' || unixfs.type === 'raw')
    return { kind: 'file', size: cut(Number(unixfs.fileSize())), ...common }
  if (unixfs.type !== 'symlink') return { kind: 'node', size: bytes.byteLength, ...common }
  const target = unixfs.data ?? new Uint8Array()
  return { kind: 'symlink', size: target.byteLength, target: Buffer.from(target).toString(), ...common }
}

function cut(bytes: number): number {
  return Math.min(bytes, Number.MAX_SAFE_INTEGER)
}
