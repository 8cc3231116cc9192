/** Finds the way to a home: opens it in this process, or joins the server that holds it. */
import { createClient } from '@ipfs-kit/client'
import { now, sleep } from '@ipfs-kit/concurrency'
import { readToken } from '@ipfs-kit/credentials'
import { KitError, type KitTable, openKit, readHolder } from '@ipfs-kit/kit'
import type { Caller } from '@ipfs-kit/operations'
import { createFindingLog } from '@ipfs-kit/telemetry/logs'
import { CliError } from './errors.ts'

/** A caller, and how to let go of it. */
export interface Connection {
  readonly caller: Caller<KitTable>
  close(): Promise<void>
}

/** Where to connect to. */
export interface ConnectOptions {
  /** Path of the home. Default: `$IPFS_KIT_HOME`, else the platform's data folder. */
  readonly home?: string
  /** How long to wait for a command that holds the home, in milliseconds. */
  readonly waitMs: number
  /** Takes a line of what opening the home has found that is not as it was left, without line end. */
  readonly log: (line: string) => void
  readonly signal?: AbortSignal
}

const pollMs = 50

/**
 * Opens the home here with the role of a command, or joins the server that holds it.
 *
 * @throws what `openKit` throws; CliError CLI_SERVER_NEEDED of calls; KitError KIT_HOME_LOCKED when a command still holds the home after `waitMs`
 */
export function connect(options: ConnectOptions): Promise<Connection> {
  return openOrJoin(options, async () => {
    await using opening = new AsyncDisposableStack()
    opening.use(createFindingLog({ write: options.log }))
    const kit = opening.use(await openKit({ role: 'command', ...placeOf(options) }))
    const caller = withoutServer(kit.caller)
    // A command opens some parts with the call that needs them: it is listened to until all are closed.
    const opened = opening.move()
    return { caller, close: () => opened.disposeAsync() }
  })
}

/**
 * Opens the home by the given function, or joins the server that holds it, or waits for the command that holds it. The
 * lock is asked first: a note of a server that is gone could lead to somebody else's port, and the token with it.
 */
export async function openOrJoin(
  options: ConnectOptions,
  open: () => Promise<Connection>,
): Promise<Connection> {
  const deadline = now() + options.waitMs
  for (;;) {
    try {
      return await open()
    } catch (error) {
      if (!(error instanceof KitError) || error.code !== 'KIT_HOME_LOCKED') throw error
      const joined = await join(options.home)
      if (joined !== undefined) return joined
      if (now() >= deadline) throw error
    }
    await sleep(pollMs, { signal: options.signal })
  }
}

/** What lives in the process that it is asked of. */
const ofServers: ReadonlySet<string> = new Set(['journal.begin'])

/** The calls of a process that ends with the first of them. */
function withoutServer(caller: Caller<KitTable>): Caller<KitTable> {
  const call: Caller<KitTable>['call'] = async (...given) => {
    const [name] = given
    if (ofServers.has(name))
      throw new CliError('CLI_SERVER_NEEDED', `What ${name} makes would end with this command`)
    return await caller.call(...given)
  }
  return { call }
}

/** The options that every way of opening a home takes. */
export function placeOf({ home, signal }: Pick<ConnectOptions, 'home' | 'signal'>): {
  home?: string
  signal?: AbortSignal
} {
  return { ...(home === undefined ? {} : { home }), ...(signal === undefined ? {} : { signal }) }
}

async function join(home: string | undefined): Promise<Connection | undefined> {
  const holder = await readHolder(home)
  if (holder?.url === undefined || holder.tokenFile === undefined) return undefined
  // A note that was left behind could lead to somebody else's port, and the token with it.
  if (holder.role !== 'server' || !isAlive(holder.pid)) return undefined
  const token = await readToken(holder.tokenFile)
  const caller = createClient<KitTable>({ url: holder.url, ...(token === undefined ? {} : { token }) })
  return { caller, close: async () => {} }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
