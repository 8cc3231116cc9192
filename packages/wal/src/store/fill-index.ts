/** Makes an index out of snapshot and log. */
import type { Disk } from '@ipfs-kit/disk'
import { WalError } from '../errors.ts'
import type { Log, LogStats } from '../log/log.ts'
import type { IndexPart, OperationIndex } from './operation-index.ts'
import type { StoreFinding } from './operation-store.ts'
import { type FoundSnapshot, readSnapshot } from './read-snapshot.ts'

/** Bytes that may wait for an index while more is read. */
const mostQueuedBytes = 8 * 1024 * 1024

/** Where snapshot and log are. */
export interface FillSource {
  readonly disk: Disk
  readonly folder: string
  readonly log: Pick<Log, 'read'> & { stats(): Pick<LogStats, 'firstLsn' | 'nextLsn'> }
}

/** Puts into an index what snapshot and log have. What is damaged is left out, and told. @throws WalError WAL_IO, WAL_INDEX_FAILED and as `Log.read` */
export async function fillIndex(
  index: OperationIndex,
  source: FillSource,
  snapshot: FoundSnapshot,
): Promise<StoreFinding[]> {
  const { disk, folder, log } = source
  const findings: StoreFinding[] = []
  const { firstLsn } = log.stats()
  if (snapshot.state === 'found') {
    const { head } = snapshot
    const damaged = (message: string): void => {
      findings.push({ kind: 'snapshot', message, lostThrough: head.lsn })
    }
    await index.load(head, wholeParts(readSnapshot(disk, folder, head), damaged))
  } else {
    await index.load({ lsn: 0, epoch: 0 }, noParts())
  }
  const nextLsn = index.appliedLsn + 1
  if (nextLsn < firstLsn) findings.push(lostBefore(firstLsn, nextLsn, snapshot))
  await applyLog(index, log, nextLsn)
  return findings
}

/** Gives an index the records of a log from an LSN on, up to another one. @throws as {@link fillIndex} */
export async function applyLog(
  index: OperationIndex,
  log: FillSource['log'],
  from: number,
  until = Infinity,
): Promise<void> {
  const { firstLsn, nextLsn } = log.stats()
  const begin = Math.max(from, firstLsn)
  if (begin >= nextLsn) return
  let last = begin - 1
  for await (const { firstLsn: first, payloads: all } of log.read({ from: begin })) {
    if (first > until) break
    const payloads = all.slice(0, until - first + 1)
    index.apply({ firstLsn: first, payloads })
    last = first + payloads.length - 1
    if (index.stats().queuedBytes > mostQueuedBytes) await index.applied(last)
  }
  await index.applied(last)
}

/** What comes before a damage. */
async function* wholeParts(
  parts: AsyncGenerator<IndexPart, void, undefined>,
  damaged: (message: string) => void,
): AsyncGenerator<IndexPart, void, undefined> {
  try {
    yield* parts
  } catch (error) {
    if (!(error instanceof WalError) || error.code !== 'WAL_CORRUPT') throw error
    damaged(error.message)
  }
}

async function* noParts(): AsyncGenerator<IndexPart, void, undefined> {}

function lostBefore(firstLsn: number, nextLsn: number, { state }: FoundSnapshot): StoreFinding {
  const lostThrough = firstLsn - 1
  if (state === 'damaged') {
    return {
      kind: 'snapshot',
      message: 'The head of the snapshot is damaged, and there is no index',
      lostThrough,
    }
  }
  const message =
    state === 'none'
      ? `There is neither a snapshot nor an index, and the log begins with ${firstLsn}`
      : `The snapshot ends before ${nextLsn}, and the log begins with ${firstLsn}`
  return { kind: 'no-snapshot', message, lostThrough }
}
