/** What the store throws, in the words of the storage contract, as far as it has any. */
import { StorageError } from '@ipfs-kit/storage'
import { BlocksError } from './errors.ts'

/**
 * Runs a call on a store for a storage backend.
 *
 * @throws StorageError `STORAGE_FULL`, `STORAGE_INVALID_KEY` or `STORAGE_CLOSED` in the place of a BlocksError that says the
 *   same, which is its `cause`; everything else untouched
 */
export async function told<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof BlocksError)) throw error
    const { code, message } = error
    if (code === 'BLOCKS_FULL' || code === 'BLOCKS_TOO_LARGE') {
      throw new StorageError('STORAGE_FULL', message, { cause: error })
    }
    if (code === 'BLOCKS_MISMATCH' || code === 'BLOCKS_UNKNOWN_HASH') {
      throw new StorageError('STORAGE_INVALID_KEY', message, { cause: error })
    }
    if (code === 'BLOCKS_CLOSED') throw new StorageError('STORAGE_CLOSED', message, { cause: error })
    throw error
  }
}
