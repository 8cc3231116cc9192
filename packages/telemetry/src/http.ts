/**
 * Metrics of the HTTP servers of this process, from the channels that Node publishes on. Neither URLs nor headers are
 * looked at.
 */
import diagnosticsChannel from 'node:diagnostics_channel'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Counter, Gauge, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import { boundedLabel, other } from './bounded.ts'

/** What Node publishes when a request has come and when its response has been handed to the system. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly socket: Socket
  readonly server: Server
}

/** A request that has no response yet. */
interface Pending {
  readonly server: string
  readonly method: string
  readonly startedAt: number
}

/** The requests of one connection: several only if the client sends them without waiting. */
interface Connection {
  readonly pending: Map<ServerResponse, Pending>
  readonly onClose: () => void
}

const startChannel = 'http.server.request.start'
const finishChannel = 'http.server.response.finish'
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const maxServers = 16
/** The connection was closed before the response was complete. */
const closedStatus = '499'
const durationBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** Makes the metrics and listens. The function that it returns stops listening, also to the connections that are open. */
export function measureHttp(
  registry: Registry,
  nameOfServer: (server: Server) => string | undefined,
): () => void {
  const registers = [registry]
  const requests = new Counter({
    name: 'ipfs_kit_http_requests_total',
    help: 'HTTP requests that have ended, by status; 499 if the connection was closed before the response was complete.',
    labelNames: ['server', 'method', 'status'],
    registers,
  })
  const duration = new Histogram({
    name: 'ipfs_kit_http_request_duration_seconds',
    help: 'Time from the headers of a request to the end of its response.',
    labelNames: ['server'],
    buckets: durationBuckets,
    registers,
  })
  const inFlight = new Gauge({
    name: 'ipfs_kit_http_requests_in_flight',
    help: 'HTTP requests whose response is not complete.',
    labelNames: ['server'],
    registers,
  })
  const serverLabel = boundedLabel(maxServers)
  const connections = new Map<Socket, Connection>()

  const settle = ({ server, method, startedAt }: Pending, status: string): void => {
    inFlight.dec({ server })
    requests.inc({ server, method, status })
    duration.observe({ server }, (performance.now() - startedAt) / 1000)
  }

  const connect = (socket: Socket): Connection => {
    const pending = new Map<ServerResponse, Pending>()
    const onClose = (): void => {
      connections.delete(socket)
      for (const each of pending.values()) settle(each, closedStatus)
    }
    const connection = { pending, onClose }
    connections.set(socket, connection)
    socket.once('close', onClose)
    return connection
  }

  const onStart = (message: unknown): void => {
    const { request, response, socket, server } = message as Exchange
    const name = nameOfServer(server)
    if (name === undefined) return
    const label = serverLabel(name)
    const { pending } = connections.get(socket) ?? connect(socket)
    const method = methods.has(request.method ?? '') ? request.method! : other
    pending.set(response, { server: label, method, startedAt: performance.now() })
    inFlight.inc({ server: label })
  }

  const onFinish = (message: unknown): void => {
    const { response, socket } = message as Exchange
    const pending = connections.get(socket)?.pending
    const found = pending?.get(response)
    if (found === undefined) return
    pending?.delete(response)
    settle(found, statusLabel(response.statusCode))
  }

  diagnosticsChannel.subscribe(startChannel, onStart)
  diagnosticsChannel.subscribe(finishChannel, onFinish)
  return () => {
    diagnosticsChannel.unsubscribe(startChannel, onStart)
    diagnosticsChannel.unsubscribe(finishChannel, onFinish)
    for (const [socket, { onClose }] of connections) socket.off('close', onClose)
    connections.clear()
  }
}

function statusLabel(status: number): string {
  return Number.isInteger(status) && status >= 100 && status <= 599 ? String(status) : other
}
