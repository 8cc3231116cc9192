/** The error class of the server and its codes. */
import type { Fault, FaultKind } from '@ipfs-kit/operations'

interface ServerErrorEntry {
  readonly kind: FaultKind
  readonly when: string
  readonly next: string
  /** Where the HTTP status of the kind is not precise enough. */
  readonly status?: number
}

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const serverErrors = {
  SERVER_PORT_UNAVAILABLE: {
    kind: 'invalid',
    when: 'a listener cannot have its port, because another program has it or the system refuses it',
    next: 'Choose another port with --port and --gateway-port or in config.toml; 0 takes any free one.',
  },
  SERVER_TOKEN_MISSING: {
    kind: 'unauthenticated',
    when: 'a request to REST or MCP has no token',
    next: 'Send the header "Authorization: Bearer <token>"; the token is in the file that the ready line names.',
  },
  SERVER_TOKEN_WRONG: {
    kind: 'forbidden',
    when: 'the token of a request is not one of this home',
    next: 'Read the token again from the file that the ready line names.',
  },
  SERVER_SCOPE: {
    kind: 'forbidden',
    when: 'the token may not do what the operation does',
    next: 'Use a token with the scope that the message names.',
  },
  SERVER_HOST_REFUSED: {
    kind: 'forbidden',
    when: 'the Host header names another host than the listener (DNS rebinding)',
    next: 'Call the server by the address of the ready line, or by localhost.',
  },
  SERVER_ORIGIN_REFUSED: {
    kind: 'forbidden',
    when: 'a web page of another origin made the request; another port of this machine is another origin',
    next: 'Call the server from its own page or from a program.',
  },
  SERVER_NOT_FOUND: {
    kind: 'not-found',
    when: 'no route of the server has this path',
    next: 'See /api/v1/openapi.json for the operations; /mcp, /healthz, /readyz and /metrics are besides them.',
  },
  SERVER_METHOD: {
    kind: 'invalid',
    status: 405,
    when: 'one of the pages of the server is asked for with another method than GET or HEAD; the status is 405',
    next: 'Use GET.',
  },
  SERVER_UPGRADE_NEEDED: {
    kind: 'invalid',
    status: 426,
    when: 'the path of the WebSocket is asked for without its handshake; the status is 426',
    next: 'Open it as a WebSocket (RFC 6455), or follow /api/v1/jobs/events.',
  },
  SERVER_REQUEST_INVALID: {
    kind: 'invalid',
    when: 'what arrives is not HTTP, or its URL cannot be decoded; 431 when the headers are too large, 408 when they take too long',
    next: 'Send HTTP/1.1 with percent-encoded paths; TLS is not spoken here.',
  },
} as const satisfies Record<string, ServerErrorEntry>

/** Codes of {@link ServerError}. */
export type ServerErrorCode = keyof typeof serverErrors

/** What the server throws and answers by itself; the operations have their own errors. */
export class ServerError extends Error implements Fault {
  override readonly name = 'ServerError'
  readonly code: ServerErrorCode
  readonly kind: FaultKind
  readonly next: string
  /** HTTP status, where it differs from the one of the kind. */
  readonly status: number | undefined

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    const entry: ServerErrorEntry = serverErrors[code]
    this.code = code
    this.kind = entry.kind
    this.next = entry.next
    this.status = entry.status
  }
}
