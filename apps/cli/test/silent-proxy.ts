/** A way to a server on which nothing more comes back when it is told so, as when a cable is pulled. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** The way. */
export interface SilentProxy {
  readonly url: string
  /** Resolves when one connection has sent so many pieces to the server. */
  sent(pieces: number): Promise<void>
  /** From now on nothing comes back over the connections that there are, not even their end. */
  silence(): void
}

/** Opens one to a port of loopback, for the time of a test. */
export async function openSilentProxy(port: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>()
  const silent = new Set<Socket>()
  let most = 0
  let onSent = (): void => {}
  const proxy = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    for (const socket of [client, server]) {
      sockets.add(socket)
      // An end that is cut off is seen by the other one.
      socket.on('error', () => {})
    }
    let pieces = 0
    client.on('data', (piece) => {
      pieces += 1
      most = Math.max(most, pieces)
      server.write(piece)
      onSent()
    })
    client.on('close', () => server.destroy())
    server.on('data', (piece) => {
      if (!silent.has(client)) client.write(piece)
    })
    server.on('close', () => {
      if (!silent.has(client)) client.destroy()
    })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    async sent(wanted) {
      while (most < wanted) await new Promise<void>((resolve) => (onSent = resolve))
    },
    silence() {
      for (const socket of sockets) silent.add(socket)
    },
  }
}
