/** Servers on loopback: where they may listen, and how they begin to. */
import { createServer, type AddressInfo, type Server } from 'node:net'
import { suspend } from '@ipfs-kit/concurrency'

export const loopback = '127.0.0.1'

/** Lets a server listen on loopback; the port that it has got. */
export async function listen(server: Server, port = 0): Promise<number> {
  await suspend<void>((resume) => {
    server.once('error', (error) => resume.reject(error))
    server.listen(port, loopback, () => resume.resolve())
    return () => {
      server.close()
    }
  })
  return (server.address() as AddressInfo).port
}

/** Stops listening, and waits until every connection is closed. */
export async function close(server: Server): Promise<void> {
  await suspend<void>((resume) => {
    server.close(() => resume.resolve())
    return () => 'settles-later'
  })
}

/** Ports on which nobody listens now, for programs that have to be told theirs. All are held at once, so they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports: number[] = []
  for (const server of servers) ports.push(await listen(server))
  for (const server of servers) await close(server)
  return ports
}
