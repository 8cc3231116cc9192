/** The error class of this package and its codes. */
import type { FaultKind } from '@ipfs-kit/operations'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const placementErrors = {
  PLACEMENT_POLICY_INVALID: {
    kind: 'invalid',
    when: 'a policy has a key or a value that cannot be used, or contradicts itself; the message says where',
    next: 'Correct what the message names.',
  },
  PLACEMENT_IMPOSSIBLE: {
    kind: 'invalid',
    when: 'the backends that there are cannot meet a policy, also when all of them work; the message says why',
    next: 'Ask for less, or add the backend that is missing.',
  },
  PLACEMENT_CONTENT_INVALID: {
    kind: 'invalid',
    when: 'content has a CID that is none or whose hash is not computed here, or another field that cannot be used',
    next: 'Correct what the message names.',
  },
  PLACEMENT_UNKNOWN: {
    kind: 'not-found',
    when: 'a CID is not in the catalogue, or a call or an operation names a backend that there is not',
    next: 'Add the content first, or take the name of a backend that `stats()` lists.',
  },
  PLACEMENT_NO_SOURCE: {
    kind: 'not-found',
    when: 'no copy could be read whole and with the right digest; the message says what became of each',
    next: 'Bring the content to a backend again, and add it. It is tried again after `retryFailedMs` as well.',
  },
  PLACEMENT_NOT_PROVEN: {
    kind: 'integrity',
    when: 'a backend took a copy and gives back other bytes, or none',
    next: 'Probe the backend: it loses or changes data.',
  },
  PLACEMENT_CATALOG_FAILED: {
    kind: 'internal',
    when: 'the catalogue of copies cannot be read, written or opened',
    next: 'See the cause; check the disk, then open it again. What was acknowledged is there.',
  },
  PLACEMENT_CLOSED: {
    kind: 'temporary',
    when: 'it was closed before or during the call',
    next: 'Open it again.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link PlacementError}. */
export type PlacementErrorCode = keyof typeof placementErrors

/** The error class of this package. */
export class PlacementError extends Error {
  override readonly name = 'PlacementError'
  readonly code: PlacementErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: PlacementErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = placementErrors[code].kind
    this.next = placementErrors[code].next
  }
}
