/** What the errors of the pack store are for the users of the node. */
import { BlocksError, type BlocksErrorCode } from '@ipfs-kit/blocks'
import { IpfsError, type IpfsErrorCode } from './errors.ts'

/** What is not among them is a failure of the store. */
const codes: Readonly<Partial<Record<BlocksErrorCode, IpfsErrorCode>>> = {
  BLOCKS_FULL: 'IPFS_STORE_FULL',
  BLOCKS_TOO_LARGE: 'IPFS_BLOCK_TOO_LARGE',
  BLOCKS_MISMATCH: 'IPFS_BLOCK_MISMATCH',
  BLOCKS_UNKNOWN_HASH: 'IPFS_UNKNOWN_HASH',
  BLOCKS_MARK_INCOMPLETE: 'IPFS_GC_INCOMPLETE',
  BLOCKS_CLOSED: 'IPFS_CLOSED',
}

/** The node's error for one of the store; every other error as it is. */
export function storeFailure(error: unknown): unknown {
  if (!(error instanceof BlocksError)) return error
  const { code, message } = error
  if (code === 'BLOCKS_LOCKED') {
    return new IpfsError('IPFS_STORE_FAILED', 'The folder is open in another process or node', {
      cause: error,
    })
  }
  return new IpfsError(codes[code] ?? 'IPFS_STORE_FAILED', message, { cause: error })
}
