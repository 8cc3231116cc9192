/** The error class of this package and its codes. */
import type { FaultKind } from '@ipfs-kit/operations'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const walErrors = {
  WAL_SYNC_FAILED: {
    kind: 'internal',
    when: 'the disk failed to sync: what was appended last is in an unknown state, and the log takes nothing any more',
    next: 'Check the disk, then open the log again. Reading goes on.',
  },
  WAL_FULL: {
    kind: 'full',
    when: 'the volume is full: there is no room for the next segment, for what a quarantine has to hold, or for the index',
    next: 'Free some room on the volume, or drop what is not needed, and append again. The index goes on by itself.',
  },
  WAL_TOO_LARGE: {
    kind: 'too-large',
    when: 'a record is larger than maxRecordBytes, or a batch does not fit into one segment',
    next: 'Append less at once, or raise the limit that the message names.',
  },
  WAL_DROPPED: {
    kind: 'not-found',
    when: 'a read asks for records that were dropped, before it or while it was under way',
    next: 'Read from firstLsn of stats() on.',
  },
  WAL_CORRUPT: {
    kind: 'integrity',
    when: 'a read meets a damage, or what the disk cannot read, that was not there when the log was opened, or one of the snapshot; the log ends before the snapshot',
    next: 'Check the disk. Open it again: what can be read is read on then. A log that ends too early has lost files: put them back.',
  },
  WAL_FORMAT_TOO_NEW: {
    kind: 'invalid',
    when: 'a segment was written by a newer version',
    next: 'Use that version, or a newer one.',
  },
  WAL_LOCKED: {
    kind: 'conflict',
    when: 'another process, or another opener in this one, has the log open',
    next: 'Close the other one first.',
  },
  WAL_IO: {
    kind: 'internal',
    when: 'the disk failed to read, write or list; a record whose write failed may be in the log all the same',
    next: 'See the cause; check the disk.',
  },
  WAL_INDEX_FAILED: {
    kind: 'internal',
    when: 'the index of operations cannot be written or read; what was acknowledged is in the log all the same',
    next: 'See the cause; check the disk and its room, then open the store again: the index is made from snapshot and log.',
  },
  WAL_CLOSED: {
    kind: 'temporary',
    when: 'the log was closed before or during the call',
    next: 'Open it again.',
  },
  WAL_TYPE_UNKNOWN: {
    kind: 'invalid',
    when: 'an operation is of a type that has no handler here',
    next: 'Correct the type, or register a handler for it.',
  },
  WAL_PARAMS_INVALID: {
    kind: 'invalid',
    when: 'the parameters of an operation, or what its handler saves or tells, are not of its schema, not JSON, or too large',
    next: 'Correct what the message names; pass large payloads by their CID.',
  },
  WAL_CID_INVALID: {
    kind: 'invalid',
    when: 'a CID that an operation is to retain while it is unfinished is none, or it names more than 1,000',
    next: 'Correct the CID that the message names, or name the root of what is needed.',
  },
  WAL_DEPENDENCY: {
    kind: 'invalid',
    when: 'an operation depends on one that is not there, has failed or was cancelled',
    next: 'Append without it, or retry the one it depends on first.',
  },
  WAL_KEY_CONFLICT: {
    kind: 'conflict',
    when: 'an idempotency key was used for an operation of another type, backend or parameters, or, within its window, for one that has ended and was let go',
    next: 'Use a key for one thing alone.',
  },
  WAL_BUSY: {
    kind: 'temporary',
    when: 'there are maxUnfinished unfinished operations, or more bytes of them than maxUnfinishedBytes, or a handler tells results faster than they are written',
    next: 'Append again when some have ended, or raise the limit.',
  },
  WAL_NOT_FOUND: {
    kind: 'not-found',
    when: 'there is no operation of this id, or no backend of this name that can be probed',
    next: 'See what there is: jobs list, or wal stats for backends; finished operations are let go after a while.',
  },
  WAL_STATE: {
    kind: 'conflict',
    when: 'the state of the operation does not allow this: it has ended, or it has not',
    next: 'Look at its state, which the message names.',
  },
  WAL_INTERRUPTED: {
    kind: 'temporary',
    when: 'the process of an attempt has ended, or the child process of a handler has ended without an answer or was silent for too long',
    next: 'Nothing while attempts are left: it is tried again. Then see what the message says of its end, and retry it.',
  },
  WAL_MESSAGE_INVALID: {
    kind: 'invalid',
    when: 'a client that follows the log sends what is no message, or asks for a topic in a wrong way',
    next: 'Correct what the message names; the README of the package has the messages.',
  },
  WAL_SUBSCRIPTIONS: {
    kind: 'conflict',
    when: 'a client has as many subscriptions as it may, uses the id of one twice, or ends one that is not there',
    next: 'End subscriptions that are not needed, and give each its own id.',
  },
  WAL_NOT_THERE: {
    kind: 'not-found',
    when: 'a command is to look at a folder that has no log',
    next: 'Name the folder of the log, such as log in $IPFS_KIT_HOME.',
  },
  WAL_NOT_RUNNING: {
    kind: 'conflict',
    when: 'a command waits for an operation that has not ended, in a log that no process has open',
    next: 'Start the server and ask it: ipfs-kit jobs wait.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link WalError}. */
export type WalErrorCode = keyof typeof walErrors

/** What a log throws for what is not the caller's mistake. */
export class WalError extends Error {
  override readonly name = 'WalError'
  readonly code: WalErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: WalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = walErrors[code].kind
    this.next = walErrors[code].next
  }
}
