/** The evaluation of everything, in slices between which others get their turns. */
import { checkpoint, map, now } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import type { Row } from './catalog/row.ts'
import type { CopyQueue } from './copy-queue.ts'
import type { Ledger } from './ledger.ts'
import type { PlacementWal } from './placement.ts'
import { publishEvaluation } from './reports.ts'
import { Tally, type Summary } from './tally.ts'

/** How long a slice may take. */
const sliceMs = 5
/** Rows between two looks at the clock, and in a slice at most. */
const rowsPerLook = 32
const rowsPerSlice = 4096
/** Contents whose copies are promised at once. */
const filledAtOnce = 64
/** Contents that are gathered for that. */
const gathered = 1024

/** What an evaluation needs. */
export interface EvaluationOptions {
  readonly ledger: Ledger
  readonly queue: CopyQueue
  readonly wal: PlacementWal
  readonly verifySharePerDay: number
}

/**
 * Visits all rows, in slices. What is there all the time comes once. The row may be of another CID after the visit's next wait.
 *
 * @param visit - given the row and its slot; when it gives a promise, that is awaited
 * @throws PlacementError PLACEMENT_CLOSED; what `visit` throws
 */
export async function visitRows(
  { catalog }: Ledger,
  visit: (row: Row, slot: number) => Promise<void> | undefined,
): Promise<void> {
  let sliceEndsAt = now() + sliceMs
  for (let slot = 0; slot < catalog.slots; slot += 1) {
    if (
      slot % rowsPerLook === rowsPerLook - 1 &&
      (now() >= sliceEndsAt || slot % rowsPerSlice === rowsPerSlice - 1)
    ) {
      await checkpoint()
      sliceEndsAt = now() + sliceMs
    }
    catalog.throwIfClosed()
    const row = catalog.at(slot)
    const visiting = row && visit(row, slot)
    if (visiting !== undefined) await visiting
  }
}

/** Evaluates everything, and promises the copies that are missing. Throws what the log refuses an append with. */
export async function evaluateAll({
  ledger,
  queue,
  wal,
  verifySharePerDay,
}: EvaluationOptions): Promise<Summary> {
  const tally = new Tally(ledger.evaluator.backends, verifySharePerDay)
  let missing: CID[] = []
  const fill = async (): Promise<void> => {
    const cids = missing
    missing = []
    await map(cids, async (cid) => await queue.fill(wal, cid), { concurrency: filledAtOnce })
  }
  await visitRows(ledger, ({ content, copies }, slot) => {
    const verdict = ledger.evaluator.judge(content, copies, ledger.clock())
    const isUnfinished = verdict.missing.length > 0 || verdict.state === 'under'
    tally.add(content.bytes, copies, verdict.state, isUnfinished)
    if (verdict.missing.length === 0 && queue.isEmpty) return undefined
    const cid = ledger.catalog.cidAt(slot)
    if (verdict.missing.length > 0 || queue.has(cid.toString())) missing.push(cid)
    return missing.length < gathered ? undefined : fill()
  })
  await fill()
  ledger.counts.evaluations += 1
  const summary = tally.summary()
  publishEvaluation(summary)
  return summary
}
