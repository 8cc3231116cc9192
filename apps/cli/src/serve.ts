/** `ipfs-kit serve`: the server in the foreground. */
import type { Writable } from 'node:stream'
import { sleep } from '@ipfs-kit/concurrency'
import { KitError } from '@ipfs-kit/kit'
import { openServer, type Server, type ServerOptions } from '@ipfs-kit/mcp-server'
import { placeOf } from './connect.ts'
import { CliError } from './errors.ts'

/** What `serve` was asked for. */
export interface ServeOptions {
  readonly home?: string
  readonly isolated: boolean
  /** 0 takes any free port; absent: as configured. */
  readonly port?: number
  readonly gatewayPort?: number
  /** Print the ready line as JSON. */
  readonly json: boolean
  readonly stdout: Writable
  /** Takes a line of its log, without line end. */
  readonly log: (line: string) => void
  /** Ends the server. */
  readonly signal: AbortSignal
}

/**
 * Serves until the signal, then closes. The ready line is the only thing on stdout; the rest is in the log.
 *
 * @throws CliError CLI_HOME_HELD; what `openServer` throws
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { json, stdout, log, signal, isolated, port, gatewayPort } = options
  await using server = await open({
    ...placeOf(options),
    isolated,
    config: {
      ...(port === undefined ? {} : { api: { port } }),
      ...(gatewayPort === undefined ? {} : { gateway: { port: gatewayPort } }),
    },
    log,
  })
  stdout.write(json ? readyJson(server) : readyText(server))
  await aborted(signal)
}

/** A server does not wait for a home: a held one is a mistake of who starts it, not a state that passes. */
async function open(options: ServerOptions): Promise<Server> {
  try {
    return await openServer(options)
  } catch (error) {
    if (!(error instanceof KitError) || error.code !== 'KIT_HOME_LOCKED') throw error
    throw new CliError('CLI_HOME_HELD', error.message, { cause: error })
  }
}

function readyJson({ url, gatewayUrl, tokenFile }: Server): string {
  return `${JSON.stringify({ ready: true, url, gatewayUrl, tokenFile })}\n`
}

function readyText({ url, gatewayUrl, tokenFile, kit }: Server): string {
  return [
    `ipfs-kit ${kit.version} is ready`,
    `  API and MCP  ${url}  (${url}/mcp)`,
    `  Gateway      ${gatewayUrl}/ipfs/<cid>`,
    `  Home         ${kit.home.path}`,
    `  Token        ${tokenFile}`,
    '',
  ].join('\n')
}

/** Waits until the signal is aborted. */
async function aborted(signal: AbortSignal): Promise<void> {
  try {
    await sleep(Infinity, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
