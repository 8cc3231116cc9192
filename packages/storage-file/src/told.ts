/** What the disk fails with, in the words of the storage contract. */
import { DiskError, type DiskErrorCode } from '@ipfs-kit/disk'
import { StorageError, type StorageErrorCode } from '@ipfs-kit/storage'

const meanings: Readonly<Partial<Record<DiskErrorCode, StorageErrorCode>>> = {
  DISK_FULL: 'STORAGE_FULL',
  DISK_DENIED: 'STORAGE_DENIED',
  DISK_LOCKED: 'STORAGE_LOCKED',
}

/** Runs what uses the disk. @throws StorageError for a DiskError, which is its cause */
export async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw inWords(error)
  }
}

/** The same for an error that was caught. */
export function inWords(error: unknown): unknown {
  if (!(error instanceof DiskError)) return error
  return new StorageError(meanings[error.code] ?? 'STORAGE_FAILED', error.message, { cause: error })
}
