/** The WebSocket `/api/v1/wal/ws`: a client follows the log of operations, as many topics as it likes within a limit. */
import {
  channel,
  createOwner,
  moveOnAfter,
  type Resume,
  sleep,
  suspend,
  type Task,
  taskGroup,
} from '@ipfs-kit/concurrency'
import { createSubscriptions, type ServerMessage, type SubscriptionsOptions } from '@ipfs-kit/wal'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { deliver } from './deliver.ts'
import { ServerError } from './errors.ts'
import { type CurrentWal, followedWal } from './followed-wal.ts'
import type { SocketUpgrades } from './upgrades.ts'

/** Its path. */
export const walSocketPath = '/api/v1/wal/ws'

/** What {@link walSocket} takes. */
export interface WalSocketOptions {
  readonly wal: CurrentWal
  readonly upgrades: Pick<SocketUpgrades, 'take'>
  /** Throws a fault for who may not follow. */
  readonly authorize: (request: FastifyRequest) => void
  /** Hears of sessions that failed by themselves. */
  readonly onError: (error: unknown) => void
}

/** The subprotocol of the messages. A client may also offer none. */
const protocol = 'ipfs-kit.wal.v1'
/** Bytes of a message of a client. */
const maxMessageBytes = 16_384
/** Messages of a client that wait until those before them are answered. */
const messagesAhead = 256
/** A client that has not answered one ping when the next is due is gone. */
const pingMs = 30_000
/** How long clients have to take the end of the server. */
const goodbyeMs = 1000

/** Makes the plugin. */
export function walSocket({ wal, upgrades, authorize, onError }: WalSocketOptions): FastifyPluginAsync {
  return async (app) => {
    const owner = createOwner({ name: 'web sockets', onError })
    const sessions = new Map<WebSocket, Task<void>>()
    // Loaded when the first client comes: a start does not wait for it.
    const open = async () => {
      const { WebSocketServer } = await import('ws')
      return new WebSocketServer({
        noServer: true,
        clientTracking: false,
        maxPayload: maxMessageBytes,
        perMessageDeflate: false,
        handleProtocols: (offered) => offered.has(protocol) && protocol,
      })
    }
    let opening: ReturnType<typeof open> | undefined
    app.addHook('preClose', async () => {
      const ending = [...sessions]
      for (const [client] of ending) client.close(1001, 'The server is closing')
      await moveOnAfter(goodbyeMs, async () => {
        for (const [client] of ending) await closed(client)
      })
      await owner.close('The server is closing')
    })
    app.route({
      method: 'GET',
      url: walSocketPath,
      exposeHeadRoute: false,
      onRequest: async (request) => authorize(request),
      handler: async (request, reply) => {
        const followed = followedWal(wal)
        // Before the handshake: a log that is not open is told with a status.
        followed.stats()
        const server = await (opening ??= open())
        const upgrade = upgrades.take(request.raw)
        if (upgrade === undefined) {
          throw new ServerError('SERVER_UPGRADE_NEEDED', `${walSocketPath} is a WebSocket`)
        }
        reply.hijack()
        server.handleUpgrade(request.raw, upgrade.socket, upgrade.head, (client) => {
          const session = owner.spawn(() => serve(client, followed), { name: 'web socket' })
          sessions.set(client, session)
          client.once('close', () => {
            sessions.delete(client)
            session.cancel('The client is gone')
          })
        })
      },
    })
  }
}

/** Answers a client and tells it what it follows, until it is gone. */
async function serve(client: WebSocket, wal: SubscriptionsOptions['wal']): Promise<void> {
  const [out, incoming] = channel<string>(messagesAhead, { name: 'messages of a client' })
  let isAlive = true
  client.on('message', (data) => {
    isAlive = true
    // Goes on when the client has taken the answers to all that has been read.
    client.pause()
    if (!out.trySend((data as Buffer).toString())) client.close(1008, 'Too many messages at once')
  })
  client.on('pong', () => {
    isAlive = true
  })
  // What breaks the rules of the protocol, or is too long, is told to the client by its closing code, and ends this.
  client.on('error', () => {})
  try {
    await using subscriptions = createSubscriptions({ wal, send: (message) => send(client, message) })
    await taskGroup(async (group) => {
      group.spawn(async () => {
        for await (const text of incoming) {
          await subscriptions.receive(text)
          if (incoming.stats().buffered === 0) client.resume()
        }
      })
      group.spawn(async () => {
        for (; isAlive; await sleep(pingMs)) {
          isAlive = false
          client.ping()
        }
        client.terminate()
      })
    })
  } catch (error) {
    // Whoever could not be told anything any more is gone.
    if (client.readyState === client.OPEN) throw error
  } finally {
    client.terminate()
  }
}

function send(client: WebSocket, message: ServerMessage): Promise<void> {
  return deliver(
    (done) => client.send(JSON.stringify(message), done),
    () => client.terminate(),
  )
}

function closed(client: WebSocket): Promise<void> {
  const begin = ({ resolve }: Resume<void>): (() => void) => {
    if (client.readyState === client.CLOSED) resolve()
    else client.once('close', () => resolve())
    return () => {}
  }
  return suspend(begin, { what: 'end of a web socket' })
}
