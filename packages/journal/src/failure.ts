/** What failures of the log and of the block store are for the users of the journal. */
import { BlocksError } from '@ipfs-kit/blocks'
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
}

/** The journal's error for what log or block store threw while something was done; other errors pass through. */
export function storeFailure(cause: unknown, what: string): unknown {
  if (!(cause instanceof WalError) && !(cause instanceof BlocksError)) return cause
  const code = codes[cause.code] ?? 'JOURNAL_FAILED'
  return new JournalError(code, `Could not ${what}: ${cause.message}`, { cause })
}
