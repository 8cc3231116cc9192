/** What can go wrong in general: the part of an error that a door (HTTP, shell) needs to answer in its own terms. */

/**
 * The kind of a fault, shared by the error classes of all packages. It decides the HTTP status and the exit code:
 *
 * - `invalid`: the input is malformed; asking again with the same input fails again.
 * - `unauthenticated`: no token was given.
 * - `forbidden`: a token, host or origin that may not do this.
 * - `not-found`: the thing asked for is not here.
 * - `conflict`: the state of the thing does not allow this.
 * - `too-large`: a limit on size or number was passed.
 * - `full`: the disk or a quota has no room.
 * - `media-type`: a body of a type that the operation does not take.
 * - `range`: a byte range outside the content.
 * - `corrupt-input`: the bytes received do not match what they claim to be.
 * - `integrity`: the bytes stored do not match their CID.
 * - `temporary`: it may work later.
 * - `cancelled`: the caller gave up.
 * - `internal`: a defect or an unexpected failure underneath.
 */
export type FaultKind = keyof typeof faults

/** HTTP status and exit code of a kind of fault. */
export interface FaultAnswer {
  readonly status: number
  readonly exitCode: number
}

const faults = {
  invalid: { status: 400, exitCode: 2 },
  unauthenticated: { status: 401, exitCode: 4 },
  forbidden: { status: 403, exitCode: 4 },
  'not-found': { status: 404, exitCode: 3 },
  conflict: { status: 409, exitCode: 1 },
  'too-large': { status: 413, exitCode: 7 },
  full: { status: 507, exitCode: 7 },
  'media-type': { status: 415, exitCode: 2 },
  range: { status: 416, exitCode: 2 },
  'corrupt-input': { status: 422, exitCode: 8 },
  integrity: { status: 500, exitCode: 8 },
  temporary: { status: 503, exitCode: 5 },
  cancelled: { status: 499, exitCode: 130 },
  internal: { status: 500, exitCode: 1 },
} as const satisfies Record<string, FaultAnswer>

/** An error as every door shows it: the body of an HTTP error, the `error` line of a stream, the JSON on stderr. */
export interface ErrorBody {
  /** Stable name, the API of the error. */
  readonly code: string
  /** Its kind, from which another process gets the exit code; in the middle of a stream there is no status to tell it. */
  readonly kind: FaultKind
  /** What happened, with the value. Not stable. */
  readonly message: string
  /** What to do next. */
  readonly next: string
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** The request in which it happened; it is also in `node.operations`. */
  readonly requestId: string
}

/** The shape that the error classes of all packages share. */
export interface Fault extends Error {
  readonly code: string
  readonly kind: FaultKind
  readonly next: string
}

/** Whether a thrown value is an error of one of our packages. */
export function isFault(error: unknown): error is Fault {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    'kind' in error &&
    typeof error.kind === 'string' &&
    Object.hasOwn(faults, error.kind) &&
    'next' in error &&
    typeof error.next === 'string'
  )
}

/** The status and exit code of a kind. */
export function answerOf(kind: FaultKind): FaultAnswer {
  return faults[kind]
}

/** The codes of this package: when each is thrown and what to do. The README's table is held equal to it. */
export const operationErrors = {
  OPERATION_INVALID_INPUT: {
    kind: 'invalid',
    when: 'the input does not match the schema of the operation',
    next: 'Correct the fields that the message names; the schema is in the description of the operation: OpenAPI, tool or --help.',
  },
  OPERATION_UNKNOWN: {
    kind: 'not-found',
    when: 'no operation has this name',
    next: 'List the operations in the OpenAPI document or with --help.',
  },
  OPERATION_METHOD: {
    kind: 'invalid',
    when: 'the operation is called with an HTTP method that it does not have; the status is 405',
    next: 'Use POST, or GET for an operation that only reads.',
  },
  OPERATION_MEDIA_TYPE: {
    kind: 'media-type',
    when: 'the body has a content type that the operation does not take',
    next: 'Send the content type that the message names.',
  },
  OPERATION_BODY_TOO_LARGE: {
    kind: 'too-large',
    when: 'the body, a file or the number of files passed its limit',
    next: 'Send less at once, or raise the limit in the configuration.',
  },
  OPERATION_BODY_INVALID: {
    kind: 'invalid',
    when: 'the body is missing, is not the JSON or multipart document it says it is, or names a file with an unusable path',
    next: 'Correct the body as the message says.',
  },
  OPERATION_CANCELLED: {
    kind: 'cancelled',
    when: 'the caller went away',
    next: 'Call again.',
  },
  OPERATION_CLOSING: {
    kind: 'temporary',
    when: 'the server closed while the operation ran',
    next: 'Call again when the server is back; what was not answered was not done.',
  },
  OPERATION_INTERNAL: {
    kind: 'internal',
    when: 'the operation failed in a way that no package names',
    next: 'Look up the requestId in the log of the server and report it.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link OperationError}. */
export type OperationErrorCode = keyof typeof operationErrors

/** The error class of this package. */
export class OperationError extends Error implements Fault {
  override readonly name = 'OperationError'
  readonly code: OperationErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: OperationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = operationErrors[code].kind
    this.next = operationErrors[code].next
  }
}

/**
 * Turns whatever was thrown into a fault: ours pass through, an abort becomes `OPERATION_CANCELLED`, the rest
 * `OPERATION_INTERNAL`, which names the request under which its cause is in the log.
 */
export function toFault(error: unknown, requestId?: string): Fault {
  if (isFault(error)) return error
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return new OperationError('OPERATION_CANCELLED', error.message, { cause: error })
  }
  const request = requestId === undefined ? '' : ` (request ${requestId})`
  return new OperationError('OPERATION_INTERNAL', `The operation failed unexpectedly${request}`, {
    cause: error,
  })
}

/** The body that a door shows for a fault. Causes and stacks stay inside. */
export function errorBody(fault: Fault, requestId: string): ErrorBody {
  return {
    code: fault.code,
    kind: fault.kind,
    message: fault.message,
    next: fault.next,
    retryable: fault.kind === 'temporary',
    requestId,
  }
}
