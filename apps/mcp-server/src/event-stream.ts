/** Server-sent events at `/api/v1/jobs/events`: one topic of the log, resumed by `Last-Event-ID`. */
import type { ServerResponse } from 'node:http'
import { createEvent, createOwner, type Event, moveOnAfter } from '@ipfs-kit/concurrency'
import {
  createSubscriptions,
  readRequest,
  type ServerMessage,
  type SubscriptionRequest,
  type SubscriptionsOptions,
  WalError,
} from '@ipfs-kit/wal'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { deliver } from './deliver.ts'
import { type CurrentWal, followedWal } from './followed-wal.ts'
import { shown } from './guard.ts'

/** What {@link eventStream} takes. */
export interface EventStreamOptions {
  readonly wal: CurrentWal
  /** Throws a fault for who may not follow. */
  readonly authorize: (request: FastifyRequest) => void
  /** Hears of streams that failed by themselves. */
  readonly onError: (error: unknown) => void
}

/** How often a comment is sent, so that nobody on the way takes a quiet stream for a dead one. */
const quietMs = 15_000
/** How long a client waits before it comes again. */
const retryMs = 1000

/** Makes the plugin. What is wrong with the query is answered as for an operation; after that there are only events. */
export function eventStream({ wal, authorize, onError }: EventStreamOptions): FastifyPluginAsync {
  return async (app) => {
    const owner = createOwner({ name: 'event streams', onError })
    app.addHook('preClose', () => owner.close('The server is closing'))
    app.route({
      method: 'GET',
      url: '/api/v1/jobs/events',
      exposeHeadRoute: false,
      onRequest: async (request) => authorize(request),
      handler: async (request, reply) => {
        const asked = requestOf(request)
        const followed = followedWal(wal)
        // Before the answer begins: a log that is not open is told with a status.
        followed.stats()
        reply.hijack()
        const { raw } = reply
        raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
        const stream = owner.spawn(() => tell(followed, asked, raw), { name: 'event stream' })
        raw.once('close', () => stream.cancel('The client is gone'))
        if (raw.destroyed) stream.cancel('The client is gone')
      },
    })
  }
}

/** Sends events until the subscription or its scope ends. */
async function tell(
  wal: SubscriptionsOptions['wal'],
  asked: SubscriptionRequest,
  raw: ServerResponse,
): Promise<void> {
  const over = createEvent({ name: 'end of a subscription' })
  const send = async (message: ServerMessage): Promise<void> => {
    await write(raw, eventOf(message))
    if ('error' in message) over.set()
  }
  try {
    await using subscriptions = createSubscriptions({ wal, send, maxSubscriptions: 1 })
    await write(raw, `retry: ${retryMs}\n\n`)
    await subscriptions.subscribe(asked)
    while (!(await isOver(over))) if (!raw.writableNeedDrain) await write(raw, ':\n\n')
    raw.end()
  } catch (error) {
    // Whoever could not be told anything any more is gone.
    if (!raw.destroyed) throw error
  } finally {
    // An answer that was ended is sent to its end; any other one is cut, so that nobody takes it for whole.
    if (!raw.writableEnded) raw.destroy()
  }
}

async function isOver(over: Event): Promise<boolean> {
  await moveOnAfter(quietMs, () => over.wait())
  return over.isSet
}

function write(raw: ServerResponse, text: string): Promise<void> {
  return deliver(
    (done) => {
      raw.write(text, done)
    },
    () => {
      raw.destroy()
    },
  )
}

/** `event` is what kind of message it is; `data` is the message as on the WebSocket. */
function eventOf(message: ServerMessage): string {
  const kinds = ['subscribed', 'job', 'missed', 'health', 'metrics', 'error'] as const
  const kind = kinds.find((one) => one in message) ?? 'message'
  return `id: ${message.lsn}\nevent: ${kind}\ndata: ${JSON.stringify(message)}\n\n`
}

const numbers = new Set(['operation', 'from', 'intervalMs'])

/** The topic that a query names; by itself all operations. @throws WalError WAL_MESSAGE_INVALID */
function requestOf({ query, headers }: FastifyRequest): SubscriptionRequest {
  const { topic = 'all_operations', ...rest } = query as Record<string, unknown>
  const fields = Object.entries(rest).map(([name, text]) => [
    name,
    numbers.has(name) && typeof text === 'string' && text !== '' ? Number(text) : text,
  ])
  const { 'last-event-id': last } = headers
  const isOfChanges = topic !== 'backend_health' && topic !== 'metrics'
  if (last === undefined || !isOfChanges) {
    return readRequest({ ...Object.fromEntries(fields), subscribe: topic, id: 'events' })
  }
  if (!/^\d{1,15}$/.test(String(last))) {
    throw new WalError('WAL_MESSAGE_INVALID', `Last-Event-ID ${shown(String(last))} is no LSN`)
  }
  return readRequest({
    ...Object.fromEntries(fields),
    subscribe: topic,
    id: 'events',
    from: Number(last) + 1,
  })
}
