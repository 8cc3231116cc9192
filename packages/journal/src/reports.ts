/** What a journal tells those who listen: small objects on `node:diagnostics_channel`, made only when somebody does. */
import { channel } from 'node:diagnostics_channel'
import { JournalError } from './errors.ts'
import type { TransactionStatus } from './journal.ts'
import type { Alert } from './monitor/health.ts'

const changeChannel = channel('journal:change')
const checkpointChannel = channel('journal:checkpoint')
const transactionChannel = channel('journal:transaction')
const alertChannel = channel('journal:alert')

/** `journal:change`: a change was answered, or was not taken. `ms`: from its stored blocks to its answer. */
export function publishChange(change: { ms: number } | { code: string }): void {
  if (changeChannel.hasSubscribers) changeChannel.publish(change)
}

/** `journal:checkpoint`: one was written, or that has failed. */
export function publishCheckpoint(made: { sequence: number; bytes: number }): void {
  if (checkpointChannel.hasSubscribers) checkpointChannel.publish(made)
}

export function publishCheckpointFailure(failure: unknown): void {
  if (!checkpointChannel.hasSubscribers) return
  const { code, message } =
    failure instanceof JournalError ? failure : { code: 'OTHER', message: String(failure) }
  checkpointChannel.publish({ code, message })
}

/** `journal:transaction`: one has ended. */
export function publishTransaction({ id, name, state, openMs, steps }: TransactionStatus): void {
  if (transactionChannel.hasSubscribers) transactionChannel.publish({ id, name, state, openMs, steps })
}

/** `journal:alert`: a figure has come above its threshold, or has been well below it for a while. */
export function publishAlert(alert: Alert & { readonly state: 'raised' | 'cleared' }): void {
  if (alertChannel.hasSubscribers) alertChannel.publish(alert)
}
