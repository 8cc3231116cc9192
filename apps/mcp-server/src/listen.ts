/** Listening on loopback: connections are bounded, and what is no HTTP gets an answer too. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createEvent, type Resume, shield, suspend } from '@ipfs-kit/concurrency'
import { answerOf, errorBody } from '@ipfs-kit/operations'
import { ServerError } from './errors.ts'

// An import would read every export of the module, and with that load `fetch` and web sockets, which nobody uses here.
const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http')

/** Where to listen. */
export interface Endpoint {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

/** What becomes of requests that want to go on with another protocol. */
export interface Upgrades {
  /** Whether it is one; any other is answered as if it had not asked. */
  accepts(request: IncomingMessage): boolean
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** An HTTP listener with a handler of its own. */
export interface Listener extends AsyncDisposable {
  readonly server: Server
  readonly url: string
  /** The port it has, also where any was asked for. */
  readonly port: number
  /** Takes no new connections; those that are there go on. Disposing it cuts them. */
  stop(): void
}

const maxConnections = 1024
const settings = {
  // A request without Host reaches the handler, which refuses it in its own words.
  requireHostHeader: false,
  headersTimeout: 60_000,
  // A day for a whole upload; silence on the way is bounded by who reads it.
  requestTimeout: 86_400_000,
}

/**
 * Serves a handler. Closing ends it at once, with its connections.
 *
 * @throws ServerError SERVER_PORT_UNAVAILABLE
 */
export async function openListener(
  endpoint: Endpoint,
  handler: RequestListener,
  upgrades?: Upgrades,
): Promise<Listener> {
  const shouldUpgradeCallback = (request: IncomingMessage): boolean => upgrades?.accepts(request) ?? false
  const server = createServer({ ...settings, shouldUpgradeCallback }, handler)
  server.on('upgrade', (request, socket, head) => upgrades?.handle(request, socket, head))
  server.maxConnections = maxConnections
  // An expectation that nobody knows may be ignored (RFC 9110, section 10.1.1).
  server.on('checkExpectation', handler)
  answerGarbage(server)
  const begin = (listening: Resume<void>): (() => void) => {
    server.once('error', (cause) => listening.reject(portError(endpoint, cause)))
    server.listen(endpoint.port, endpoint.host, () => listening.resolve())
    return () => {}
  }
  // It is over at once, and half open it could not be closed again.
  await shield(() => suspend(begin, { what: 'port' }))
  const { port } = server.address() as AddressInfo
  const stopped = createEvent({ name: 'end of the listener' })
  // The only error is that it has been stopped before.
  const stop = (): void => {
    server.close(() => stopped.set())
  }
  return {
    server,
    port,
    stop,
    url: `http://${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${port}`,
    [Symbol.asyncDispose]: async () => {
      stop()
      server.closeAllConnections()
      await shield(() => stopped.wait())
    },
  }
}

/** A failure to listen, as an answer to who started the server. */
function portError({ host, port }: Endpoint, cause: unknown): ServerError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  const what = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${code})`
  return new ServerError('SERVER_PORT_UNAVAILABLE', `The port ${port} on ${host} ${what}`, { cause })
}

/** Statuses of what Node's parser refuses; everything else is 400. */
const parserStatuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Answers what cannot be parsed, unless an answer has begun on that connection: nothing may get into its middle. */
function answerGarbage(server: Server): void {
  const answers = new WeakMap<Duplex, Set<ServerResponse>>()
  const note = ({ socket }: { readonly socket: Duplex }, response: ServerResponse): void => {
    const running = answers.get(socket) ?? new Set()
    answers.set(socket, running.add(response))
    response.once('close', () => running.delete(response))
  }
  server.prependListener('request', note).prependListener('checkExpectation', note)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const hasBegun = [...(answers.get(socket) ?? [])].some((response) => response.headersSent)
    if (hasBegun || !socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const fault = new ServerError('SERVER_REQUEST_INVALID', `The request is not HTTP/1.1: ${error.message}`)
    const status = parserStatuses[error.code ?? ''] ?? answerOf(fault.kind).status
    const requestId = randomUUID()
    const body = JSON.stringify(errorBody(fault, requestId))
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'connection: close',
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  })
}
