/** The error class of this package and its codes. */
import type { FaultKind } from '@ipfs-kit/operations'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const blocksErrors = {
  BLOCKS_FULL: {
    kind: 'full',
    when: 'a block does not fit: the quota, the number of entries, or the floor of free room on the volume is reached and nothing more can be evicted',
    next: 'Remove pins and collect, or raise the limit that the message names.',
  },
  BLOCKS_TOO_LARGE: {
    kind: 'too-large',
    when: 'a value is larger than maxValueBytes, or a key longer than 16,384 bytes',
    next: 'Split the value, or raise maxValueBytes.',
  },
  BLOCKS_MISMATCH: {
    kind: 'corrupt-input',
    when: 'the bytes given for a CID do not match it',
    next: 'Fetch the content again from its source.',
  },
  BLOCKS_UNKNOWN_HASH: {
    kind: 'invalid',
    when: 'a CID has a hash function that cannot be computed here, so that its bytes could never be verified',
    next: 'Use sha2-256 or sha2-512.',
  },
  BLOCKS_SYNC_FAILED: {
    kind: 'internal',
    when: 'the disk failed to sync: what was written before is in an unknown state, and nothing durable is taken any more',
    next: 'Check the disk, then open the store again. Reading goes on.',
  },
  BLOCKS_MARK_INCOMPLETE: {
    kind: 'integrity',
    when: 'a claimed DAG has a hole or a damaged interior block, so that what lies behind it is unknown; nothing was freed',
    next: 'Bring the block that the message names again, or remove the claim on its root.',
  },
  BLOCKS_FORMAT_TOO_NEW: {
    kind: 'invalid',
    when: 'the store or one of its packs was written by a newer version',
    next: 'Use that version, or a newer one.',
  },
  BLOCKS_CORRUPT_STORE: {
    kind: 'integrity',
    when: 'the file `store` of the folder is damaged or is not one',
    next: 'Restore the file from a copy, or move the folder away.',
  },
  BLOCKS_NO_STORE: {
    kind: 'not-found',
    when: 'the command is given a folder that has no store',
    next: 'Correct the path. A store is made by whoever writes to it first.',
  },
  BLOCKS_LOCKED: {
    kind: 'conflict',
    when: 'another process, or another opener in this one, has the store open',
    next: 'Close the other one first.',
  },
  BLOCKS_HELD: {
    kind: 'conflict',
    when: 'a delete through the StorageBackend meets a block that an open lease holds',
    next: 'Try again when the add, import or fetch that holds it has ended.',
  },
  BLOCKS_IO: {
    kind: 'internal',
    when: 'the disk failed to read, write or list',
    next: 'See the cause; check the disk.',
  },
  BLOCKS_CLOSED: {
    kind: 'temporary',
    when: 'the store, or the lease, was closed before or during the call',
    next: 'Open it again.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link BlocksError}. */
export type BlocksErrorCode = keyof typeof blocksErrors

/** The error class of this package. */
export class BlocksError extends Error {
  override readonly name = 'BlocksError'
  readonly code: BlocksErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: BlocksErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = blocksErrors[code].kind
    this.next = blocksErrors[code].next
  }
}
