/** Reads the entries of a UnixFS folder, plain or HAMT; the exporter follows a HAMT that lies about its parts without end. */
import { code as dagPbCode, type PBLink } from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import { IpfsError } from './errors.ts'
import { unixfsNode, type GetBlock, type UnixfsNode } from './file-reader.ts'
import type { DirectoryEntry } from './ipfs.ts'

/**
 * Yields the entries in the order of the DAG. Memory: the links of one block at each level of a HAMT, and the CID of each
 * of its parts.
 *
 * @throws IpfsError what `get` throws; IPFS_NOT_A_DIRECTORY; IPFS_INVALID_NODE when a part of a HAMT is none, appears twice,
 * or has a name that is shorter than its prefix
 */
export async function* readFolder(root: CID, get: GetBlock): AsyncGenerator<DirectoryEntry, void, undefined> {
  const folder = root.code === dagPbCode ? unixfsNode(root, await get(root)) : undefined
  if (folder?.unixfs.type === 'directory') {
    for (const link of folder.node.Links) yield entryOf(link, link.Name ?? '')
    return
  }
  if (folder?.unixfs.type !== 'hamt-sharded-directory') {
    throw new IpfsError('IPFS_NOT_A_DIRECTORY', `${root} is not a folder`)
  }
  const parts = new Set([root.toString()])
  const open = [shardOf(root, folder)]
  for (let shard = open.at(-1); shard !== undefined; shard = open.at(-1)) {
    const { value: link, done } = shard.links.next()
    if (done === true) {
      open.pop()
      continue
    }
    const name = link.Name ?? ''
    if (name.length > shard.prefixLength) {
      yield entryOf(link, name.slice(shard.prefixLength))
      continue
    }
    // The place of a name follows from its hash, so that a part cannot be in two places; one that is could be a bomb.
    const cid = link.Hash
    if (name.length < shard.prefixLength || parts.has(cid.toString())) throw invalid(root, cid)
    parts.add(cid.toString())
    const part = cid.code === dagPbCode ? unixfsNode(cid, await get(cid)) : undefined
    if (part?.unixfs.type !== 'hamt-sharded-directory') throw invalid(root, cid)
    open.push(shardOf(cid, part))
  }
}

interface Shard {
  readonly links: Iterator<PBLink, undefined>
  /** Hexadecimal digits before each name. */
  readonly prefixLength: number
}

function shardOf(cid: CID, { node, unixfs }: UnixfsNode): Shard {
  if (unixfs.fanout === undefined || unixfs.fanout < 1n) throw invalid(cid, cid)
  return { links: node.Links.values(), prefixLength: (unixfs.fanout - 1n).toString(16).length }
}

function entryOf(link: PBLink, name: string): DirectoryEntry {
  return { name, cid: link.Hash, size: Math.min(link.Tsize ?? 0, Number.MAX_SAFE_INTEGER) }
}

function invalid(root: CID, part: CID): IpfsError {
  return new IpfsError('IPFS_INVALID_NODE', `The HAMT folder ${root} cannot be read at ${part}`)
}
