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
    when: 'the volume is full: there is no room for the next segment, or for what a quarantine has to hold',
    next: 'Free some room on the volume, or drop what is not needed, and append again.',
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
    when: 'a read meets a damage that was not there when the log was opened, or one of the snapshot; the log ends before the snapshot',
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
  WAL_BUSY: {
    kind: 'temporary',
    when: 'there are more bytes of unfinished operations than maxUnfinishedBytes',
    next: 'Append again when some have ended, or raise the limit.',
  },
  WAL_CLOSED: {
    kind: 'temporary',
    when: 'the log was closed before or during the call',
    next: 'Open it again.',
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
