/** The channel for what no answer explains: the log of the process listens to it. */
import diagnosticsChannel from 'node:diagnostics_channel'
import { answerOf, type Fault } from './errors.ts'

/** A failure that its answer does not explain, published on the channel `operations:error` for the log of the process. */
export interface ErrorRecord {
  readonly requestId: string
  /** Name of the operation; '' if the request did not get as far as one. */
  readonly name: string
  /** What was thrown. It may hold paths and other internals. */
  readonly error: unknown
}

const channel = diagnosticsChannel.channel('operations:error')
const published = new WeakSet<Fault>()

/** Publishes a fault of the kinds `internal` and `integrity`, once, however many places see it pass. */
export function publishFault(fault: Fault, requestId: string, name: string): void {
  if (answerOf(fault.kind).status !== 500 || !channel.hasSubscribers || published.has(fault)) return
  published.add(fault)
  const record: ErrorRecord = { requestId, name, error: fault.cause ?? fault }
  channel.publish(record)
}
