/** The high-level API: a home, opened. */
import { readFileSync } from 'node:fs'
import { createEvent, run } from '@ipfs-kit/concurrency'
import { createCredentials, type Credentials, openTokens, type Tokens } from '@ipfs-kit/credentials'
import type { Ipfs } from '@ipfs-kit/ipfs'
import type { Journal } from '@ipfs-kit/journal'
import { type Caller, type LocalCaller, createCaller, nearest } from '@ipfs-kit/operations'
import type { Wal } from '@ipfs-kit/wal'
import { type CallLog, type CallLogStats, createCallLog } from './call-log.ts'
import { type Config, type ConfigOverrides, readConfig } from './config.ts'
import { KitError } from './errors.ts'
import type { Holder } from './holder.ts'
import { type Home, openHome, raiseFormat } from './home.ts'
import { createKitJournal, type KitJournal } from './journal.ts'
import { createKitLog, type KitLog } from './kit-log.ts'
import { ipfsPart, journalPart, lendParts, walPart } from './lending.ts'
import { type Lock, takeLock } from './lock.ts'
import { type OpenNode, openNode } from './node.ts'
import type { NodeStatus, NodeView } from './node-operations.ts'
import { type KitTable, kitOperations } from './operations.ts'
import { type Parts, type PartStatus, createParts } from './parts.ts'
import type { GatewayView } from './storage-read.ts'

/** Options of {@link openKit}. */
export interface KitOptions {
  /** Path of the home. Default: {@link homePath}. */
  readonly home?: string
  /** `server`: others join it at its `url`; `command`: it holds the home for a moment, others wait for it. */
  readonly role: Holder['role']
  /** How long to wait for another holder of the home, in milliseconds. Default 0. */
  readonly waitMs?: number
  /** Settings that replace those of `config.toml`. */
  readonly config?: ConfigOverrides
  /**
   * How long `close` and a restart wait for cancelled calls, and for a part to close, in milliseconds.
   * Default 2,000.
   */
  readonly graceMs?: number
  /** Ends the opening; its reason passes through untouched. Without meaning afterwards. */
  readonly signal?: AbortSignal
}

/** Where a server is reached. */
export interface KitAddresses {
  /** The API, such as `http://127.0.0.1:4801`. */
  readonly url: string
  /** The gateway. */
  readonly gatewayUrl?: string
}

/** Snapshot of {@link Kit.stats}. */
export interface KitStats extends CallLogStats {
  readonly uptimeSeconds: number
  readonly parts: readonly PartStatus[]
}

/** A home that this process holds, with its parts open. */
export interface Kit extends AsyncDisposable {
  /** Version of this package. */
  readonly version: string
  readonly config: Config
  readonly home: Home
  readonly parts: Parts
  readonly tokens: Tokens
  /** The secrets of the home, and references to others. */
  readonly credentials: Credentials
  /** Calls operations by name, in this process. */
  readonly caller: LocalCaller<KitTable>
  /** The same as `caller.call`. */
  readonly call: Caller<KitTable>['call']
  /** The table behind `caller`, for the doors. */
  readonly operations: typeof kitOperations
  /** The node as it is now. Ask again for each use: a restart replaces it. Throws `KIT_PART_UNAVAILABLE`. */
  readonly ipfs: Ipfs
  /**
   * The log of operations as it is now. Ask again for each use, as for `ipfs`. A `command` opens it with the first call that needs
   * it; until then it throws `KIT_PART_UNKNOWN`.
   */
  readonly wal: Wal
  /**
   * The tree of files and folders as it is now. Ask again for each use. A `command`, and a server whose home has no tree yet, open it
   * with the first call that needs it; until then it throws `KIT_PART_UNKNOWN`.
   */
  readonly journal: Journal
  /** Tells those who want to join where the server is, when it is ready. `KIT_CLOSED` afterwards, `KIT_HOME_UNWRITABLE`. */
  announce(addresses: KitAddresses): Promise<void>
  /** Takes back what `announce` told, before the doors close: who comes now waits for the home instead. */
  withdraw(): Promise<void>
  stats(): KitStats
  /**
   * Cancels the running calls, closes the parts in reverse order, and frees the home. Idempotent. When a part
   * does not close (`KIT_PART_STUCK`), the home stays held until the process ends.
   */
  close(): Promise<void>
}

const optionNames = ['home', 'role', 'waitMs', 'config', 'graceMs', 'signal']

/** Locks of homes whose parts did not close: as long as they are referenced, nobody else opens the home. */
const keptUntilExit = new Set<Lock>()

/**
 * Opens a home: folder, lock, settings, tokens, parts. What was opened is closed again when a later step
 * fails.
 *
 * Throws `KIT_HOME_UNWRITABLE`, `KIT_HOME_INVALID`, `KIT_HOME_TOO_NEW`, `KIT_HOME_LOCKED`,
 * `KIT_CONFIG_INVALID`, and what the tokens, the secrets and the parts throw.
 */
export async function openKit(options: KitOptions): Promise<Kit> {
  for (const key of Object.keys(options)) {
    if (optionNames.includes(key)) continue
    const meant = nearest(key, optionNames)
    throw new TypeError(
      `openKit has no option ${key}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    )
  }
  const { role, waitMs, signal, graceMs } = options
  await using opening = new AsyncDisposableStack()

  const home = await openHome(options.home === undefined ? {} : { path: options.home })
  const lock = await takeLock({
    home,
    role,
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(signal === undefined ? {} : { signal }),
  })
  let isStuck = false
  opening.defer(async () => {
    if (isStuck) keptUntilExit.add(lock)
    else await lock.close()
  })

  const config = await readConfig({ path: home.config, overrides: options.config ?? {} })
  await raiseFormat(home)
  const tokens = await openTokens({ path: home.tokens })
  const credentials = createCredentials({ path: home.path, identity: config.credentials.identity })
  const calls = createCallLog()
  opening.defer(() => calls.close())

  const parts = createParts(graceMs === undefined ? {} : { graceMs })
  opening.defer(async () => {
    try {
      await parts.close()
    } catch (error) {
      isStuck = error instanceof KitError && error.code === 'KIT_PART_STUCK'
      throw error
    }
  })
  const log = createKitLog({ parts, home, config, role })
  const journal = createKitJournal({ parts, home, config: config.journal })
  const nodeOpened = createEvent({ name: 'opening of the node' })
  // A full store asks for them as it is opened, and log and journal look at the node when they are opened.
  async function* roots() {
    await nodeOpened.wait()
    yield* await journal.claims()
    // Whether all below these is here nobody has promised.
    for await (const cid of log.roots()) yield { cid, missing: 'skip' as const }
  }
  signal?.throwIfAborted()
  const { ipfs } = await parts.open<OpenNode>(ipfsPart, () => openNode({ path: home.path, config, roots }))
  nodeOpened.set()
  if (role === 'server' || ipfs.migration !== undefined) await log.open()
  if (role === 'server' && journal.hasRecords) await journal.open()
  signal?.throwIfAborted()

  return new OpenKit({ config, home, lock, tokens, credentials, calls, parts, log, journal }, opening.move())
}

interface Opened {
  readonly config: Config
  readonly home: Home
  readonly lock: Lock
  readonly tokens: Tokens
  readonly credentials: Credentials
  readonly calls: CallLog
  readonly parts: Parts
  readonly log: KitLog
  readonly journal: KitJournal
}

class OpenKit implements Kit {
  readonly version = kitVersion()
  readonly config: Config
  readonly home: Home
  readonly parts: Parts
  readonly tokens: Tokens
  readonly credentials: Credentials
  readonly caller: LocalCaller<KitTable>
  readonly call: Caller<KitTable>['call']
  readonly operations = kitOperations
  readonly #opened: Opened
  readonly #stack: AsyncDisposableStack
  readonly #started = performance.now()
  #closing: Promise<void> | undefined

  constructor(opened: Opened, stack: AsyncDisposableStack) {
    this.#opened = opened
    this.#stack = stack
    this.config = opened.config
    this.home = opened.home
    this.parts = opened.parts
    this.tokens = opened.tokens
    this.credentials = opened.credentials
    const { parts, log, journal, calls } = opened
    const own = { node: this.#node(), jobs: log.jobs, credentials: this.credentials, tokens: this.tokens }
    const caller = createCaller<KitTable>({
      operations: kitOperations,
      borrow: (names) => {
        const late = [[walPart, log] as const, [journalPart, journal] as const]
        const needed = late.filter(([name]) => names.includes(name))
        if (needed.length === 0) return lendParts(parts, names, own)
        const opened = Promise.all(needed.map(([, part]) => part.open()))
        return opened.then(() => lendParts(parts, names, own))
      },
    })
    this.caller = calls.listenTo(caller)
    this.call = this.caller.call
  }

  get ipfs(): Ipfs {
    // openKit has opened it as such.
    return (this.parts.current(ipfsPart) as OpenNode).ipfs
  }

  get wal(): Wal {
    return this.parts.current(walPart) as Wal
  }

  get journal(): Journal {
    return this.parts.current(journalPart) as Journal
  }

  async announce(addresses: KitAddresses): Promise<void> {
    const { lock, tokens } = this.#opened
    await lock.announce({ ...addresses, tokenFile: tokens.tokenFile })
  }

  withdraw(): Promise<void> {
    return this.#opened.lock.withdraw()
  }

  stats(): KitStats {
    return Object.freeze({
      ...this.#opened.calls.stats(),
      uptimeSeconds: this.#uptimeSeconds(),
      parts: this.parts.list(),
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#stack.disposeAsync()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #node(): NodeView & GatewayView {
    const { parts, calls, lock } = this.#opened
    return {
      status: () => this.#status(),
      parts: () => parts.list(),
      restart: (name, signal) => run(parts.restart(name), { signal }),
      calls: (limit) => calls.list(limit),
      gatewayUrl: () => lock.holder.gatewayUrl,
    }
  }

  #status(): NodeStatus {
    const { lock, home, config, parts, calls } = this.#opened
    const { role, pid, startedAt, url, gatewayUrl } = lock.holder
    const list = parts.list()
    const isOpen = list.some(({ name, state }) => name === ipfsPart && state === 'running')
    const migration = isOpen ? this.ipfs.stats().migration : undefined
    return {
      version: this.version,
      role,
      pid,
      home: home.path,
      startedAt,
      uptimeSeconds: this.#uptimeSeconds(),
      network: config.network,
      ...(url === undefined ? {} : { url }),
      ...(gatewayUrl === undefined ? {} : { gatewayUrl }),
      runningCalls: calls.stats().runningCalls,
      parts: list.map(({ name, state }) => ({ name, state })),
      ...(migration === undefined ? {} : { migration }),
    }
  }

  #uptimeSeconds(): number {
    return Math.round(performance.now() - this.#started) / 1000
  }
}

let version: string | undefined

function kitVersion(): string {
  version ??= (
    JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  ).version
  return version
}
