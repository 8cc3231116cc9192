/** What failures of the log, of the block store, of the disk and of DAGs are for the users of the journal. */
import { BlocksError } from '@ipfs-kit/blocks'
import { DiskError } from '@ipfs-kit/disk'
import { IpfsError } from '@ipfs-kit/ipfs/unixfs'
import { WalError } from '@ipfs-kit/wal'
import { JournalError, type JournalErrorCode } from './errors.ts'

const codes: Readonly<Record<string, JournalErrorCode>> = {
  WAL_FULL: 'JOURNAL_FULL',
  WAL_TOO_LARGE: 'JOURNAL_TOO_LARGE',
  WAL_LOCKED: 'JOURNAL_LOCKED',
  WAL_CLOSED: 'JOURNAL_CLOSED',
  WAL_FORMAT_TOO_NEW: 'JOURNAL_FORMAT_TOO_NEW',
  WAL_CORRUPT: 'JOURNAL_DAMAGED',
  WAL_DROPPED: 'JOURNAL_DAMAGED',
  BLOCKS_FULL: 'JOURNAL_FULL',
  BLOCKS_CLOSED: 'JOURNAL_CLOSED',
  BLOCKS_TOO_LARGE: 'JOURNAL_INVALID_DAG',
  BLOCKS_UNKNOWN_HASH: 'JOURNAL_INVALID_DAG',
  DISK_FULL: 'JOURNAL_FULL',
  DISK_LOCKED: 'JOURNAL_LOCKED',
  IPFS_DAG_TOO_LARGE: 'JOURNAL_TOO_LARGE',
}

/** The journal's error for what one of them threw while something was done; other errors pass through. */
export function storeFailure(cause: unknown, what: string): unknown {
  // Closing what was open already has failed too: what came before that counts.
  if (cause instanceof SuppressedError) return storeFailure(cause.suppressed, what)
  const fallback = fallbackOf(cause)
  if (fallback === undefined) return cause
  const { code, message } = cause as WalError | BlocksError | DiskError | IpfsError
  return new JournalError(codes[code] ?? fallback, `Could not ${what}: ${message}`, { cause })
}

function fallbackOf(cause: unknown): JournalErrorCode | undefined {
  if (cause instanceof WalError) return 'JOURNAL_FAILED'
  if (cause instanceof BlocksError || cause instanceof DiskError) return 'JOURNAL_STORE_FAILED'
  return cause instanceof IpfsError ? 'JOURNAL_INVALID_DAG' : undefined
}
