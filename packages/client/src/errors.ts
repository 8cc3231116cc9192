/** What a call over HTTP can fail with: what the server says, or what lies between here and the server. */
import type { ErrorBody, Fault, FaultKind } from '@ipfs-kit/operations'

/** The codes of this package: when each is thrown and what to do. The README's table is held equal to it. */
export const clientErrors = {
  CLIENT_UNREACHABLE: {
    kind: 'temporary',
    when: 'no connection to the server could be made',
    next: 'Check that the server runs at this URL, then call again.',
  },
  CLIENT_DISCONNECTED: {
    kind: 'temporary',
    when: 'the connection was lost before the end of the answer',
    next: 'Call again; for an operation that writes, look first whether it has happened.',
  },
  CLIENT_BAD_ANSWER: {
    kind: 'internal',
    when: 'the answer is not one that an ipfs-kit server gives',
    next: 'Check that the URL names an ipfs-kit server and no proxy answers for it.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes that this package adds to those of the server. */
export type ClientErrorCode = keyof typeof clientErrors

/** What a {@link ClientError} carries. */
export interface ClientErrorDetails {
  readonly code: string
  readonly kind: FaultKind
  readonly next: string
  /** Id of the call on the server. */
  readonly requestId?: string
  /** HTTP status; absent when there was no answer, and when the error came in the middle of one. */
  readonly status?: number
}

/** A call that failed: with the server's code, or with one of {@link clientErrors}. */
export class ClientError extends Error implements Fault {
  override readonly name = 'ClientError'
  readonly code: string
  readonly kind: FaultKind
  readonly next: string
  readonly requestId: string | undefined
  readonly status: number | undefined

  constructor(message: string, details: ClientErrorDetails, options?: ErrorOptions) {
    super(message, options)
    this.code = details.code
    this.kind = details.kind
    this.next = details.next
    this.requestId = details.requestId
    this.status = details.status
  }
}

/** Kinds by status, for errors that do not say their kind. */
const kinds: Readonly<Record<number, FaultKind>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'invalid',
  409: 'conflict',
  413: 'too-large',
  415: 'media-type',
  416: 'range',
  422: 'corrupt-input',
  499: 'cancelled',
  503: 'temporary',
  507: 'full',
}

const known: ReadonlySet<string> = new Set<FaultKind>([...Object.values(kinds), 'integrity', 'internal'])

/** One of this package's own errors. */
export function clientError(code: ClientErrorCode, message: string, options?: ErrorOptions): ClientError {
  const { kind, next } = clientErrors[code]
  return new ClientError(message, { code, kind, next }, options)
}

/** The error that a server's error body stands for, or `undefined` if it is none. */
export function serverError(body: unknown, status?: number): ClientError | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { code, kind, message, next, requestId } = body as Partial<Record<keyof ErrorBody, unknown>>
  if (typeof code !== 'string' || typeof message !== 'string' || typeof next !== 'string') return undefined
  return new ClientError(message, {
    code,
    kind: isKind(kind) ? kind : (kinds[status ?? 500] ?? 'internal'),
    next,
    ...(typeof requestId === 'string' ? { requestId } : {}),
    ...(status === undefined ? {} : { status }),
  })
}

function isKind(kind: unknown): kind is FaultKind {
  return typeof kind === 'string' && known.has(kind)
}
