/** The errors of this package. */

/** The kinds of fault that occur here, in the words that all packages share: they decide HTTP status and exit code. */
export type FaultKind =
  | 'invalid'
  | 'conflict'
  | 'full'
  | 'range'
  | 'corrupt-input'
  | 'integrity'
  | 'temporary'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const storageErrors = {
  STORAGE_INVALID_KEY: {
    kind: 'invalid',
    when: 'a key is empty, longer than 1,024 bytes of UTF-8, has a NUL or half a surrogate pair, or is no CID where keys are CIDs',
    next: 'Use a key of 1 to 1,024 bytes of UTF-8 without NUL.',
  },
  STORAGE_INVALID_ADDRESS: {
    kind: 'invalid',
    when: 'a text is not the address of content, or parts do not make one',
    next: 'Write it like the example in the message; percent-encode what is not plain.',
  },
  STORAGE_INVALID_CURSOR: {
    kind: 'invalid',
    when: 'a cursor was not given out by this backend for this prefix',
    next: 'Pass the cursor of the page before with the same prefix, or none to begin again.',
  },
  STORAGE_NOT_SUPPORTED: {
    kind: 'invalid',
    when: 'the backend is asked for what its `supports` says it cannot do',
    next: 'Look at `supports` first, or use another backend.',
  },
  STORAGE_RANGE: {
    kind: 'range',
    when: 'a range begins at or after the end of the object',
    next: 'Ask for an offset below the size that the message names.',
  },
  STORAGE_EXISTS: {
    kind: 'conflict',
    when: 'a put with `ifAbsent` finds that the key has a value',
    next: 'Keep what is there, or put without `ifAbsent`.',
  },
  STORAGE_FULL: {
    kind: 'full',
    when: 'the bytes or entries of a put do not fit into the limits of the backend',
    next: 'Delete something, or raise the limit.',
  },
  STORAGE_SIZE_MISMATCH: {
    kind: 'corrupt-input',
    when: 'the body of a put has more or fewer bytes than `size` says',
    next: 'Send the whole body again, or leave `size` away.',
  },
  STORAGE_PROBE_FAILED: {
    kind: 'integrity',
    when: 'a probe reads back other bytes than it wrote, or still finds what it deleted',
    next: 'Do not use the backend until it is repaired: it loses or changes data.',
  },
  STORAGE_CLOSED: {
    kind: 'temporary',
    when: 'the backend was closed before or during the call',
    next: 'Open the backend again.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link StorageError}. */
export type StorageErrorCode = keyof typeof storageErrors

/** The error class of this package and of every storage backend. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = storageErrors[code].kind
    this.next = storageErrors[code].next
  }
}
