/** What the log tells those who listen: small objects on `node:diagnostics_channel`, made only when somebody does. */
import { channel } from 'node:diagnostics_channel'
import type { WalError } from './errors.ts'
import type { Finding } from './log.ts'

const appendChannel = channel('wal:append')
const findingChannel = channel('wal:finding')
const stopChannel = channel('wal:stop')

/** `wal:append`: a batch was acknowledged. */
export function publishAppend(firstLsn: number, records: number, bytes: number): void {
  if (appendChannel.hasSubscribers) appendChannel.publish({ firstLsn, records, bytes })
}

/** `wal:finding`: opening found something that is not as the log has written it. */
export function publishFinding(finding: Finding): void {
  if (findingChannel.hasSubscribers) findingChannel.publish(finding)
}

/** `wal:stop`: a sync has failed, and the log takes nothing any more. */
export function publishStop({ code, message }: WalError): void {
  if (stopChannel.hasSubscribers) stopChannel.publish({ code, message })
}
