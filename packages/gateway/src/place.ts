/** Where a content path leads, and the CIDs that it passes. */
import type { CID } from 'multiformats/cid'
import { isFault } from '@ipfs-kit/operations'
import { GatewayError } from './errors.ts'
import type { GatewayIpfs } from './node.ts'

/** The end of a content path. */
export interface Place {
  readonly cid: CID
  /**
   * The CID after each name of the path, the last is `cid`. Undefined when there are more than 64, for which a header has no
   * room, or when a name of the path has no CID of its own, as inside a dag-cbor map.
   */
  readonly roots: readonly CID[] | undefined
}

const maxRoots = 64

/**
 * Follows a path name by name, so that each block on the way is read once.
 *
 * @throws what the node's `resolve` throws; GatewayError GATEWAY_INNER_PATH when the path ends inside a node
 */
export async function locate(
  files: Pick<GatewayIpfs['files'], 'resolve'>,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Place> {
  if (names.length <= maxRoots) {
    try {
      return await follow(files, names, signal)
    } catch (error) {
      // The whole path knows better: its message names the whole path, and it may lead through a node without links.
      if (!isFault(error) || names.length === 1) throw error
    }
  }
  return await wholePath(files, names, signal)
}

async function follow(
  files: Pick<GatewayIpfs['files'], 'resolve'>,
  [root = '', ...names]: readonly string[],
  signal: AbortSignal,
): Promise<Place> {
  let cid = await files.resolve(root, { signal })
  const roots = [cid]
  for (const name of names) {
    cid = await files.resolve(`${cid}/${name}`, { signal })
    roots.push(cid)
  }
  return { cid, roots }
}

async function wholePath(
  files: Pick<GatewayIpfs['files'], 'resolve'>,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Place> {
  try {
    return { cid: await files.resolve(names.join('/'), { signal }), roots: undefined }
  } catch (error) {
    if (!isFault(error) || error.code !== 'IPFS_NOT_A_FILE') throw error
    throw new GatewayError('GATEWAY_INNER_PATH', error.message, { cause: error })
  }
}
