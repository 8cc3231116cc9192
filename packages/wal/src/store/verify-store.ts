/** Reads and checks all of a store, and compares its index with what snapshot and log make. */
import { isDeepStrictEqual } from 'node:util'
import { WalError } from '../errors.ts'
import { applyLog, fillIndex, type FillSource } from './fill-index.ts'
import { entriesOf } from './index-part.ts'
import type { CallOptions, Log } from '../log/log.ts'
import { isFinished, type LoggedOperation } from './operation.ts'
import type { KeyEntry, OperationIndex } from './operation-index.ts'
import type { StoreVerifyReport } from './operation-store.ts'
import { type FoundSnapshot, findSnapshot } from './read-snapshot.ts'

/** Ids that are told at most. */
const mostWrong = 1000

/** What is verified. */
export interface VerifyStoreSource extends FillSource {
  readonly log: Log
  readonly index: OperationIndex
}

/** @throws WalError as `Log.verify`, WAL_INDEX_FAILED; the reason of the signal */
export async function verifyStore(
  source: VerifyStoreSource,
  options: CallOptions | undefined,
): Promise<StoreVerifyReport> {
  const { disk, folder, log, index } = source
  const ofLog = await log.verify(options)
  await using expected = await index.beside()
  const snapshot = await findSnapshot(disk, folder)
  const findings = await fillIndex(expected, source, snapshot)
  const damage = findings[0]
  const failure = damage === undefined ? undefined : new WalError('WAL_CORRUPT', damage.message)
  const found = { log: ofLog, snapshot: snapshotOf(snapshot, failure) }
  if (failure !== undefined) {
    return { ...found, index: { lsn: index.appliedLsn, operations: 0, wrong: [] } }
  }
  await using image = await index.image(options)
  const { lsn, operations } = image.head
  await applyLog(expected, log, expected.appliedLsn + 1, lsn)
  await expected.recovered(options)
  const wrong: number[] = []
  const unfinished = new Set<number>()
  for await (const part of image.parts()) {
    if (part.kind === 'operations') {
      for (const operation of entriesOf<LoggedOperation>(part)) {
        if (!isFinished(operation)) unfinished.add(operation.id)
        if (!isDeepStrictEqual(operation, expected.get(operation.id))) wrong.push(operation.id)
      }
    } else if (part.kind === 'keys') {
      for (const entry of entriesOf<KeyEntry>(part)) {
        if (!isDeepStrictEqual(entry, expected.byKey(entry.key))) wrong.push(entry.id)
      }
    }
  }
  for (const id of unfinishedOf(expected)) if (!unfinished.has(id)) wrong.push(id)
  return { ...found, index: { lsn, operations, wrong: [...new Set(wrong)].slice(0, mostWrong) } }
}

function snapshotOf(snapshot: FoundSnapshot, failure: WalError | undefined): StoreVerifyReport['snapshot'] {
  if (snapshot.state === 'none') return undefined
  const { lsn, operations } = snapshot.state === 'found' ? snapshot.head : { lsn: 0, operations: 0 }
  return { lsn, operations, failure }
}

/** Retention takes finished operations, and no others. */
function* unfinishedOf(index: OperationIndex): Generator<number> {
  let before = Number.MAX_SAFE_INTEGER
  for (;;) {
    const page = index.list({ states: ['queued', 'running', 'retrying'], before, limit: 1000 })
    for (const { id } of page) yield id
    if (page.length < 1000) return
    before = page.at(-1)!.id
  }
}
