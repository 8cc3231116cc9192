/** Failures that no answer explains, on the channel `gateway:error`, for the log of the server. */
import diagnosticsChannel from 'node:diagnostics_channel'

/** What is published on the channel `gateway:error`. */
export interface GatewayErrorRecord {
  /** The id in the answer; '' when the answer had begun, so that the connection was cut instead. */
  readonly requestId: string
  readonly name: 'gateway'
  /** What was thrown. It may hold paths and other internals. */
  readonly error: unknown
}

const channel = diagnosticsChannel.channel('gateway:error')

/** Tells those who listen. */
export function publishError(requestId: string, error: unknown): void {
  if (!channel.hasSubscribers) return
  const record: GatewayErrorRecord = { requestId, name: 'gateway', error }
  channel.publish(record)
}
