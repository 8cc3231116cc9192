/** What copy, sync and move have in common: listing, sending, deleting, finishing. */
import { currentScope } from '@ipfs-kit/concurrency'
import { type ByteRate, createByteRate } from './byte-rate.ts'
import { compareBytes } from './compare.ts'
import type { EndItem, WritableEnd } from './end.ts'
import { TransferError } from './errors.ts'
import { sourceFailed, targetFailed } from './faults.ts'
import type { ItemOutcome, TransferReport } from './outcome.ts'
import { checkFits, type Pair } from './pair.ts'
import { runPass, type Pass } from './pass.ts'
import { pairedItems, stateOf, type Comparison, type PairedItem } from './plan.ts'
import { isSameValue } from './read-item.ts'
import { sendItem, type Verification } from './send-item.ts'
import { type ItemTally, Tally, type TransferProgress } from './tally.ts'

/** A transfer whose options are checked. */
export interface Transfer extends Omit<Pass<PairedItem>, 'items' | 'work'> {
  readonly pair: Pair
  readonly filter: (path: string) => boolean
  readonly comparison: Comparison
  readonly verification: Verification
  readonly bytesPerSecond: number | undefined
  readonly onProgress: (progress: TransferProgress) => void
  /** `never`: an object that the target has not, or another one, has failed. */
  readonly send: 'always' | 'never'
  /** The source, if objects that the target is proven to have are deleted from it. */
  readonly removeFrom: WritableEnd | undefined
  readonly extras: 'keep' | 'delete'
}

/** Runs a transfer in the running scope. @throws as `runPass`, and for what the target cannot hold */
export async function runTransfer(transfer: Transfer): Promise<TransferReport> {
  const { pair, filter, extras } = transfer
  const tally = new Tally(transfer.onProgress)
  tally.resume(transfer.report.items, transfer.report.bytes)
  const rate = createByteRate(transfer.bytesPerSecond)
  await count(transfer, tally)
  tally.begin()
  const isOfSource = async function* (signal: AbortSignal): AsyncGenerator<PairedItem> {
    for await (const item of pairedItems(pair, filter, signal)) if (item.source !== undefined) yield item
  }
  let report = await runPass({
    ...transfer,
    items: isOfSource,
    work: (item, signal) =>
      told(tally.item(expectedOf(transfer, item)), (one) =>
        carry({ transfer, item, rate, signal, tally: one }),
      ),
  })
  if (extras === 'delete' && report.failed === 0) report = await prune(transfer, report, tally)
  if (transfer.send === 'always') {
    tally.enter('commit')
    report = { ...report, ...(await finish(pair)) }
  }
  tally.end()
  return report
}

/** Counts what is to be done, and refuses what the target cannot hold while nothing is sent. */
async function count(transfer: Transfer, tally: Tally): Promise<void> {
  const { pair, filter, extras, reached, send } = transfer
  tally.enter('list')
  for await (const item of pairedItems(pair, filter, currentScope().signal)) {
    if (item.source === undefined) {
      if (extras === 'delete') tally.expect({ items: 1 })
      continue
    }
    if (reached?.isDone(item.path) === true) continue
    if (send === 'always' && stateOf(item, transfer.comparison) !== 'same')
      checkFits(item.source, pair.target)
    tally.expect({ items: 1, bytes: expectedOf(transfer, item) })
  }
}

/** Bytes that are to be moved for an object, as far as the listing tells. */
function expectedOf({ comparison, verification, send }: Transfer, item: PairedItem): number {
  if (send === 'never' || stateOf(item, comparison) === 'same') return 0
  return item.source!.size * (verification === 'read' ? 2 : 1)
}

/** Runs the work on an object, and counts how it has ended. */
async function told(
  tally: ItemTally,
  work: (tally: ItemTally) => Promise<ItemOutcome>,
): Promise<ItemOutcome> {
  try {
    const outcome = await work(tally)
    tally.end()
    return outcome
  } catch (error) {
    tally.fail()
    throw error
  }
}

/** One object of the source. */
interface Carried {
  readonly transfer: Transfer
  readonly item: PairedItem
  readonly rate: ByteRate
  readonly signal: AbortSignal
  readonly tally: ItemTally
}

async function carry({ transfer, item, rate, signal, tally }: Carried): Promise<ItemOutcome> {
  const { pair, comparison, verification, send, removeFrom } = transfer
  const { path } = item
  const isRemoved = removeFrom !== undefined
  const { state, source, sha256 } = await compareBytes(pair, item, comparison, { rate, signal, tally })
  if (state === 'same') {
    if (isRemoved) await removeProven(removeFrom, source, signal)
    return { path, outcome: 'same', bytes: source.size, isRemoved, ...(sha256 !== undefined && { sha256 }) }
  }
  if (send === 'never') {
    throw new TransferError(
      'TRANSFER_NOT_EQUAL',
      `${pair.target.name} has not ${JSON.stringify(path)} as the source`,
    )
  }
  const sent = await sendItem(item, { pair, verification, tally, rate, signal })
  if (isRemoved) await removeProven(removeFrom, sent.source, signal)
  return { path, outcome: 'sent', bytes: sent.source.size, sha256: sent.sha256, isRemoved }
}

/** Deletes from the source what the target is proven to have, if it is still that. */
async function removeProven(source: WritableEnd, proven: EndItem, signal: AbortSignal): Promise<void> {
  const { path } = proven
  try {
    const found = await source.stat(path, { signal })
    if (found === undefined) return
    if (isSameValue(found, proven)) return await source.remove(path, { signal })
  } catch (error) {
    throw sourceFailed(error, source, path)
  }
  throw new TransferError(
    'TRANSFER_SOURCE_CHANGED',
    `${JSON.stringify(path)} of ${source.name} was changed after it was sent, and stays`,
  )
}

/** Deletes what only the target has. */
async function prune(transfer: Transfer, report: TransferReport, tally: Tally): Promise<TransferReport> {
  const { pair, filter } = transfer
  const { target } = pair
  const isExtra = async function* (signal: AbortSignal): AsyncGenerator<PairedItem> {
    for await (const item of pairedItems(pair, filter, signal)) if (item.source === undefined) yield item
  }
  const remove = async ({ path, target: listed }: PairedItem, signal: AbortSignal): Promise<ItemOutcome> => {
    try {
      const found = await target.stat(path, { signal })
      if (found !== undefined && !isSameValue(found, listed!)) {
        throw new TransferError(
          'TRANSFER_TARGET_CHANGED',
          `${JSON.stringify(path)} of ${target.name} is new, and stays`,
        )
      }
      await target.remove(path, { signal })
    } catch (error) {
      throw targetFailed(error, target, path)
    }
    return { path, outcome: 'deleted', bytes: 0, isRemoved: false }
  }
  // An extra that stays is found again by the next sync: nothing about it is remembered.
  const { reached: _, onPoint: __, ...pass } = transfer
  return await runPass({
    ...pass,
    report,
    items: isExtra,
    work: (item, signal) => told(tally.item(0), () => remove(item, signal)),
  })
}

async function finish({ target }: Pair): Promise<{ readonly cid?: string }> {
  try {
    return await target.finish({ signal: currentScope().signal })
  } catch (error) {
    throw targetFailed(error, target, undefined)
  }
}
