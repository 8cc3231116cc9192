/** The messages between a client that follows a log of operations and who serves it: JSON texts, both ways. */
import type { ErrorBody } from '@ipfs-kit/operations'
import { z } from 'zod'
import { WalError } from '../errors.ts'
import { problemsIn } from '../schema-problems.ts'
import type { Job } from '../operations/job.ts'
import type { OperationFilter } from '../store/operation-index.ts'
import type { ShownStats } from '../operations/state.ts'
import type { BackendHealth } from './wal.ts'

const name = z.string().min(1).max(200)
const states = ['queued', 'running', 'retrying', 'completed', 'failed', 'cancelled'] as const

/** What is common to topics that tell changes. `from` is the LSN of the first change to tell; default what follows. */
const changes = { id: name, from: z.int().min(1).optional() }

const subscription = z.discriminatedUnion('subscribe', [
  z.strictObject({ subscribe: z.literal('all_operations'), ...changes }),
  z.strictObject({ subscribe: z.literal('specific_operation'), operation: z.int().min(1), ...changes }),
  z.strictObject({ subscribe: z.literal('operations_by_status'), status: z.enum(states), ...changes }),
  z.strictObject({ subscribe: z.literal('operations_by_backend'), backend: name, ...changes }),
  z.strictObject({ subscribe: z.literal('operations_by_type'), type: name, ...changes }),
  z.strictObject({ subscribe: z.literal('backend_health'), id: name }),
  z.strictObject({
    subscribe: z.literal('metrics'),
    id: name,
    intervalMs: z.int().min(1000).max(3_600_000).default(5000),
  }),
])

/** A client asks to be told of a topic, under an id that it chooses. */
export type SubscriptionRequest = z.output<typeof subscription>

/** The same as it is sent: with what has a default or without it. */
export type AskedSubscription = z.input<typeof subscription>

const message = z.union(
  [
    subscription,
    z.strictObject({ unsubscribe: name }),
    z.strictObject({ ping: z.union([z.string().max(200), z.number()]) }),
  ],
  'A message is an object with subscribe and id, with unsubscribe, or with ping, and nothing else',
)

/** What a client may send. */
export type ClientMessage = z.output<typeof message>

/**
 * What a client is sent. Whoever has been told a change with an `lsn` has been told all changes of its topic up to that one: it
 * goes on with `from`, one more.
 */
export type ServerMessage =
  | { readonly subscribed: string; readonly lsn: number }
  | { readonly unsubscribed: string; readonly lsn: number }
  | { readonly pong: string | number; readonly lsn: number }
  | { readonly id: string; readonly lsn: number; readonly job: Job }
  /** Changes behind `after`, up to `through`, were not told: the client was too slow, or the log has let them go. */
  | {
      readonly id: string
      readonly lsn: number
      readonly missed: { readonly after: number; readonly through: number }
    }
  | { readonly id: string; readonly lsn: number; readonly health: BackendHealth }
  | { readonly id: string; readonly lsn: number; readonly metrics: ShownStats }
  /** With `id` the end of that subscription, or the refusal to begin it. */
  | {
      readonly id?: string
      readonly lsn: number
      readonly error: Omit<ErrorBody, 'requestId'>
    }

/** Reads what a client sent. @throws WalError WAL_MESSAGE_INVALID */
export function readMessage(text: string): ClientMessage {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new WalError('WAL_MESSAGE_INVALID', 'The message is no JSON', { cause })
  }
  return checked(isSubscribing(value) ? subscription : message, value)
}

/** Checks a request to be told of a topic. @throws WalError WAL_MESSAGE_INVALID */
export function readRequest(value: unknown): SubscriptionRequest {
  return checked(subscription, value)
}

/** The changes that a topic is about; undefined for those that are about something else. */
export function filterOfTopic(
  request: SubscriptionRequest,
): (OperationFilter & { readonly id?: number; readonly from?: number }) | undefined {
  if (request.subscribe === 'backend_health' || request.subscribe === 'metrics') return undefined
  const from = request.from === undefined ? {} : { from: request.from }
  switch (request.subscribe) {
    case 'all_operations':
      return from
    case 'specific_operation':
      return { ...from, id: request.operation }
    case 'operations_by_status':
      return { ...from, states: [request.status] }
    case 'operations_by_backend':
      return { ...from, backends: [request.backend] }
    case 'operations_by_type':
      return { ...from, types: [request.type] }
  }
}

/** So that what is wrong with it is told of its topic, and not of all kinds of messages. */
function isSubscribing(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'subscribe' in value
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new WalError('WAL_MESSAGE_INVALID', problemsIn(parsed.error))
}
