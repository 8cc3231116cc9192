/** The changes that a log tells of. */
import type { Log } from '@ipfs-kit/wal'
import { type ChangeRecord, decodeChange } from './record.ts'

/** A change as it stands in the log. */
export interface LoggedChange {
  readonly change: ChangeRecord
  readonly lsn: number
  /** Of its record. */
  readonly bytes: number
  /** It does not follow the one before it: that one was not appended, or is lost, and so this one counts for nothing. */
  readonly isDropped: boolean
}

/** Yields the changes behind a record and a change, in order, some at a time. @throws JournalError, WalError */
export async function* changesBehind(
  log: Log,
  from: { readonly lsn: number; readonly sequence: number },
  signal?: AbortSignal,
): AsyncGenerator<readonly LoggedChange[], void, undefined> {
  let { sequence } = from
  if (from.lsn + 1 >= log.stats().nextLsn) return
  for await (const { firstLsn, payloads } of log.read({ from: from.lsn + 1, signal })) {
    const changes: LoggedChange[] = []
    for (const [at, payload] of payloads.entries()) {
      const change = decodeChange(payload, firstLsn + at)
      if (change === undefined) continue
      const isDropped = change.sequence !== sequence + 1
      changes.push({ change, lsn: firstLsn + at, bytes: payload.length, isDropped })
      if (!isDropped) sequence = change.sequence
    }
    yield changes
  }
}
