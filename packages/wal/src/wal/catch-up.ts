/** What has changed since an LSN of the past, as the log still tells it. */
import { WalError } from '../errors.ts'
import type { Ledger } from './ledger.ts'
import type { LoggedOperation } from '../store/operation.ts'
import { decodeRecord, type WalRecord } from '../store/record.ts'
import type { MissedChanges, OperationChange } from './wal.ts'

/** Operations in a page when those are looked for that an opening has interrupted. */
const pageSize = 1000

/**
 * Changes from an LSN on, through another one. Each operation comes once, in its latest state, at the place of its last change;
 * what changes behind that is left to who follows.
 */
export async function* catchUp(
  ledger: Ledger,
  from: number,
  through: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<OperationChange | MissedChanges, void, undefined> {
  const { log, index } = ledger.store
  await index.applied(ledger.acknowledged, { signal })
  let next = from
  while (next <= through) {
    const { firstLsn } = log.stats()
    if (next < firstLsn) {
      yield { missedAfter: next - 1, missedThrough: Math.min(firstLsn - 1, through) }
      next = firstLsn
      continue
    }
    try {
      for await (const { firstLsn: first, payloads } of log.read({ from: next, ...(signal && { signal }) })) {
        for (const [at, payload] of payloads.entries()) {
          const lsn = first + at
          if (lsn > through) return
          next = lsn + 1
          const record = decodeRecord(payload)
          // What it has interrupted is found as such once it is recovered.
          if (record.kind === 'open') await index.recovered({ signal })
          let held: LoggedOperation | undefined
          for (const operation of changedBy(ledger, lsn, record)) {
            // An opening changes many: whoever leaves before the last of them is to be told them again.
            if (held !== undefined) yield { lsn: lsn - 1, operation: held }
            held = operation
          }
          if (held !== undefined) yield { lsn, operation: held }
        }
      }
      return
    } catch (error) {
      // The log has let go what was to be read next.
      if (!(error instanceof WalError && error.code === 'WAL_DROPPED')) throw error
    }
  }
}

/** Operations whose last change is this record. */
function* changedBy(
  ledger: Ledger,
  lsn: number,
  record: WalRecord,
): Generator<LoggedOperation, void, undefined> {
  if (record.kind === 'delete') return
  if (record.kind === 'open') {
    yield* interruptedBy(ledger, lsn)
    return
  }
  const operation = ledger.load(record.kind === 'add' ? lsn : record.id)
  if (operation?.lsn === lsn) yield operation
}

function* interruptedBy(
  { store: { index } }: Ledger,
  lsn: number,
): Generator<LoggedOperation, void, undefined> {
  let before = Number.MAX_SAFE_INTEGER
  for (;;) {
    const page = index.list({ states: ['retrying', 'failed'], before, limit: pageSize })
    yield* page.filter((operation) => operation.lsn === lsn)
    if (page.length < pageSize) return
    before = page.at(-1)!.id
  }
}
