/** One change at a time, of all processes. */
import { now, sleep } from '@ipfs-kit/concurrency'
import { DiskError, nodeDisk } from '@ipfs-kit/disk'
import type { DiskLock } from '@ipfs-kit/disk'
import { CredentialsError } from './errors.ts'
import { unwritable } from './private-file.ts'

const defaultWaitMs = 10_000
const pollMs = 10

/** What a change takes. */
export interface ChangeOptions {
  /** Ends the waiting, not the change; its reason passes through untouched. */
  readonly signal?: AbortSignal | undefined
  /** How long to wait for the changes of others, in milliseconds. Default 10,000. */
  readonly waitMs?: number
}

/**
 * Does a change while nobody else does one. The system frees the lock when the process dies, however it dies.
 *
 * @param file - the file that is the lock; made if it is missing
 * @throws CredentialsError `CREDENTIALS_BUSY`, `CREDENTIALS_UNWRITABLE`, and what the change throws
 */
export async function withChangeLock<T>(
  file: string,
  { signal, waitMs = defaultWaitMs }: ChangeOptions,
  change: () => Promise<T>,
): Promise<T> {
  const lock = await take(file, waitMs, signal)
  try {
    return await change()
  } finally {
    await lock.close()
  }
}

async function take(file: string, waitMs: number, signal: AbortSignal | undefined): Promise<DiskLock> {
  const deadline = now() + waitMs
  for (;;) {
    signal?.throwIfAborted()
    try {
      return await nodeDisk().lock(file)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (error.code !== 'DISK_LOCKED') throw unwritable(file, error)
      if (now() >= deadline) {
        throw new CredentialsError(
          'CREDENTIALS_BUSY',
          `${file} was held by others for ${waitMs / 1000} seconds`,
        )
      }
    }
    await sleep(pollMs, { signal })
  }
}
