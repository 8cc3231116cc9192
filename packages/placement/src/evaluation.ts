/** The evaluation of everything, in slices between which others get their turns. */
import { checkpoint, map, now } from '@ipfs-kit/concurrency'
import { CID } from 'multiformats/cid'
import type { Entry } from './catalog/catalog.ts'
import type { CopyQueue } from './copy-queue.ts'
import type { Ledger } from './ledger.ts'
import type { PlacementWal } from './placement.ts'
import { publishEvaluation } from './reports.ts'
import { Tally, type Summary } from './tally.ts'

/** How long a slice may take. */
const sliceMs = 5
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

/** All entries, in slices. What is there all the time comes once. @throws PlacementError PLACEMENT_CLOSED */
export async function* entriesOf({ catalog }: Ledger): AsyncGenerator<Entry, void, undefined> {
  let sliceEndsAt = now() + sliceMs
  for (let slot = 0; slot < catalog.slots; slot += 1) {
    if (now() >= sliceEndsAt || slot % 1000 === 999) {
      await checkpoint()
      sliceEndsAt = now() + sliceMs
    }
    catalog.throwIfClosed()
    const entry = catalog.at(slot)
    if (entry !== undefined) yield entry
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
  for await (const entry of entriesOf(ledger)) {
    const { content, copies } = entry
    const verdict = ledger.evaluator.judge(content, copies, ledger.clock())
    const isUnfinished = verdict.missing.length > 0 || verdict.state === 'under'
    tally.add(content.bytes, copies, verdict.state, isUnfinished)
    if (verdict.missing.length > 0 || queue.has(content.cid)) missing.push(CID.parse(content.cid))
    if (missing.length >= gathered) await fill()
  }
  await fill()
  ledger.counts.evaluations += 1
  const summary = tally.summary()
  publishEvaluation(summary)
  return summary
}
