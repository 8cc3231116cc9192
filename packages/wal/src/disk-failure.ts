/** What a failure of the disk is for the users of the log. */
import { DiskError } from '@ipfs-kit/disk'
import { WalError } from './errors.ts'

/** The log's error for what the disk threw while something was done; other errors pass through. */
export function diskFailure(cause: unknown, what: string): Error {
  if (!(cause instanceof DiskError)) return cause instanceof Error ? cause : new Error(String(cause))
  if (cause.code === 'DISK_FULL') {
    return new WalError('WAL_FULL', `Could not ${what}: the volume is full`, { cause })
  }
  if (cause.code === 'DISK_LOCKED') {
    return new WalError('WAL_LOCKED', `Could not ${what}: somebody else has it`, { cause })
  }
  return new WalError('WAL_IO', `Could not ${what}: ${cause.message}`, { cause })
}
