/** The order in which a folder has its entries. */
import type { CID } from 'multiformats/cid'
import type { GetBlock } from './file-reader.ts'
import { openFolder } from './folder-node.ts'
import { hashOfName } from './hamt-hash.ts'

/** Gives the key of a name: entries come in the order of the bytes of their keys. */
export type KeyOfName = (name: string) => Uint8Array | Promise<Uint8Array>

/**
 * Tells in which order {@link readFolder} gives the entries of a folder: of a plain one by their names, of a HAMT by the hashes of
 * these.
 *
 * @param folder - `undefined` is an empty one
 * @throws IpfsError what `get` throws; IPFS_NOT_A_DIRECTORY, IPFS_INVALID_NODE
 */
export async function orderOf(folder: CID | undefined, get: GetBlock): Promise<KeyOfName> {
  const isHamt = folder !== undefined && (await openFolder(folder, get)).shard !== undefined
  return isHamt ? hashOfName : (name) => Buffer.from(name)
}
