/** A real server for a table of operations, and a bare socket to speak to it. */
import net from 'node:net'
import { createCaller } from '@ipfs-kit/operations'
import type { AnyOperation, LocalCaller } from '@ipfs-kit/operations'
import { operationRoutes } from '@ipfs-kit/operations/http'
import type { OperationRoutesOptions } from '@ipfs-kit/operations/http'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'

export interface TestServer {
  readonly app: FastifyInstance
  readonly port: number
  readonly url: string
}

/** A caller whose parts are always there and never go away. */
export function callerOf(operations: readonly AnyOperation[]): LocalCaller {
  const { signal } = new AbortController()
  return createCaller({ operations, borrow: () => ({ parts: {}, signal, release() {} }) })
}

/** Serves a table on a port of loopback until the test has finished. */
export async function serve(
  operations: readonly AnyOperation[],
  options: Omit<OperationRoutesOptions, 'operations' | 'caller'> = {},
): Promise<TestServer> {
  const app = Fastify()
  await app.register(operationRoutes({ operations, caller: callerOf(operations), ...options }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  const { port } = app.server.address() as net.AddressInfo
  return { app, port, url: `http://127.0.0.1:${port}/api/v1` }
}

/** A connection that keeps what arrives. */
export interface Connection {
  readonly socket: net.Socket
  /** All that has arrived once the server has closed the connection. */
  readonly all: Promise<string>
  /** What has arrived as soon as it contains a text. */
  until(text: string): Promise<string>
}

/** Connects and writes. */
export function connect(port: number, ...pieces: readonly (string | Uint8Array)[]): Connection {
  const socket = net.connect(port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
  })
  let text = ''
  const all = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
  // A reset after the answer is as good an end as any other.
  socket.on('error', () => {})
  socket.on('data', (piece) => {
    text += piece.toString('latin1')
  })
  for (const piece of pieces) socket.write(piece)
  const until = (wanted: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (text.includes(wanted)) resolve(text)
      }
      socket.on('data', look)
      socket.once('close', () =>
        text.includes(wanted) ? resolve(text) : reject(new Error(`closed after: ${text}`)),
      )
      look()
    })
  return { socket, all, until }
}

/** The head of a POST by hand. */
export function head(path: string, headers: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST /api/v1${path} HTTP/1.1\r\nhost: test\r\n${lines.join('')}\r\n`
}
