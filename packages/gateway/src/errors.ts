/** The error class of this package and its codes. */
import type { Fault, FaultKind } from '@ipfs-kit/operations'

interface GatewayErrorEntry {
  readonly kind: FaultKind
  readonly when: string
  readonly next: string
  /** Where the HTTP status of the kind is not precise enough. */
  readonly status?: number
}

/** The codes: when each is answered and what to do. The README's table is held equal to it. */
export const gatewayErrors = {
  GATEWAY_METHOD: {
    kind: 'invalid',
    status: 405,
    when: 'the method is not GET or HEAD (status 405)',
    next: 'Use GET or HEAD; write through the API.',
  },
  GATEWAY_HOST: {
    kind: 'forbidden',
    when: 'the Host header names a host that this gateway does not serve, as in DNS rebinding',
    next: 'Use localhost or 127.0.0.1, or add the name to the hosts of the gateway.',
  },
  GATEWAY_ROUTE: {
    kind: 'not-found',
    when: 'the path is not under /ipfs/',
    next: 'Ask for /ipfs/<cid> or /ipfs/<cid>/<path>.',
  },
  GATEWAY_IPNS: {
    kind: 'invalid',
    status: 501,
    when: 'the path is under /ipns/, which this gateway does not resolve yet (status 501)',
    next: 'Resolve the name to a CID elsewhere and ask for /ipfs/<cid>.',
  },
  GATEWAY_PATH: {
    kind: 'invalid',
    when: 'the path has no CID, is not percent-encoded UTF-8, or has a name that is `.` or `..` or contains `/` or NUL',
    next: 'Percent-encode each name of the path as UTF-8, and write the path without . and .. names.',
  },
  GATEWAY_URL_TOO_LONG: {
    kind: 'too-large',
    status: 414,
    when: 'the URL is longer than maxUrlBytes (status 414)',
    next: 'Start from the CID of a folder further down.',
  },
  GATEWAY_PARAMETER: {
    kind: 'invalid',
    when: 'a query parameter or a parameter of the Accept header has a value that the specification does not know',
    next: 'Use one of the values that the message names.',
  },
  GATEWAY_FORMAT: {
    kind: 'invalid',
    status: 501,
    when: 'a response format or one of its variants is specified but not served here yet (status 501)',
    next: 'Ask for format=raw or format=car, or leave the format out.',
  },
  GATEWAY_CODEC: {
    kind: 'invalid',
    when: 'the content has a codec that cannot be shown as it is',
    next: 'Ask for the block with format=raw.',
  },
  GATEWAY_INNER_PATH: {
    kind: 'invalid',
    status: 501,
    when: 'the path ends at a value inside a node, which has no CID of its own (status 501)',
    next: 'Ask for the node that the message names.',
  },
  GATEWAY_RANGE: {
    kind: 'range',
    when: 'the byte range starts beyond the end of the content',
    next: 'Ask for a range within the size that Content-Range names.',
  },
  GATEWAY_NOT_CACHED: {
    kind: 'not-found',
    status: 412,
    when: 'the request says only-if-cached and a block is not here (status 412)',
    next: 'Ask without only-if-cached, or ask another gateway.',
  },
  GATEWAY_SERVICE_WORKER: {
    kind: 'invalid',
    when: 'a service worker is to be registered for a whole content root without trailing slash',
    next: 'Put the script into a folder below the root and register it for that folder.',
  },
} as const satisfies Record<string, GatewayErrorEntry>

/** Codes of {@link GatewayError}. */
export type GatewayErrorCode = keyof typeof gatewayErrors

/** What this package itself refuses. Faults of the node pass through with their own codes. */
export class GatewayError extends Error implements Fault {
  override readonly name = 'GatewayError'
  readonly code: GatewayErrorCode
  readonly kind: FaultKind
  readonly next: string
  /** HTTP status, where it differs from the one of the kind. */
  readonly status: number | undefined
  /** Headers that belong to this answer, such as `allow`. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: GatewayErrorCode,
    message: string,
    options: ErrorOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message, options)
    const entry: GatewayErrorEntry = gatewayErrors[code]
    this.code = code
    this.kind = entry.kind
    this.next = entry.next
    this.status = entry.status
    this.headers = options.headers ?? {}
  }
}
