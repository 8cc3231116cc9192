/**
 * A proxy in front of an HTTP server, on loopback, that makes the faults it is told to: for the requests that a test
 * names, and no others. The `Host` header goes on as it came, so that signatures of S3 requests hold.
 */
import {
  createServer,
  request as send,
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createOwner, sleep, suspend, type Owner } from '@ipfs-kit/concurrency'
import type { Fault } from './fault.ts'
import { close, listen, loopback } from './loopback.ts'

/** A request that came. */
export interface SeenRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Which requests have a fault, and how many of them. */
export interface FaultRule {
  /** Default: every request. */
  readonly when?: (request: SeenRequest) => boolean
  /** Default 1. */
  readonly times?: number
}

/** A running proxy. */
export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string
  /** All requests that came, in their order. */
  readonly requests: readonly SeenRequest[]
  /** Makes this fault for the next requests that the rule names. Rules that were given first are asked first. */
  fail(fault: Fault, rule?: FaultRule): void
  /** Forgets the rules and the requests. */
  reset(): void
  /** Closes all connections. A second call waits for the first. */
  stop(): Promise<void>
}

interface Rule {
  readonly fault: Fault
  readonly when: (request: SeenRequest) => boolean
  left: number
}

const endlessBytes = new Uint8Array(64 * 1024)

/** Starts a proxy for the server at `target`, `http://HOST:PORT`. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target)
  const agent = new Agent({ keepAlive: true })
  // An answer that breaks off has reset its connection already, which is how the client is told.
  const owner = createOwner({ name: 'fault proxy', onError: () => undefined })
  const rules: Rule[] = []
  const requests: SeenRequest[] = []
  const server = createServer((request, response) => {
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers }
    requests.push(seen)
    const rule = rules.find((one) => one.left > 0 && one.when(seen))
    if (rule !== undefined) rule.left -= 1
    const fault = rule?.fault
    if (fault?.kind === 'answer') {
      answerBy(fault, request, response)
      return
    }
    const options = { hostname, port, agent, method: seen.method, path: seen.url, headers: request.headers }
    pass(request, response, send(options), fault, owner)
  })
  const endpoint = `http://${loopback}:${await listen(server)}`
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      const closed = close(server)
      server.closeAllConnections()
      agent.destroy()
      await owner.close()
      await closed
    })()
    return stopping
  }
  return {
    endpoint,
    requests,
    fail(fault, { when = () => true, times = 1 } = {}) {
      rules.push({ fault, when, left: times })
    },
    reset() {
      rules.length = 0
      requests.length = 0
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Reads the request to its end first: a client that still writes might not see the answer. */
function answerBy(
  { status, headers, body = '' }: Extract<Fault, { kind: 'answer' }>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  request.resume()
  request.once('end', () => response.writeHead(status, headers).end(body))
}

/** Hands a request on to the server and its answer back. Where one side breaks off, so does the other. */
function pass(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: ClientRequest,
  fault: Fault | undefined,
  owner: Owner,
): void {
  const reset = (): void => {
    request.socket.resetAndDestroy()
  }
  let sent = 0
  request.on('data', (chunk: Uint8Array) => {
    if (fault?.kind === 'flip-request') flip(chunk, fault.at - sent)
    sent += chunk.byteLength
    if (fault?.kind === 'cut-request' && sent > fault.afterBytes) {
      upstream.destroy()
      reset()
    } else if (!upstream.write(chunk)) {
      request.pause()
    }
  })
  upstream.on('drain', () => request.resume())
  request.once('end', () => {
    if (fault?.kind === 'cut-request') {
      upstream.destroy()
      reset()
    } else upstream.end()
  })
  response.once('close', () => upstream.destroy())
  upstream.once('error', reset)
  upstream.once('response', (answer) => {
    answer.once('error', reset)
    owner.spawn(() => giveBack(answer, response, fault), { name: 'answer' })
  })
}

async function giveBack(
  answer: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  if (fault?.kind === 'lose-answer') {
    answer.resume()
    response.socket?.resetAndDestroy()
    return
  }
  const headers = { ...answer.headers }
  if (fault?.kind === 'endless') delete headers['content-length']
  response.writeHead(answer.statusCode ?? 502, headers)
  response.flushHeaders()
  let given = 0
  const limit = fault !== undefined && 'afterBytes' in fault ? fault.afterBytes : Infinity
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const piece = chunk.subarray(0, limit - given)
    if (fault?.kind === 'flip') flip(piece, fault.at - given)
    given += piece.byteLength
    if (fault?.kind === 'slow') await writeSlowly(response, piece, fault)
    else await write(response, piece)
    if (given >= limit) break
  }
  await finish(response, fault)
}

/** Changes the byte at a place, if it is in this piece. */
function flip(piece: Uint8Array, at: number): void {
  if (at >= 0 && at < piece.byteLength) piece[at]! ^= 0xff
}

async function finish(response: ServerResponse, fault: Fault | undefined): Promise<void> {
  switch (fault?.kind) {
    case 'cut-response':
      response.socket?.resetAndDestroy()
      return
    case 'truncate':
      response.socket?.end()
      return
    case 'stall':
      return
    case 'endless':
      while (!response.destroyed) await write(response, endlessBytes)
      return
    default:
      response.end()
  }
}

async function writeSlowly(
  response: ServerResponse,
  bytes: Uint8Array,
  { pieceBytes, pauseMs }: Extract<Fault, { kind: 'slow' }>,
): Promise<void> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    await sleep(pauseMs)
    await write(response, bytes.subarray(at, at + pieceBytes))
  }
}

/** Writes a piece; resolves when it has gone, or the connection is closed. */
function write(response: ServerResponse, piece: Uint8Array): Promise<void> {
  return suspend<void>((resume) => {
    response.write(piece, () => resume.resolve())
    return () => undefined
  })
}
