/** Telemetry and HTTP servers that end with their test. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createTelemetry } from '@ipfs-kit/telemetry'
import type { Telemetry, TelemetryOptions } from '@ipfs-kit/telemetry'
import { Registry } from 'prom-client'
import { onTestFinished } from 'vitest'

export function measure(options: Partial<TelemetryOptions> = {}): {
  telemetry: Telemetry
  registry: Registry
} {
  const registry = options.registry ?? new Registry()
  const telemetry = createTelemetry({ ...options, registry })
  onTestFinished(() => telemetry.close())
  return { telemetry, registry }
}

/** A server on loopback, and its URL. */
export async function serve(
  listener: RequestListener,
): Promise<{ server: Server; url: string; port: number }> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return { server, url: `http://127.0.0.1:${port}`, port }
}

/** A connection on which a text has been sent. */
export async function sendRaw(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

/** The samples of a metric with their labels, as they are exposed. */
export async function samples(telemetry: Telemetry, name: string): Promise<string[]> {
  const { body } = await telemetry.metrics()
  return body.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}
