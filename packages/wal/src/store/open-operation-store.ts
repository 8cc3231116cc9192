/**
 * Opens a store of operations. What it knows is in snapshot and log; the index is derived. If it is whole and of this log it gets
 * what it does not have yet, and neither the snapshot's body nor finished operations are read; else it is made anew.
 */
import { createOwner } from '@ipfs-kit/concurrency'
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { AppendPace } from './append-pace.ts'
import { Checkpoints } from './checkpoints.ts'
import { diskFailure } from '../disk-failure.ts'
import { WalError } from '../errors.ts'
import { applyLog, fillIndex, type FillSource } from './fill-index.ts'
import type { Batch, Log } from '../log/log.ts'
import { createMemoryIndex } from './memory-index.ts'
import { openWith } from '../log/open-log.ts'
import { OpenedStore } from './opened-store.ts'
import type { OperationIndex, Retention } from './operation-index.ts'
import type { OperationStore, StoreFinding } from './operation-store.ts'
import { quarantine } from '../log/quarantine.ts'
import { publishFinding } from '../reports.ts'
import type { WalConfig } from './record.ts'
import { findSnapshot, type FoundSnapshot } from './read-snapshot.ts'
import { nextSnapshotName, snapshotName } from './snapshot.ts'
import { openSqliteIndex, type SqliteIndex } from '../sqlite/sqlite-index.ts'
import { checkStoreOptions, type OperationStoreOptions } from './store-options.ts'

/**
 * Opens a store, and makes it if it is not there.
 *
 * @param config - what the record of the opening tells of who has it open
 * @throws TypeError, RangeError for options; WalError as `openLog`, WAL_INDEX_FAILED, WAL_CORRUPT if the log ends before the
 *   snapshot
 */
export async function openOperationStore(
  options: OperationStoreOptions,
  config?: WalConfig,
): Promise<OperationStore> {
  return await openStoreWith(options, () => randomBytes(8).readBigUInt64LE(0), config)
}

/** The same with given ids of segments and snapshots. Tests make them repeatable. */
export async function openStoreWith(
  options: OperationStoreOptions,
  newId: () => bigint,
  config?: WalConfig,
): Promise<OperationStore> {
  const { disk, clock, segmentBytes, index: kind, keepFinished, ...checked } = checkStoreOptions(options)
  const { path: folder } = options
  let opened: OpenedStore | undefined
  const onBatch = (batch: Batch): void => opened?.acknowledged(batch)
  await using opening = new AsyncDisposableStack()
  const log = opening.use(await openWith({ ...checked.log, onBatch }, newId))
  const snapshot = await prepareSnapshot({ disk, folder, log })
  const found: Found = { source: { disk, folder, log }, snapshot, log }
  const { index, findings } = kind === 'memory' ? await openInMemory(found) : await openInSqlite(found)
  opening.use(index)
  for (const finding of findings) publishFinding(finding)
  if (findings.some(({ kind: what }) => what === 'snapshot')) await keepDamaged(found)

  const retention = (): Retention => ({
    keysBefore: clock() - checked.idempotencyWindowMs,
    finishedBefore: clock() - keepFinished.maxAgeMs,
    keepFinished: keepFinished.count,
  })
  const owner = opening.use(createOwner({ name: 'operations' }))
  const snapshotLsn = snapshot.state === 'found' ? snapshot.head.lsn : undefined
  const parts = { disk, folder, log, index, owner, segmentBytes }
  const checkpoints = new Checkpoints({ ...parts, newId, retention, snapshotLsn })
  const pace = new AppendPace({ index, checkpoints, segmentBytes })
  const { maxUnfinishedBytes } = checked
  opened = new OpenedStore({ ...parts, clock, findings, checkpoints, pace, retention, maxUnfinishedBytes })
  opening.move()
  try {
    const opening = { kind: 'open', at: clock(), epoch: opened.epoch, ...(config && { config }) } as const
    const [lsn] = await opened.append([opening])
    // From now on nothing is shown as running that is not.
    await index.applied(lsn!)
    // A snapshot that cannot be relied on is replaced.
    if (findings.some(({ kind: what }) => what !== 'index')) await opened.checkpoint()
  } catch (error) {
    await opened.close()
    throw error
  }
  return opened
}

/** What was found of a store. */
interface Found {
  readonly source: FillSource
  readonly snapshot: FoundSnapshot
  readonly log: Log
}

interface FoundIndex {
  readonly index: OperationIndex
  readonly findings: readonly StoreFinding[]
}

/** Removes what a crash has left of a snapshot, and looks at the one that there is. @throws WalError */
async function prepareSnapshot({ disk, folder, log }: FillSource): Promise<FoundSnapshot> {
  try {
    await disk.unlink(`${folder}/${nextSnapshotName}`)
  } catch (cause) {
    throw diskFailure(cause, 'remove what is left of a snapshot')
  }
  const snapshot = await findSnapshot(disk, folder)
  const { nextLsn } = log.stats()
  if (snapshot.state === 'found' && snapshot.head.lsn >= nextLsn) {
    throw new WalError(
      'WAL_CORRUPT',
      `The log at ${folder} ends before ${nextLsn}, and its snapshot has all up to ${snapshot.head.lsn}`,
    )
  }
  return snapshot
}

async function openInMemory({ source, snapshot }: Found): Promise<FoundIndex> {
  const index = createMemoryIndex()
  return { index, findings: await fillIndex(index, source, snapshot) }
}

async function openInSqlite({ source, snapshot, log }: Found): Promise<FoundIndex> {
  const index = await openSqliteIndex(`${source.folder}/index.sqlite`)
  try {
    const why = await whyNotOf(index, snapshot, log)
    if (why === undefined) {
      await applyLog(index, log, index.appliedLsn + 1)
      return { index, findings: unreliable(snapshot, log.stats().firstLsn) }
    }
    const isNew = log.stats().nextLsn === 1 && snapshot.state === 'none'
    const findings = await fillIndex(index, source, snapshot)
    return { index, findings: isNew ? findings : [{ kind: 'index', message: why }, ...findings] }
  } catch (error) {
    await index.close()
    throw error
  }
}

/** Why an index is not that of snapshot and log; `undefined` if it is. */
async function whyNotOf(index: SqliteIndex, snapshot: FoundSnapshot, log: Log): Promise<string | undefined> {
  const { appliedLsn, appliedCrc } = index
  const { firstLsn, nextLsn } = log.stats()
  const snapshotLsn = snapshot.state === 'found' ? snapshot.head.lsn : 0
  if (appliedLsn === 0) return 'There was no index that could be read'
  if (appliedLsn >= nextLsn) return `The index had ${appliedLsn}, and the log ends before ${nextLsn}`
  if (appliedLsn < snapshotLsn) return `The index ended with ${appliedLsn}, before the snapshot`
  if (appliedLsn < firstLsn - 1) return `The index ended with ${appliedLsn}, before the log`
  if (appliedCrc === 0 || appliedLsn < firstLsn) return undefined
  for await (const { firstLsn: lsn, payloads } of log.read({ from: appliedLsn })) {
    // In the weaker modes a power loss takes records, and others may have come in their place.
    if (lsn === appliedLsn && crc32(payloads[0]!) !== appliedCrc) {
      return `The index had another record ${appliedLsn} than the log`
    }
    break
  }
  return undefined
}

/** What is to be told of a snapshot beside a whole index. */
function unreliable(snapshot: FoundSnapshot, firstLsn: number): StoreFinding[] {
  if (snapshot.state === 'damaged')
    return [{ kind: 'snapshot', message: 'The head of the snapshot is damaged' }]
  if (snapshot.state === 'found' || firstLsn === 1) return []
  return [{ kind: 'no-snapshot', message: `There is no snapshot, and the log begins with ${firstLsn}` }]
}

/** Keeps a copy of a damaged snapshot, before it is replaced. @throws WalError */
async function keepDamaged({ source: { disk, folder }, snapshot }: Found): Promise<void> {
  const bytes = snapshot.state === 'none' ? 0 : snapshot.bytes
  try {
    await quarantine(disk, folder, [{ kind: 'damage', segment: snapshotName, offset: 0, bytes }])
  } catch (cause) {
    throw diskFailure(cause, 'keep a copy of the damaged snapshot')
  }
}
