/** Reads blocks of the tree. */
import type { Blocks } from '@ipfs-kit/blocks'
import type { GetBlock } from '@ipfs-kit/ipfs/unixfs'
import { JournalError } from './errors.ts'
import { storeFailure } from './failure.ts'

/** Gives a block, which has to be there. */
export function getBlockOf(blocks: Pick<Blocks, 'get'>): GetBlock {
  return async (cid, signal) => {
    let bytes: Uint8Array | undefined
    try {
      bytes = await blocks.get(cid, signal === undefined ? {} : { signal })
    } catch (cause) {
      throw storeFailure(cause, `read the block ${cid}`)
    }
    if (bytes !== undefined) return bytes
    throw new JournalError('JOURNAL_BLOCK_MISSING', `The block ${cid} is not here, or is damaged`)
  }
}
