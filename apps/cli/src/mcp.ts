/** `ipfs-kit mcp`: the tools over standard input and output, for agents that start their servers themselves. */
import type { Readable } from 'node:stream'
import { type Resume, suspend } from '@ipfs-kit/concurrency'
import { homeAt, type KitTable, readConfig } from '@ipfs-kit/kit'
import { kitOperations } from '@ipfs-kit/kit/operations'
import { mcpServers, openServer } from '@ipfs-kit/mcp-server'
import { type Caller, isFault } from '@ipfs-kit/operations'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { type Connection, type ConnectOptions, openOrJoin, placeOf } from './connect.ts'

/** What `mcp` was asked for. */
export interface McpOptions extends ConnectOptions {
  readonly version: string
  readonly stdin: Readable
  readonly signal: AbortSignal
}

/**
 * Serves the tools until standard input ends or the signal is aborted. A server that holds the home is joined; without
 * one the home is served on free ports, so that commands and a second `mcp` join this process.
 */
export async function mcp(options: McpOptions): Promise<void> {
  const { stdin, log, signal, version } = options
  const open = (): Promise<Connection> =>
    openOrJoin(options, async () => {
      const server = await openServer({
        ...placeOf(options),
        config: { api: { port: 0 }, gateway: { port: 0 } },
        log,
      })
      return { caller: server.kit.caller, close: () => server.close() }
    })

  await using session = new Session(await open(), open)
  // Of the home, whoever serves it.
  const { areas } = (await readConfig({ path: homeAt(options.home).config })).mcp
  const servers = mcpServers({ operations: kitOperations, caller: session, version, areas })
  const handle = serveStdio(servers, {
    onerror: (error) => log(JSON.stringify({ level: 'error', name: 'mcp', message: error.message })),
  })
  await ended(stdin, signal)
  await handle.close()
}

/** A connection that is made anew when the server that was joined has gone. */
class Session implements Caller<KitTable>, AsyncDisposable {
  readonly #open: () => Promise<Connection>
  #connection: Promise<Connection>

  constructor(connection: Connection, open: () => Promise<Connection>) {
    this.#connection = Promise.resolve(connection)
    this.#open = open
  }

  call: Caller<KitTable>['call'] = async (...call) => {
    const used = await this.#current()
    try {
      return await used.caller.call(...call)
    } catch (error) {
      // Nothing was sent, so nothing was done: it is safe to ask again.
      if (!isFault(error) || error.code !== 'CLIENT_UNREACHABLE') throw error
      if ((await this.#current()) === used) this.#connection = this.#open()
      return await (await this.#current()).caller.call(...call)
    }
  }

  /** The connection of the moment; one that could not be made is tried again. */
  async #current(): Promise<Connection> {
    const connection = this.#connection
    try {
      return await connection
    } catch {
      if (this.#connection === connection) this.#connection = this.#open()
      return this.#connection
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const [outcome] = await Promise.allSettled([this.#connection])
    if (outcome.status === 'fulfilled') await outcome.value.close()
  }
}

/** Waits until standard input ends or the signal is aborted. */
async function ended(stdin: Readable, signal: AbortSignal): Promise<void> {
  const end = (resume: Resume<void>) => {
    const onEnd = (): void => resume.resolve()
    stdin.once('end', onEnd).once('close', onEnd)
    return () => {
      stdin.off('end', onEnd).off('close', onEnd)
    }
  }
  try {
    await suspend(end, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
