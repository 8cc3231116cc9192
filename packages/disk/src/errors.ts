/** The error class of this package and its codes. */

/** Which of the causes a failure has; the same words as in `@ipfs-kit/operations`. */
export type FaultKind = 'not-found' | 'conflict' | 'full' | 'forbidden' | 'internal' | 'temporary' | 'invalid'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const diskErrors = {
  DISK_NOT_FOUND: {
    kind: 'not-found',
    when: 'a file or folder is not there (ENOENT, ENOTDIR)',
    next: 'Check the path that the message names.',
  },
  DISK_EXISTS: {
    kind: 'conflict',
    when: 'a file that is to be made is there already, or a folder to be removed is not empty (EEXIST, ENOTEMPTY)',
    next: 'Choose another name, or open the file that is there.',
  },
  DISK_FULL: {
    kind: 'full',
    when: 'the volume or the quota of its user is full (ENOSPC, EDQUOT, EFBIG)',
    next: 'Free some room on the volume.',
  },
  DISK_DENIED: {
    kind: 'forbidden',
    when: 'the system does not allow it (EACCES, EPERM, EROFS)',
    next: 'Check owner, mode and mount of the path that the message names.',
  },
  DISK_IO: {
    kind: 'internal',
    when: 'the device failed to read, write or sync (EIO)',
    next: 'Check the device. What was written since the last sync is in an unknown state.',
  },
  DISK_LOCKED: {
    kind: 'conflict',
    when: 'another process, or another opener in this one, holds the lock',
    next: 'Close the other one first.',
  },
  DISK_CLOSED: {
    kind: 'temporary',
    when: 'a file is used after it was closed, or after the simulated crash of its disk',
    next: 'Open it again.',
  },
  DISK_FAILED: {
    kind: 'internal',
    when: 'the system refused for any other reason; `systemCode` has its name, such as EMFILE',
    next: 'Look the code up in the system’s manual.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link DiskError}. */
export type DiskErrorCode = keyof typeof diskErrors

/** What every disk throws. */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly code: DiskErrorCode
  readonly kind: FaultKind
  readonly next: string
  /** The system's own code, such as `ENOSPC`; absent where no system call failed. */
  readonly systemCode: string | undefined

  constructor(
    code: DiskErrorCode,
    message: string,
    options?: ErrorOptions & { readonly systemCode?: string | undefined },
  ) {
    super(message, options)
    this.code = code
    this.kind = diskErrors[code].kind
    this.next = diskErrors[code].next
    this.systemCode = options?.systemCode
  }
}
