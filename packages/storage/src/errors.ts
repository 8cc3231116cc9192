/** The errors of this package. */

/** The kinds of fault that occur here, in the words that all packages share: they decide HTTP status and exit code. */
export type FaultKind =
  | 'invalid'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'full'
  | 'range'
  | 'corrupt-input'
  | 'integrity'
  | 'temporary'
  | 'internal'

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
  STORAGE_CONFLICT: {
    kind: 'conflict',
    when: 'a put with `ifVersion` finds another version, or no value',
    next: 'Read what is there now, and decide again.',
  },
  STORAGE_CHANGED: {
    kind: 'conflict',
    when: 'an object is replaced, changed or deleted while it is read, where the backend cannot keep the version that is read',
    next: 'Read it again from the beginning.',
  },
  STORAGE_FULL: {
    kind: 'full',
    when: 'the bytes or entries of a put do not fit into the limits of the backend, its disk or its account',
    next: 'Delete something, or raise the limit.',
  },
  STORAGE_SIZE_MISMATCH: {
    kind: 'corrupt-input',
    when: 'the body of a put has more or fewer bytes than `size` says',
    next: 'Send the whole body again, or leave `size` away.',
  },
  STORAGE_CORRUPT: {
    kind: 'integrity',
    when: 'a body has fewer, more or other bytes than were promised with it',
    next: 'Read it again; if it comes again, restore the object from another copy.',
  },
  STORAGE_PROBE_FAILED: {
    kind: 'integrity',
    when: 'a probe reads back other bytes than it wrote, or still finds what it deleted',
    next: 'Do not use the backend until it is repaired: it loses or changes data.',
  },
  STORAGE_DENIED: {
    kind: 'forbidden',
    when: 'the credentials are wrong, have expired, or do not allow the call; or the system does not allow it',
    next: 'Check the credentials and what they allow, or owner and mode of the path that the message names.',
  },
  STORAGE_CLOCK_SKEW: {
    kind: 'forbidden',
    when: 'a service refuses a signature because the clock here differs from its own',
    next: 'Set the clock of this machine.',
  },
  STORAGE_NO_CONTAINER: {
    kind: 'not-found',
    when: 'the bucket or folder in which the objects are is not there',
    next: 'Create it, or correct its name.',
  },
  STORAGE_LOCKED: {
    kind: 'conflict',
    when: 'another process, or another backend in this one, has the place open to write',
    next: 'Close the other one first, or open this one to read.',
  },
  STORAGE_THROTTLED: {
    kind: 'temporary',
    when: 'a service asks for fewer calls',
    next: 'Wait for `retryAfterMs` where it is told, and make fewer calls at once.',
  },
  STORAGE_UNAVAILABLE: {
    kind: 'temporary',
    when: 'a service is not reached, does not answer in time, or fails to answer (5xx)',
    next: 'Try again later, after `retryAfterMs` where it is told.',
  },
  STORAGE_FAILED: {
    kind: 'internal',
    when: 'the place that keeps the objects fails in any other way, which `cause` tells',
    next: 'Look at `cause`; trying again will hardly help.',
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
  /** How long a service asks to wait, in milliseconds; `undefined` where none has said so. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: StorageErrorCode,
    message: string,
    options?: ErrorOptions & { readonly retryAfterMs?: number | undefined },
  ) {
    super(message, options)
    this.code = code
    this.kind = storageErrors[code].kind
    this.next = storageErrors[code].next
    this.retryAfterMs = options?.retryAfterMs
  }
}
