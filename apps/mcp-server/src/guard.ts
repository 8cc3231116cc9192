/** Who may ask: Host and Origin of every request, and the token of those to REST and MCP. */
import type { Tokens } from '@ipfs-kit/credentials'
import type { Scope } from '@ipfs-kit/operations'
import type { FastifyRequest } from 'fastify'
import { ServerError } from './errors.ts'

/** Who presented a token. */
export interface Identity {
  /** Name of the token, never its text. */
  readonly id: string
  readonly scopes: readonly Scope[]
}

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/**
 * Refuses what another web page could send: a Host that is not this machine (DNS rebinding, also behind a name that
 * resolves here), and an Origin other than the one that was called. A page of the gateway, or of any other program on
 * this machine, has the same host and another port, and so another origin. Programs send no Origin and pass.
 *
 * @throws ServerError SERVER_HOST_REFUSED, SERVER_ORIGIN_REFUSED
 */
export function checkSource({ url, headers: { host: named = '', origin } }: FastifyRequest): void {
  // A URL with a host of its own outranks the header (RFC 9112, section 3.2.2).
  const host = /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? named
  const name = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase()
  if (name === undefined || !loopbackNames.includes(name)) {
    throw new ServerError('SERVER_HOST_REFUSED', `The host ${shown(host)} is not served here`)
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    throw new ServerError('SERVER_ORIGIN_REFUSED', `The origin ${shown(origin)} may not call this server`)
  }
}

/**
 * Finds out who asks, by `Authorization: Bearer <token>`.
 *
 * @throws ServerError SERVER_TOKEN_MISSING, SERVER_TOKEN_WRONG
 */
export function identify(request: FastifyRequest, tokens: Pick<Tokens, 'verify'>): Identity {
  return holderOf(bearerOf(request), tokens)
}

/**
 * The same for a WebSocket. A page cannot send headers with one: it offers the subprotocol `bearer.<token>` beside that of the
 * messages. A token is never in a URL, which ends up in logs and histories.
 *
 * @throws ServerError SERVER_TOKEN_MISSING, SERVER_TOKEN_WRONG
 */
export function identifySocket(request: FastifyRequest, tokens: Pick<Tokens, 'verify'>): Identity {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim())
  const carrier = offered.find((one) => one.startsWith('bearer.'))
  return holderOf(bearerOf(request) ?? carrier?.slice('bearer.'.length), tokens)
}

function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

function holderOf(presented: string | undefined, tokens: Pick<Tokens, 'verify'>): Identity {
  if (presented === undefined)
    throw new ServerError('SERVER_TOKEN_MISSING', 'The request has no bearer token')
  const identity = tokens.verify(presented)
  if (identity === undefined) throw new ServerError('SERVER_TOKEN_WRONG', 'The token is not one of this home')
  return identity
}

/** @throws ServerError SERVER_SCOPE */
export function checkScope(
  identity: Identity,
  operation: { readonly name: string; readonly scope: Scope },
): void {
  if (identity.scopes.includes(operation.scope)) return
  throw new ServerError(
    'SERVER_SCOPE',
    `${operation.name} needs the scope ${operation.scope}, which the token lacks`,
  )
}

/** What a client wrote, for a message: quoted, and not longer than it needs. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
