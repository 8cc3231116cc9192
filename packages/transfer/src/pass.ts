/** A pass over the objects of a transfer: so many at once, each with its outcome, until all are done or too many have failed. */
import { asCompleted, currentScope, TaskGroupError } from '@ipfs-kit/concurrency'
import { TransferError } from './errors.ts'
import { isOfPlace } from './faults.ts'
import { counted, type ItemOutcome, type TransferReport } from './outcome.ts'
import type { Reached } from './reached.ts'

/** What is done in a pass. */
export interface Pass<T extends { readonly path: string }> {
  /** In the order of their paths. */
  readonly items: (signal: AbortSignal) => AsyncIterable<T>
  /** A TransferError that it throws is the outcome of its object; anything else ends the pass. */
  readonly work: (item: T, signal: AbortSignal) => Promise<ItemOutcome>
  /** What was counted before. */
  readonly report: TransferReport
  readonly concurrency: number
  readonly maxFailures: number
  readonly onItem: (outcome: ItemOutcome) => void
  /** Objects that an attempt before has done are passed over. Absent: each one is worked on. */
  readonly reached?: Reached | undefined
  /** Called after each object; what it waits for slows the pass. */
  readonly onPoint?: ((report: TransferReport) => Promise<void>) | undefined
}

/**
 * Runs a pass.
 *
 * @throws TransferError `TRANSFER_TOO_MANY_FAILURES`, that of a place which has failed as a whole, and what the listing throws
 */
export async function runPass<T extends { readonly path: string }>(pass: Pass<T>): Promise<TransferReport> {
  const { concurrency, reached } = pass
  let { report } = pass
  async function* works(): AsyncGenerator<() => Promise<ItemOutcome>> {
    for await (const item of pass.items(currentScope().signal)) {
      if (reached?.isDone(item.path) === true) continue
      reached?.begin(item.path)
      yield () => attempt(pass, item)
    }
  }
  try {
    await asCompleted(
      works(),
      async (outcomes) => {
        for await (const outcome of outcomes) {
          report = counted(report, outcome)
          pass.onItem(outcome)
          const { failure, path } = outcome
          if (failure === undefined) reached?.done(path)
          else refuseMore(pass, report, path, failure)
          await pass.onPoint?.(report)
        }
      },
      { concurrency, name: 'objects of a transfer' },
    )
  } catch (error) {
    // One failure is its own error; of several that came at once the first one is told.
    throw error instanceof TaskGroupError ? error.errors[0] : error
  }
  return report
}

async function attempt<T extends { readonly path: string }>(pass: Pass<T>, item: T): Promise<ItemOutcome> {
  try {
    return await pass.work(item, currentScope().signal)
  } catch (failure) {
    if (!(failure instanceof TransferError)) throw failure
    return { path: item.path, outcome: 'failed', bytes: 0, isRemoved: false, failure }
  }
}

/** @throws TransferError if it is of no use to go on */
function refuseMore<T extends { readonly path: string }>(
  { reached, maxFailures }: Pass<T>,
  { failed }: TransferReport,
  path: string,
  failure: TransferError,
): void {
  reached?.failed(path)
  if (isOfPlace(failure)) throw failure
  if (failed <= maxFailures) return
  throw new TransferError(
    'TRANSFER_TOO_MANY_FAILURES',
    `${failed} objects have failed, the last with: ${failure.message}`,
    { cause: failure },
  )
}
