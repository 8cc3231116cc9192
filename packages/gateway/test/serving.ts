/** A gateway over a real node on a real server, and clients that send targets exactly as given. */
import { mkdtemp, rm } from 'node:fs/promises'
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestListener,
} from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { createGateway, type GatewayOptions } from '@ipfs-kit/gateway'
import { openIpfs, type AddEntry, type AddOptions, type Ipfs } from '@ipfs-kit/ipfs'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

export interface Asking {
  readonly method?: string
  readonly headers?: Record<string, string>
}

/** A server with a listener on a free port of loopback. */
export async function listen(listener: RequestListener) {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  return {
    port,
    server,
    /** Sends the target as it is: nothing is normalised. */
    ask: (path: string, { method = 'GET', headers = {} }: Asking = {}) => ask(port, path, method, headers),
    /** Sends bytes as they are and gives what comes back until the server closes. */
    raw: (bytes: Uint8Array | string) => raw(port, bytes),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Opens a node in a temporary folder, and a gateway over it. */
export async function serve(options: Partial<GatewayOptions> = {}) {
  const { path, ipfs, close } = await openTemporary()
  const http = await listen(createGateway({ ipfs, ...options }).listener)
  return {
    path,
    ipfs,
    ...http,
    add: (entries: Record<string, string | Uint8Array>, addOptions?: AddOptions) =>
      add(ipfs, entries, addOptions),
    async close() {
      await http.close()
      await close()
    },
  }
}

/** A node in a temporary folder. */
export async function openTemporary() {
  const path = await mkdtemp(join(tmpdir(), 'gateway-'))
  const ipfs = await openIpfs({ path })
  const close = async () => {
    await ipfs.close()
    await rm(path, { recursive: true })
  }
  return { path, ipfs, close }
}

/** Everything that a stream yields. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = []
  for await (const value of values) taken.push(value)
  return taken
}

/** Headers without those of one single response. */
export function lasting(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = { ...headers }
  delete kept.date
  delete kept['transfer-encoding']
  return kept
}

/** Adds files by path and gives the CID of each, and of the root under the empty path. */
export async function add(
  ipfs: Ipfs,
  entries: Record<string, string | Uint8Array>,
  options: AddOptions = { wrap: true },
): Promise<Record<string, string>> {
  const cids: Record<string, string> = {}
  const sources = Object.entries(entries).map(([path, content]): AddEntry => ({
    path,
    content: Buffer.from(content as Uint8Array),
  }))
  for await (const item of ipfs.files.add(sources, options)) {
    if ('failed' in item && 'path' in item) throw new Error(`${item.path}: ${JSON.stringify(item.failed)}`)
    if ('items' in item) cids[''] = String(item.cid)
    else if ('cid' in item) cids[item.path] = String(item.cid)
  }
  return cids
}

/** Bytes that repeat nowhere near a block length. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = (at * 2_654_435_761) >>> 13
  return bytes
}

async function ask(
  port: number,
  path: string,
  method: string,
  headers: Record<string, string>,
): Promise<Answer> {
  const outgoing = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false })
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body, text: body.toString() }
}

async function raw(port: number, bytes: Uint8Array | string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('latin1')
}
