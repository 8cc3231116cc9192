/** Listening on loopback, and ending it. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ServerError } from './errors.ts'

/** Where to listen. */
export interface Endpoint {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

/** An HTTP listener with a handler of its own. */
export interface Listener extends AsyncDisposable {
  readonly server: Server
  readonly url: string
  /** The port it has, also where any was asked for. */
  readonly port: number
}

/**
 * Serves a handler. Closing ends it at once, with its connections.
 *
 * @throws ServerError SERVER_PORT_UNAVAILABLE
 */
export async function openListener(endpoint: Endpoint, handler: RequestListener): Promise<Listener> {
  const server = createServer(handler)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(portError(endpoint, cause)))
    server.listen(endpoint.port, endpoint.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    server,
    port,
    url: urlOf(endpoint.host, port),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}

/** The URL of a host and port. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** A failure to listen, as an answer to who started the server. */
export function portError({ host, port }: Endpoint, cause: unknown): ServerError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  const what = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${code})`
  return new ServerError('SERVER_PORT_UNAVAILABLE', `The port ${port} on ${host} ${what}`, { cause })
}
