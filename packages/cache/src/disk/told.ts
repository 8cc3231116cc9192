/** What the store throws, in the words of the storage contract, as far as it has any. */
import { BlocksError } from '@ipfs-kit/blocks'
import { StorageError } from '@ipfs-kit/storage'

/** Runs a call on the store. */
export async function told<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof BlocksError)) throw error
    const { code, message } = error
    if (code === 'BLOCKS_FULL' || code === 'BLOCKS_TOO_LARGE') {
      throw new StorageError('STORAGE_FULL', message, { cause: error })
    }
    if (code === 'BLOCKS_CLOSED') throw new StorageError('STORAGE_CLOSED', message, { cause: error })
    throw error
  }
}
