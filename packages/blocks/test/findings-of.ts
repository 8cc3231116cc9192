/** What opening finds that a clean close does not leave. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/** Messages of `blocks:finding` while something runs. */
export async function findingsOf(what: () => Promise<unknown>): Promise<readonly unknown[]> {
  const findings: unknown[] = []
  const note = (message: unknown): void => void findings.push(message)
  subscribe('blocks:finding', note)
  try {
    await what()
  } finally {
    unsubscribe('blocks:finding', note)
  }
  return findings
}
