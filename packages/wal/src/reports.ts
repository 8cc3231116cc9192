/** What the log tells those who listen: small objects on `node:diagnostics_channel`, made only when somebody does. */
import { channel } from 'node:diagnostics_channel'
import type { WalError } from './errors.ts'
import type { Finding } from './log/log.ts'
import { ownLane, type LoggedOperation } from './store/operation.ts'
import type { StoreFinding } from './store/operation-store.ts'
import type { BackendHealth } from './wal/wal.ts'

const appendChannel = channel('wal:append')
const findingChannel = channel('wal:finding')
const stopChannel = channel('wal:stop')

/** `wal:append`: a batch was acknowledged. */
export function publishAppend(firstLsn: number, records: number, bytes: number): void {
  if (appendChannel.hasSubscribers) appendChannel.publish({ firstLsn, records, bytes })
}

/** `wal:finding`: opening found something that is not as the log in the folder, or the store, has left it. */
export function publishFinding(finding: Finding | StoreFinding, path?: string): void {
  if (findingChannel.hasSubscribers)
    findingChannel.publish(path === undefined ? finding : { path, ...finding })
}

/** `wal:stop`: a sync has failed, and the log takes nothing any more. */
export function publishStop({ code, message }: WalError): void {
  if (stopChannel.hasSubscribers) stopChannel.publish({ code, message })
}

const checkpointChannel = channel('wal:checkpoint')

/** `wal:checkpoint`: a snapshot was written, and the log has dropped what is in it; or that has failed. */
export function publishCheckpoint(
  made: { lsn: number; bytes: number } | { code: string; message: string },
): void {
  if (checkpointChannel.hasSubscribers) checkpointChannel.publish(made)
}

const operationChannel = channel('wal:operation')
const backendChannel = channel('wal:backend')
const lateChannel = channel('wal:late')
const stuckChannel = channel('wal:stuck')

/** `wal:operation`: an operation has changed. */
export function publishOperation({ id, type, state, backend = ownLane }: LoggedOperation): void {
  if (operationChannel.hasSubscribers) operationChannel.publish({ id, type, state, backend })
}

/** `wal:backend`: a backend has become online, degraded or offline. */
export function publishBackend(health: Omit<BackendHealth, 'running' | 'limit'>): void {
  if (backendChannel.hasSubscribers) backendChannel.publish(health)
}

/** `wal:late`: a handler has returned after its attempt was over, or after the log had stopped; what it returned was dropped. */
export function publishLate({ id, type, attemptCount }: LoggedOperation): void {
  if (lateChannel.hasSubscribers) lateChannel.publish({ id, type, attempt: attemptCount })
}

/** `wal:stuck`: a handler goes on long after it was cancelled. */
export function publishStuck({ id, type, attemptCount, backend = ownLane }: LoggedOperation): void {
  if (stuckChannel.hasSubscribers) stuckChannel.publish({ id, type, attempt: attemptCount, backend })
}
