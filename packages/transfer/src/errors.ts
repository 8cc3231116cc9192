/** The error class of this package and its codes. */
import type { FaultKind } from '@ipfs-kit/operations'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const transferErrors = {
  TRANSFER_NOT_SUPPORTED: {
    kind: 'invalid',
    when: 'an end cannot do what the transfer needs of it, such as write, list or delete',
    next: 'Take another end; the message says what this one lacks.',
  },
  TRANSFER_SHAPE: {
    kind: 'invalid',
    when: 'the source is all that is below a key, and the target is one object',
    next: 'End the address of the target with a slash, or name one object as the source.',
  },
  TRANSFER_OVERLAP: {
    kind: 'invalid',
    when: 'source and target are the same, or one of them lies in the other',
    next: 'Take a target that lies outside of the source.',
  },
  TRANSFER_KEY_REFUSED: {
    kind: 'invalid',
    when: 'the target cannot hold a key of the source: it is too long there, or keys are CIDs',
    next: 'Exclude it, rename it, or take a shorter address as the target.',
  },
  TRANSFER_TOO_LARGE: {
    kind: 'invalid',
    when: 'an object of the source is larger than the target takes',
    next: 'Exclude it, or take another target.',
  },
  TRANSFER_SOURCE_MISSING: {
    kind: 'not-found',
    when: 'there is no object at the source, or it was deleted meanwhile',
    next: 'Correct the address; what was deleted cannot be sent.',
  },
  TRANSFER_SOURCE_CHANGED: {
    kind: 'conflict',
    when: 'an object of the source is replaced or deleted while it is read',
    next: 'Transfer it again when it is not being changed.',
  },
  TRANSFER_SOURCE_CORRUPT: {
    kind: 'integrity',
    when: 'the source gives other bytes than its own digest or size says',
    next: 'Restore the object of the source from another copy.',
  },
  TRANSFER_SOURCE_FAILED: {
    kind: 'internal',
    when: 'the source cannot be read; `cause` tells why, and `kind` is that of the cause',
    next: 'Look at `cause`.',
  },
  TRANSFER_TARGET_CHANGED: {
    kind: 'conflict',
    when: 'somebody else has written, replaced or deleted the object of the target meanwhile',
    next: 'Look at what is there now, and transfer again.',
  },
  TRANSFER_TARGET_FULL: {
    kind: 'full',
    when: 'the target has no room for an object',
    next: 'Make room, and transfer again: what has arrived is not sent twice.',
  },
  TRANSFER_TARGET_FAILED: {
    kind: 'internal',
    when: 'the target does not take, show or delete an object; `cause` tells why, and `kind` is that of the cause',
    next: 'Look at `cause`.',
  },
  TRANSFER_NOT_EQUAL: {
    kind: 'integrity',
    when: 'source and target have different bytes: what was written is not what was read, or a verification finds it',
    next: 'Transfer it again; if it comes again, do not trust the target.',
  },
  TRANSFER_MISSING: {
    kind: 'not-found',
    when: 'a verification finds that the target, or an object of a manifest, is not there',
    next: 'Transfer it again.',
  },
  TRANSFER_EXTRA: {
    kind: 'conflict',
    when: 'a verification finds an object that only the target has',
    next: 'Delete it, exclude it, or use `sync` with `extras: delete`.',
  },
  TRANSFER_BAD_MANIFEST: {
    kind: 'corrupt-input',
    when: 'bytes are no manifest in its canonical form, or have more than `maxManifestBytes`',
    next: 'Take the manifest as a migration has written it.',
  },
  TRANSFER_TOO_MANY_FAILURES: {
    kind: 'temporary',
    when: 'more objects have failed than `maxFailures`, or than a job can remember',
    next: 'Remove the cause, which the failures of the objects tell, and transfer again.',
  },
  TRANSFER_INCOMPLETE: {
    kind: 'temporary',
    when: 'a job has done all that it could, and some objects have failed; `kind` is lasting if that is so for all of them',
    next: 'Look at the results of the objects. A retry of the job takes up those that failed.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link TransferError}. */
export type TransferErrorCode = keyof typeof transferErrors

/** The error class of this package. */
export class TransferError extends Error {
  override readonly name = 'TransferError'
  readonly code: TransferErrorCode
  /** That of the code, or of the cause where the place has failed. */
  readonly kind: FaultKind
  readonly next: string

  constructor(
    code: TransferErrorCode,
    message: string,
    options?: ErrorOptions & { readonly kind?: FaultKind },
  ) {
    super(message, options)
    this.code = code
    this.kind = options?.kind ?? transferErrors[code].kind
    this.next = transferErrors[code].next
  }

  /** Whether the same transfer may succeed when it is tried again. */
  get retryable(): boolean {
    return mayPass.has(this.kind)
  }
}

/** Kinds of faults that time, or somebody who makes room, takes away. */
const mayPass: ReadonlySet<FaultKind> = new Set<FaultKind>(['temporary', 'conflict', 'full', 'integrity'])
