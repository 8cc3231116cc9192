/** The server: one kit and the doors to it, in the order of their opening; closing goes the other way. */
import { mkdtemp, rm } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGateway } from '@ipfs-kit/gateway'
import { type Kit, openKit } from '@ipfs-kit/kit'
import { createTelemetry } from '@ipfs-kit/telemetry'
import { createErrorLog, createFindingLog } from '@ipfs-kit/telemetry/logs'
import { Registry } from 'prom-client'
import { createApi } from './api.ts'
import { openListener } from './listen.ts'
import { checkOptions, type ServerOptions } from './options.ts'
import { createUpgrades } from './upgrades.ts'
import { walSocketPath } from './wal-socket.ts'

/** A running server. */
export interface Server extends AsyncDisposable {
  /** REST, MCP, health and metrics. */
  readonly url: string
  readonly gatewayUrl: string
  /** File with the token that REST and MCP want. */
  readonly tokenFile: string
  readonly kit: Kit
  /** Cancels what runs, closes in reverse order, frees the home. Idempotent. */
  close(): Promise<void>
}

/**
 * Opens a home and serves it on loopback: the API on 127.0.0.1:4801 and the gateway on 127.0.0.1:4802 unless configured
 * otherwise. What was opened is closed again when a later step fails.
 *
 * @throws TypeError for an option that is unknown or contradicts another; what `openKit` throws; ServerError SERVER_PORT_UNAVAILABLE
 */
export async function openServer(options: ServerOptions = {}): Promise<Server> {
  checkOptions(options)
  await using opening = new AsyncDisposableStack()

  // The log and the metrics hear of everything that follows.
  if (options.log !== undefined) {
    opening.use(createErrorLog({ write: options.log }))
    opening.use(createFindingLog({ write: options.log }))
  }
  const names = new WeakMap<object, string>()
  const telemetry = createTelemetry({ registry: new Registry(), nameOfServer: (server) => names.get(server) })
  opening.defer(() => telemetry.close())

  const home = options.isolated === true ? await mkdtemp(join(tmpdir(), 'ipfs-kit-')) : options.home
  if (options.isolated === true && home !== undefined)
    opening.defer(() => rm(home, { recursive: true, force: true }))

  const kit = opening.use(
    await openKit({
      role: 'server',
      ...(home === undefined ? {} : { home }),
      ...(options.config === undefined ? {} : { config: options.config }),
      ...(options.waitMs === undefined ? {} : { waitMs: options.waitMs }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    }),
  )
  telemetry.observe('ipfs', () => kit.ipfs.stats())
  let isTreeObserved = false
  /** Where there is no tree yet the first call opens it that needs it. */
  const observeTree = (): void => {
    isTreeObserved ||= kit.parts.list().some(({ name, state }) => {
      if (name !== 'journal' || state !== 'running') return false
      telemetry.observe('journal', () => kit.journal.health().figures)
      return true
    })
  }

  // REST, MCP, health and metrics, and the ways to follow the log of operations.
  const upgrades = createUpgrades(walSocketPath)
  const api = await createApi({
    operations: kit.operations,
    caller: kit.caller,
    tokens: kit.tokens,
    version: kit.version,
    areas: kit.config.mcp.areas,
    limits: {
      maxBodyBytes: kit.config.limits.maxBodyBytes,
      maxFiles: kit.config.limits.maxFilesPerRequest,
      // As much as MCP takes, which is more than storage.write can need.
      maxInputBytes: 4_194_304,
    },
    readiness: () => {
      const parts = kit.parts.list().map(({ name, state }) => ({ name, state }))
      return { ready: parts.every(({ state }) => state === 'running'), parts }
    },
    metrics: () => {
      observeTree()
      return telemetry.metrics()
    },
    wal: () => kit.wal,
    upgrades,
  })
  opening.defer(() => api.close())
  await api.ready()
  const route: RequestListener = (request, response) => api.routing(request, response)
  const door = opening.use(await openListener(kit.config.api, route, upgrades.through(route)))
  names.set(door.server, 'api')
  // Nobody comes in any more; those who are in get their answers before the door cuts the connections.
  opening.defer(() => {
    door.stop()
    return api.close()
  })

  // The gateway is a part: it can be restarted, and comes back on the port that it had.
  let endpoint = kit.config.gateway
  const listener = await kit.parts.open('gateway', async () => {
    await using openingGateway = new AsyncDisposableStack()
    const gateway = openingGateway.use(createGateway({ ipfs: () => kit.ipfs }))
    const { server, url, port } = openingGateway.use(await openListener(endpoint, gateway.listener))
    endpoint = { ...endpoint, port }
    names.set(server, 'gateway')
    const opened = openingGateway.move()
    return { url, [Symbol.asyncDispose]: () => opened.disposeAsync() }
  })

  const addresses = { url: door.url, gatewayUrl: listener.url }
  options.signal?.throwIfAborted()
  await kit.announce(addresses)
  opening.defer(() => kit.withdraw())

  const opened = opening.move()
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= opened.disposeAsync())
  return { ...addresses, tokenFile: kit.tokens.tokenFile, kit, close, [Symbol.asyncDispose]: close }
}
