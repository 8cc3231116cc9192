/** Follows topics of the log of operations of a server by WebSocket, over as many connections as it takes. */
import { channel, createOwner, sleep, suspend } from '@ipfs-kit/concurrency'
import type { WalMessage, WalTopic } from '@ipfs-kit/kit'
import type { ClientOptions } from './client.ts'
import { clientError, serverError } from './errors.ts'
import {
  checkFollowOptions,
  type FollowOptions,
  orLost,
  overConnections,
  type Waiting,
} from './over-connections.ts'

/** What is followed, and for topics of operations the LSN of the first change to tell. */
export type FollowedTopic = WalTopic

type Told<Key extends string> = Omit<Extract<WalMessage, Record<Key, unknown>>, 'id'>

/** What is told of a topic: `{ lsn, metrics }`, `{ lsn, health }`, or `{ lsn, job }` and `{ lsn, missed }`. */
export type TopicMessage<Topic extends FollowedTopic = FollowedTopic> = Topic extends {
  readonly subscribe: 'metrics'
}
  ? Told<'metrics'>
  : Topic extends { readonly subscribe: 'backend_health' }
    ? Told<'health'>
    : Told<'job'> | Told<'missed'>

/** Messages that wait to be taken; beyond them the connection is left, and another one goes on behind the last that was taken. */
const messagesAhead = 1000
/** So many pings are sent in the time in which something has to come. */
const pingsWithin = 3
const id = 'followed'

/**
 * What a topic tells, from an LSN on or from now. A connection that is lost is made again and goes on behind the last message; what
 * cannot be told any more is told as missed. It ends when who follows leaves it. It begins with the first `next()`.
 *
 * @param server - where it is, and its token; `fetch` asks why a connection cannot be made
 * @throws TypeError, RangeError for options; ClientError if the first connection cannot be made, if `retries` fail, and for what
 *   another connection does not change; the reason of the signal
 */
export async function* followWal<const Topic extends FollowedTopic>(
  server: ClientOptions,
  topic: Topic,
  options: FollowOptions = {},
): AsyncGenerator<TopicMessage<Topic>, void, undefined> {
  const checked = checkFollowOptions(options, 'followWal')
  let from = 'from' in topic ? topic.from : undefined
  async function* connect(): AsyncGenerator<WalMessage, void, undefined> {
    const asked = from === undefined ? topic : { ...topic, from }
    for await (const message of messagesOf(server, asked, checked)) {
      const isOfOperations = topic.subscribe !== 'metrics' && topic.subscribe !== 'backend_health'
      if (isOfOperations && !('pong' in message)) from = message.lsn + 1
      yield message
    }
  }
  for await (const message of overConnections(connect, checked)) {
    if (!('id' in message) || 'error' in message) continue
    const { id: _, ...told } = message
    yield told as TopicMessage<Topic>
  }
}

/** The messages of one connection. */
async function* messagesOf(
  server: ClientOptions,
  topic: FollowedTopic,
  waiting: Waiting,
): AsyncGenerator<WalMessage, void, undefined> {
  const { token } = server
  const url = new URL(server.url)
  const address = `${url.origin}${url.pathname.replace(/\/$/, '')}/api/v1/wal/ws`
  const protocols = ['ipfs-kit.wal.v1', ...(token === undefined ? [] : [`bearer.${token}`])]
  const socket = new WebSocket(address.replace(/^http/, 'ws'), protocols)
  const cut = (): void => socket.close()
  await using owner = createOwner({ name: 'followWal' })
  const [out, incoming] = channel<string>(messagesAhead, { name: 'messages of a server' })
  socket.addEventListener('message', ({ data }) => {
    if (out.trySend(String(data))) return
    out.close()
    cut()
  })
  socket.addEventListener('close', () => {
    out.close(clientError('CLIENT_DISCONNECTED', `The connection to ${url.origin} was lost`))
  })
  try {
    if (!(await orLost(() => opened(socket), cut, waiting))) throw await whyNot(server, address)
    socket.send(JSON.stringify({ ...topic, id }))
    owner.spawn(async () => {
      for (let ping = 1; ; ping += 1) {
        await sleep(waiting.quietMs / pingsWithin)
        if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ ping }))
      }
    })
    const texts = incoming[Symbol.asyncIterator]()
    for (;;) {
      const step = await orLost(() => texts.next(), cut, waiting)
      if (step.done === true) return
      yield read(step.value)
    }
  } finally {
    cut()
    incoming.close()
  }
}

/** Whether it has been opened. */
function opened(socket: WebSocket): Promise<boolean> {
  return suspend<boolean>(
    ({ resolve }) => {
      socket.addEventListener('open', () => resolve(true))
      socket.addEventListener('error', () => resolve(false))
      return () => {}
    },
    { what: 'connection to a server' },
  )
}

/** Why a connection could not be made, which a WebSocket does not tell: the same is asked for without its handshake. */
async function whyNot({ fetch = globalThis.fetch, token }: ClientOptions, address: string): Promise<Error> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  try {
    const response = await fetch(address, { headers })
    const why = serverError(await response.json(), response.status)
    if (why !== undefined && why.code !== 'SERVER_UPGRADE_NEEDED') return why
    return clientError('CLIENT_UNREACHABLE', `No WebSocket to ${address}, which answers`)
  } catch (cause) {
    return clientError('CLIENT_UNREACHABLE', `No connection to ${address}`, { cause })
  }
}

/** @throws ClientError what the server says; CLIENT_BAD_ANSWER */
function read(text: string): WalMessage {
  let message: WalMessage
  try {
    message = JSON.parse(text) as WalMessage
  } catch (cause) {
    throw clientError('CLIENT_BAD_ANSWER', 'The server has sent a message that is no JSON', { cause })
  }
  const error = 'error' in message ? serverError(message.error) : undefined
  if (error !== undefined) throw error
  return message
}
