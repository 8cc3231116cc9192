/** `ipfs-kit serve` in a process of its own, and the ways to ask it. */
import { readFileSync } from 'node:fs'
import { type Client, createClient } from '@ipfs-kit/client'
import type { KitTable } from '@ipfs-kit/kit'
import { type CommandOptions, type Ended, type Running, start } from './command.ts'
import { temporaryHome } from './temporary-folder.ts'

/** A server that is ready. */
export interface TestServer {
  readonly home: string
  readonly url: string
  readonly gatewayUrl: string
  readonly tokenFile: string
  readonly token: string
  readonly process: Running
  /** The typed client, with the token. */
  readonly client: Client<KitTable>
  /** A request to REST; the token is sent unless `headers` has another `authorization`. */
  request(path: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>
  /** Ends it as a service manager does. */
  stop(): Promise<Ended>
}

/** Starts a server on free ports and waits for its ready line. */
export async function startServer(
  options: CommandOptions & { readonly args?: readonly string[] } = {},
): Promise<TestServer> {
  const { home = temporaryHome(), args = [], ...rest } = options
  const process = start(['serve', '--json', '--port', '0', '--gateway-port', '0', ...args], { home, ...rest })
  const { url, gatewayUrl, tokenFile } = JSON.parse(await process.line()) as Record<string, string>
  if (url === undefined || gatewayUrl === undefined || tokenFile === undefined)
    throw new Error('The ready line lacks an address')
  const token = readFileSync(tokenFile, 'utf8').trim()
  return {
    home,
    url,
    gatewayUrl,
    tokenFile,
    token,
    process,
    client: createClient<KitTable>({ url, token }),
    request: (path, init = {}) => {
      const headers = new Headers(init.headers)
      if (!headers.has('authorization')) headers.set('authorization', `Bearer ${token}`)
      return fetch(`${url}/api/v1/${path}`, { ...init, headers })
    },
    stop: () => {
      process.kill('SIGTERM')
      return process.ended
    },
  }
}

/** Everything that an iterable gives. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = []
  for await (const value of values) taken.push(value)
  return taken
}

/** All bytes of an answer. */
export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await all(body))
}
