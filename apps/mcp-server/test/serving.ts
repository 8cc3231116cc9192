/** An isolated server on free ports, and ways to speak to it. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openServer, type Server, type ServerOptions } from '@ipfs-kit/mcp-server'
import { onTestFinished } from 'vitest'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

export interface Asking {
  readonly method?: string
  /** Sent as they are, `host` too; undefined leaves a header away that would be sent by itself. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string | Uint8Array
}

/** The body of every error. */
export interface ErrorAnswer {
  readonly code: string
  readonly kind: string
  readonly message: string
  readonly next: string
  readonly retryable: boolean
  readonly requestId: string
}

export interface Site {
  readonly server: Server
  readonly token: string
  readonly port: number
  readonly gatewayPort: number
  /** The lines of the log until now. */
  readonly lines: string[]
  /** A request to the API, with nothing that was not asked for. */
  ask(path: string, asking?: Asking): Promise<Answer>
  /** An operation, with the token. */
  call(name: string, input?: unknown): Promise<Answer>
  gateway(path: string, asking?: Asking): Promise<Answer>
  /** Adds one file and gives its CID. */
  add(content: string | Uint8Array, query?: string): Promise<string>
  /** Writes bytes to the API's port as they are, and gives what comes back until the connection ends. */
  raw(bytes: string | Uint8Array): Promise<string>
  close(): Promise<void>
}

export const anyPorts = { api: { port: 0 }, gateway: { port: 0 } }

/** Opens a server: isolated, unless a home is given. */
export async function serve(options: ServerOptions = {}): Promise<Site> {
  const lines: string[] = []
  const server = await openServer({
    ...(options.home === undefined && { isolated: true }),
    config: anyPorts,
    log: (line) => lines.push(line),
    ...options,
  })
  const token = (await readFile(server.tokenFile, 'utf8')).trim()
  const port = Number(new URL(server.url).port)
  const gatewayPort = Number(new URL(server.gatewayUrl).port)
  const authorization = `Bearer ${token}`
  const site: Site = {
    server,
    token,
    port,
    gatewayPort,
    lines,
    ask: (path, asking) => ask(port, path, asking),
    call: (name, input = {}) =>
      ask(port, `/api/v1/${name.replace('.', '/')}`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(input),
      }),
    gateway: (path, asking) => ask(gatewayPort, path, asking),
    async add(content, query = '') {
      const headers = { authorization, 'content-type': 'application/octet-stream' }
      const path = `/api/v1/files/add?${query}`
      const answer = await ask(port, path, { method: 'POST', headers, body: content })
      if (answer.status !== 200) throw new Error(answer.text)
      return (JSON.parse(answer.text.trim().split('\n').at(-1) ?? '') as { cid: string }).cid
    },
    raw: (bytes) => raw(port, bytes),
    close: () => server.close(),
  }
  return site
}

/** A server that is closed when its test has finished. */
export async function serveOnce(options?: ServerOptions): Promise<Site> {
  const site = await serve(options)
  onTestFinished(() => site.close())
  return site
}

/** A home in a folder of its own, removed when its test has finished. */
export async function temporaryHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'ipfs-kit-test-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  return home
}

/** The lines of an answer. */
export function linesOf(answer: Pick<Answer, 'text'>): any[] {
  return answer.text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

/** Bytes that repeat nowhere near a block length, and are no text. */
export function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = ((at + seed) * 2_654_435_761) >>> 13
  return bytes
}

/** Waits until something is so, a turn of the event loop at a time. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

async function ask(port: number, path: string, asking: Asking = {}): Promise<Answer> {
  const { method = 'GET', body } = asking
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries({ host: `127.0.0.1:${port}`, ...asking.headers })) {
    if (value !== undefined) headers[name] = value
  }
  const outgoing = request({ host: '127.0.0.1', port, path, method, headers, setHost: false, agent: false })
  // An answer may come while the body is still on its way; what becomes of that then is no matter.
  outgoing.on('error', () => {})
  outgoing.end(body)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: bytes,
    text: bytes.toString(),
  }
}

async function raw(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('latin1')
}
