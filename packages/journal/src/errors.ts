/** The error class of this package and its codes. */
import type { Fault, FaultKind } from '@ipfs-kit/operations'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const journalErrors = {
  JOURNAL_INVALID_PATH: {
    kind: 'invalid',
    when: 'a path does not begin with a slash, has a `.` or a `..`, a NUL or a lone surrogate, a name that ends in a backslash, or is too long',
    next: 'Give a path such as /models/weights.bin.',
  },
  JOURNAL_NOT_FOUND: {
    kind: 'not-found',
    when: 'nothing is at the path, or a folder on the way to it is missing',
    next: 'List the folder that the message names; make it with parents.',
  },
  JOURNAL_EXISTS: {
    kind: 'conflict',
    when: 'something is there already, and it is not to be replaced',
    next: 'Choose another path, or remove what is there.',
  },
  JOURNAL_NOT_A_FOLDER: {
    kind: 'invalid',
    when: 'a folder is needed and a file is there',
    next: 'Choose another path.',
  },
  JOURNAL_NOT_A_FILE: {
    kind: 'invalid',
    when: 'a file is needed and something else is there',
    next: 'List it, or choose another path.',
  },
  JOURNAL_RANGE: {
    kind: 'range',
    when: 'a reading is to begin behind the end of the file',
    next: 'Ask stat for its size, and begin before it.',
  },
  JOURNAL_CONFLICT: {
    kind: 'conflict',
    when: 'what a change was made for, or a transaction has used, was changed by somebody else meanwhile',
    next: 'Look at the path that the message names, and try again.',
  },
  JOURNAL_TRANSACTION_ENDED: {
    kind: 'conflict',
    when: 'a transaction is used that was committed, rolled back, or open for too long',
    next: 'See how it ended with transactions; begin another one.',
  },
  JOURNAL_TRANSACTION_UNKNOWN: {
    kind: 'not-found',
    when: 'no transaction has the id: it ended long ago, or the journal was opened anew since it began',
    next: 'Begin another one.',
  },
  JOURNAL_TOO_MANY_TRANSACTIONS: {
    kind: 'temporary',
    when: 'as many transactions are open as may be',
    next: 'Commit or roll back some of those that transactions lists, or wait until they expire.',
  },
  JOURNAL_INVALID_NAME: {
    kind: 'invalid',
    when: 'a name of a snapshot is empty, has more than 64 bytes, a slash or a control character, or is `.` or `..`',
    next: 'Give a name such as before-upgrade.',
  },
  JOURNAL_SNAPSHOT_EXISTS: {
    kind: 'conflict',
    when: 'a snapshot has the name already',
    next: 'Choose another name, or remove that one first.',
  },
  JOURNAL_TOO_MANY_SNAPSHOTS: {
    kind: 'too-large',
    when: 'there are 200 snapshots',
    next: 'Remove some that are not needed any more.',
  },
  JOURNAL_VERSION_UNKNOWN: {
    kind: 'not-found',
    when: 'no snapshot has the name, or no checkpoint that is kept has the number',
    next: 'See snapshots and checkpoints.',
  },
  JOURNAL_LOCKED: {
    kind: 'conflict',
    when: 'another process, or another opener in this one, has the journal open',
    next: 'Close the other one first.',
  },
  JOURNAL_NOT_THERE: {
    kind: 'not-found',
    when: 'a command is given a folder that has no journal, or no blocks',
    next: 'Correct the path. A journal is made by whoever writes to it first.',
  },
  JOURNAL_NOT_EMPTY: {
    kind: 'conflict',
    when: 'a folder that has entries is to be removed or replaced',
    next: 'Remove it with recursive.',
  },
  JOURNAL_INTO_ITSELF: {
    kind: 'invalid',
    when: 'a folder is to be moved to a place below itself, or the root is to be moved or removed',
    next: 'Choose a path outside.',
  },
  JOURNAL_READ_ONLY: {
    kind: 'invalid',
    when: 'a change is to be made in a mount that is read-only',
    next: 'Copy what is there to another path, or mount it as writable.',
  },
  JOURNAL_MOUNTED: {
    kind: 'conflict',
    when: 'what is to be removed or replaced is a mount, or has one in it',
    next: 'Unmount the path that the message names.',
  },
  JOURNAL_NOT_MOUNTED: {
    kind: 'invalid',
    when: 'a path is to be unmounted that is no mount',
    next: 'See with stat what is there; remove it with rm.',
  },
  JOURNAL_NO_TIERS: {
    kind: 'invalid',
    when: 'a call is about tiers, and the journal was opened without any',
    next: 'Open it with the option tiers; a node gives those of its cache.',
  },
  JOURNAL_TIER_UNKNOWN: {
    kind: 'not-found',
    when: 'no tier has the name',
    next: 'Give one of those that the message names.',
  },
  JOURNAL_TOO_LARGE: {
    kind: 'too-large',
    when: 'a change does not fit into one record of the log, a file would have more than 4,194,304 leaves, or attributes are too large or too many',
    next: 'Change less at once.',
  },
  JOURNAL_FULL: {
    kind: 'full',
    when: 'the volume, or the block store, has no room; nothing was changed',
    next: 'Free some room, and try again. What was removed takes its room as long as a snapshot or a checkpoint has it: see checkpoint with keep.',
  },
  JOURNAL_BLOCK_MISSING: {
    kind: 'integrity',
    when: 'a block of the tree is not in the block store, or is damaged there',
    next: 'See verify; restore the path from a checkpoint or a snapshot, or import the content again.',
  },
  JOURNAL_CONTENT_MISSING: {
    kind: 'not-found',
    when: 'content that is to be put or mounted by its CID is not here, or not all of it',
    next: 'Check the CID; add or import the content first, with all its blocks.',
  },
  JOURNAL_INVALID_DAG: {
    kind: 'invalid',
    when: 'the parts of a file, a folder or another DAG contradict each other, or have a codec that is not known',
    next: 'Import the content again, from where it was made.',
  },
  JOURNAL_INVALID_CURSOR: {
    kind: 'invalid',
    when: 'the cursor of a list is none that a page of it gave',
    next: 'Begin the list anew, without a cursor.',
  },
  JOURNAL_STORE_FAILED: {
    kind: 'internal',
    when: 'the disk, or the block store, failed to read or write; nothing was changed',
    next: 'See the cause; check the disk, and try again.',
  },
  JOURNAL_DAMAGED: {
    kind: 'integrity',
    when: 'records that were acknowledged are missing or cannot be read',
    next: 'See the findings of the log; what is before them was recovered.',
  },
  JOURNAL_FORMAT_TOO_NEW: {
    kind: 'invalid',
    when: 'a record was written by a newer version',
    next: 'Use that version, or a newer one.',
  },
  JOURNAL_FAILED: {
    kind: 'internal',
    when: 'the log failed to take a record, and takes nothing any more',
    next: 'See the cause; check the disk, then open the journal again.',
  },
  JOURNAL_CLOSED: {
    kind: 'temporary',
    when: 'the journal was closed before or during the call',
    next: 'Open it again.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link JournalError}. */
export type JournalErrorCode = keyof typeof journalErrors

/** What every call of this package rejects with, except for bad arguments (TypeError, RangeError) and aborts (the signal's reason). */
export class JournalError extends Error implements Fault {
  override readonly name = 'JournalError'
  readonly code: JournalErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: JournalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = journalErrors[code].kind
    this.next = journalErrors[code].next
  }
}

/** What is said when there is no journal any more. */
export function journalClosed(cause?: unknown): JournalError {
  return new JournalError('JOURNAL_CLOSED', 'The journal is closed', { cause })
}
