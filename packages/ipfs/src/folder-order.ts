/** The order in which a folder has its entries. */
import type { CID } from 'multiformats/cid'
import type { GetBlock } from './file-reader.ts'
import { openFolder } from './folder-node.ts'
import { hashOfName } from './hamt-hash.ts'

/** `names`: a plain folder has its entries by the bytes of their names; `hashes`: a HAMT by the hashes of these. */
export type FolderOrder = 'names' | 'hashes'

/**
 * Tells in which order {@link readFolder} gives the entries of a folder. A plain folder of somebody else may have another one.
 *
 * @param folder - `undefined` is an empty one
 * @throws IpfsError what `get` throws; IPFS_NOT_A_DIRECTORY, IPFS_INVALID_NODE
 */
export async function orderOf(folder: CID | undefined, get: GetBlock): Promise<FolderOrder> {
  return folder !== undefined && (await openFolder(folder, get)).shard !== undefined ? 'hashes' : 'names'
}

/** The key of a name in an order: entries come in the order of the bytes of their keys. */
export function keyOf(name: string, order: FolderOrder): Uint8Array | Promise<Uint8Array> {
  return order === 'hashes' ? hashOfName(name) : Buffer.from(name)
}
