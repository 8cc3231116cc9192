/** The error class of the server and its codes. */
import type { Fault, FaultKind } from '@ipfs-kit/operations'

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
    when: 'a web page of another origin made the request',
    next: 'Call the server from its own page or from a program.',
  },
  SERVER_NOT_FOUND: {
    kind: 'not-found',
    when: 'no route of the server has this path',
    next: 'See /api/v1/openapi.json for the operations; /mcp, /healthz, /readyz and /metrics are besides them.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link ServerError}. */
export type ServerErrorCode = keyof typeof serverErrors

/** What the server throws and answers by itself; the operations have their own errors. */
export class ServerError extends Error implements Fault {
  override readonly name = 'ServerError'
  readonly code: ServerErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = serverErrors[code].kind
    this.next = serverErrors[code].next
  }
}
