/** Finds one entry of a UnixFS folder, plain or HAMT. */
import type { CID } from 'multiformats/cid'
import { passingCidOf } from './block-links.ts'
import type { GetBlock } from './file-reader.ts'
import { type FolderLink, ownLink } from './folder-link.ts'
import { invalidHamt, openFolder, openShard } from './folder-node.ts'
import { hashOfName, positionAt } from './hamt-hash.ts'

/**
 * The link of a name. Of a HAMT it reads only the shards on the way, one after the other.
 *
 * @returns `undefined` when the folder has no such entry
 * @throws IpfsError what `get` throws; IPFS_NOT_A_DIRECTORY; IPFS_INVALID_NODE when a part of a HAMT is none, or they are more
 * levels than a hash reaches
 */
export async function lookUp(folder: CID, name: string, get: GetBlock): Promise<FolderLink | undefined> {
  const { links, shard: root } = await openFolder(folder, get)
  if (root === undefined) {
    const at = links.find(name)
    return at === -1 ? undefined : ownLink(links.link(at))
  }
  const hash = await hashOfName(name)
  let shard = root
  for (let depth = 0; ; depth += 1) {
    const slot = shard.at(positionAt(hash, depth, shard.bits))
    if (slot === undefined) return undefined
    if (slot.name !== undefined) return slot.name === name ? ownLink(slot.link) : undefined
    if (depth + 1 === shard.levels) throw invalidHamt(folder, slot.link.cid)
    shard = await openShard(folder, passingCidOf(slot.link), shard.bits, get)
  }
}
