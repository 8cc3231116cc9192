/** The error class of this package and its codes. */
import type { FaultKind } from '@ipfs-kit/operations'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const cacheErrors = {
  CACHE_CLOSED: {
    kind: 'temporary',
    when: 'the cache was closed before or during the call',
    next: 'Make another one.',
  },
  CACHE_BAD_SNAPSHOT: {
    kind: 'invalid',
    when: 'what is given as a snapshot is not one that this version makes',
    next: 'Begin without it.',
  },
  CACHE_BAD_REPLAY: {
    kind: 'invalid',
    when: 'a trace cannot be replayed: a line, the policies or the sizes cannot be used; the message says which',
    next: 'Correct what the message names. A trace has a key a line, or a key and its bytes.',
  },
  CACHE_NOT_THERE: {
    kind: 'not-found',
    when: 'the command line is given a folder without a disk cache',
    next: 'Name another folder; a program makes a cache by `openDiskCache`.',
  },
  CACHE_LOCKED: {
    kind: 'conflict',
    when: 'a disk cache is open already in the same folder, by this process or another one, or under the same name on the same store',
    next: 'Close the other one first, or choose another name.',
  },
  CACHE_LOST: {
    kind: 'temporary',
    when: 'a part of a value was evicted or found damaged while the value was read',
    next: 'Bring the value again: it is a miss now.',
  },
  CACHE_TIERS_FAILED: {
    kind: 'temporary',
    when: 'no tier that answered has the value, and one that may have it did not answer',
    next: 'Ask again later; `stats()` and `explain(key)` say which tier fails, and why.',
  },
  CACHE_PUT_TOO_FEW: {
    kind: 'temporary',
    when: 'a put reached fewer tiers than `minCopies`; those that it reached may have the new value',
    next: 'Put it again; the message names the tiers that failed.',
  },
  CACHE_DELETE_PARTIAL: {
    kind: 'temporary',
    when: 'a delete did not reach every tier; those that the message does not name have deleted it',
    next: 'Delete it again.',
  },
  CACHE_BODY_BROKEN: {
    kind: 'integrity',
    when: 'a body ended early or is not that of its key, and no other tier could go on with it',
    next: 'Throw away what has come of it, and read it again.',
  },
  CACHE_NO_VALUE: {
    kind: 'not-found',
    when: 'a value is to be moved or read ahead that no tier has',
    next: 'Put it first, or name another one.',
  },
  CACHE_NO_TIER: {
    kind: 'not-found',
    when: 'a call names a tier that the store does not have',
    next: 'Take one of the names that `stats()` lists.',
  },
  CACHE_TIER_KEEPS: {
    kind: 'invalid',
    when: 'a tier is to be cleared that keeps what it has taken',
    next: 'Delete from it key by key, or clear a tier whose role is `cache`.',
  },
  CACHE_TIER_REFUSES: {
    kind: 'invalid',
    when: 'a value is to be moved to a tier that does not write, or whose rules do not let it in',
    next: 'Take another tier, or other rules.',
  },
  CACHE_TOO_LARGE: {
    kind: 'too-large',
    when: 'a value that is wanted whole has more than `maxValueBytes`',
    next: 'Read it by `get`, piece by piece.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link CacheError}. */
export type CacheErrorCode = keyof typeof cacheErrors

/** The error class of this package. */
export class CacheError extends Error {
  override readonly name = 'CacheError'
  readonly code: CacheErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: CacheErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = cacheErrors[code].kind
    this.next = cacheErrors[code].next
  }
}

export function closed(name: string): CacheError {
  return new CacheError('CACHE_CLOSED', `The cache ${JSON.stringify(name)} is closed`)
}
