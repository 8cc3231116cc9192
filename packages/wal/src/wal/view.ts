/** A log of operations that nobody has open, read without changing its folder. */
import type { Disk } from '@ipfs-kit/disk'
import { diskFailure } from '../disk-failure.ts'
import { WalError } from '../errors.ts'
import { fillIndex, type FillSource } from '../store/fill-index.ts'
import type { CallOptions, VerifyReport } from '../log/log.ts'
import { createMemoryIndex, matches, type OperationsInMemory } from '../store/memory-index.ts'
import { isFinished, type LoggedOperation } from '../store/operation.ts'
import type { OperationCount, OperationFilter } from '../store/operation-index.ts'
import type { StoreVerifyReport } from '../store/operation-store.ts'
import { readLog, type ReadSource } from '../log/read-log.ts'
import { findSnapshot, type FoundSnapshot, readSnapshot } from '../store/read-snapshot.ts'
import { decodeRecord, type WalConfig, type WalRecord } from '../store/record.ts'
import { inspectFolder, listSegments } from '../log/recovery.ts'
import type { MissedChanges, OperationChange, OperationPage, Wal, WalFinding } from './wal.ts'

/** What is in a folder. */
export interface ViewStats {
  /** The first LSN that there is; `nextLsn` if there is none. */
  readonly firstLsn: number
  readonly nextLsn: number
  readonly segments: number
  /** Bytes of the files of the segments. */
  readonly bytes: number
  /** How often it was opened. */
  readonly epoch: number
  readonly operations: readonly OperationCount[]
  /** What is not as the log has left it. */
  readonly findings: readonly WalFinding[]
}

/** A change as the log has it. */
export interface PastChange extends OperationChange {
  /** When it was, in milliseconds since 1970. */
  readonly at: number
}

/**
 * A view of a log. While it is there nobody can open the log. What a process was running when it ended is shown as the next opening
 * makes it, but for the end of its attempt, which nobody knows.
 */
export interface WalView extends Pick<Wal, 'get' | 'list' | 'wait'>, AsyncDisposable {
  /**
   * The changes that the log has, from an LSN on, in order; it ends with the last one. Who names an LSN is told what of it the log does
   * not have: what was let go, or all of it where the log has not come so far.
   */
  changes(
    options: OperationFilter & { readonly from?: number; readonly id?: number } & CallOptions,
  ): AsyncGenerator<PastChange | MissedChanges, void, undefined>
  /** Checks log and snapshot. @throws WalError WAL_IO */
  verify(): Promise<Omit<StoreVerifyReport, 'index'>>
  /** The options of the last process that ran the operations of this log; undefined if none has told them. */
  readonly config: WalConfig | undefined
  stats(): ViewStats
  close(): Promise<void>
}

/**
 * Reads a log.
 *
 * @throws WalError WAL_NOT_THERE, WAL_LOCKED (a process has it open), WAL_FORMAT_TOO_NEW, WAL_IO
 */
export async function viewWal(disk: Disk, path: string): Promise<WalView> {
  await using opening = new AsyncDisposableStack()
  try {
    const names = (await disk.stat(path))?.kind === 'folder' ? await listSegments(disk, path) : []
    if (names.length === 0) throw new WalError('WAL_NOT_THERE', `There is no log in ${path}`)
    // A folder without this file was never opened; taking the lock would make it.
    if ((await disk.stat(`${path}/lock`)) !== undefined) {
      const lock = await disk.lock(`${path}/lock`)
      opening.defer(() => lock.close())
    }
    const { found, kept, nextLsn, findings } = await inspectFolder(disk, path, names)
    const segments = kept.map((one) => ({ ...one.segment, ...one }))
    const log = logOf({ disk, folder: path, segments, check() {} }, nextLsn)
    const index = opening.use(createMemoryIndex())
    const snapshot = await findSnapshot(disk, path)
    const storeFindings = await fillIndex(index, { disk, folder: path, log }, snapshot)
    index.abandonRunning()
    const report: VerifyReport = {
      segments: found.length,
      records: found.reduce((sum, { records }) => sum + records, 0),
      bytes: found.reduce((sum, one) => sum + one.bytes, 0),
      findings,
    }
    const bytes = found.reduce((sum, { size }) => sum + size, 0)
    return new FolderView({
      ...{ disk, path, log, index, snapshot, report, bytes },
      findings: [...findings, ...storeFindings],
      stack: opening.move(),
    })
  } catch (cause) {
    throw diskFailure(cause, `read the log at ${path}`)
  }
}

/** Reads like an open log. */
function logOf(source: ReadSource, nextLsn: number): FillSource['log'] {
  const { segments } = source
  return {
    stats: () => ({ firstLsn: segments[0]?.firstLsn ?? nextLsn, nextLsn }),
    async *read({ from, signal } = {}) {
      if (segments.length > 0) yield* readLog(source, from, signal)
    },
  }
}

interface Opened {
  readonly disk: Disk
  readonly path: string
  readonly log: FillSource['log']
  readonly index: OperationsInMemory
  readonly snapshot: FoundSnapshot
  readonly report: VerifyReport
  readonly bytes: number
  readonly findings: readonly WalFinding[]
  readonly stack: AsyncDisposableStack
}

class FolderView implements WalView {
  readonly #opened: Opened

  constructor(opened: Opened) {
    this.#opened = opened
  }

  async get(id: number): Promise<LoggedOperation | undefined> {
    return this.#opened.index.get(id)
  }

  async list(query: Parameters<Wal['list']>[0] = {}): Promise<OperationPage> {
    const { limit = 100 } = query
    const operations = this.#opened.index.list({ ...query, limit })
    return operations.length < limit ? { operations } : { operations, next: operations.at(-1)!.id }
  }

  async wait(id: number): Promise<LoggedOperation> {
    const found = this.#opened.index.get(id)
    if (found === undefined) throw new WalError('WAL_NOT_FOUND', `There is no operation ${id}`)
    if (isFinished(found)) return found
    throw new WalError('WAL_NOT_RUNNING', `Operation ${id} is ${found.state}, and nobody works on it`)
  }

  async *changes(
    options: Parameters<WalView['changes']>[0],
  ): AsyncGenerator<PastChange | MissedChanges, void, undefined> {
    const { disk, path, log, snapshot } = this.#opened
    const { from, id, signal, ...filter } = options
    await using index = createMemoryIndex()
    // What was before the first record that the log has.
    await fillIndex(index, { disk, folder: path, log: { ...log, async *read() {} } }, snapshot)
    const { firstLsn: oldest, nextLsn } = log.stats()
    const begin = Math.max(index.appliedLsn + 1, oldest)
    if (from !== undefined && from > nextLsn) yield { missedAfter: 0, missedThrough: nextLsn - 1 }
    else if (from !== undefined && from < begin) yield { missedAfter: from - 1, missedThrough: begin - 1 }
    for await (const { firstLsn, payloads } of log.read({ from: begin, signal })) {
      for (const [at, payload] of payloads.entries()) {
        const lsn = firstLsn + at
        index.apply({ firstLsn: lsn, payloads: [payload] })
        const record = decodeRecord(payload)
        const changed = changedBy(lsn, record)
        if (lsn < (from ?? 1) || changed === undefined || (id !== undefined && id !== changed)) continue
        const operation = index.get(changed)
        if (operation === undefined || !matches(operation, filter)) continue
        yield { lsn, at: record.kind === 'add' ? record.createdAt : record.at, operation }
      }
    }
  }

  async verify(): Promise<Omit<StoreVerifyReport, 'index'>> {
    const { disk, path, snapshot, report } = this.#opened
    if (snapshot.state !== 'found') return { log: report, snapshot: undefined }
    const { head } = snapshot
    let failure: WalError | undefined
    try {
      for await (const _ of readSnapshot(disk, path, head));
    } catch (error) {
      if (!(error instanceof WalError) || error.code !== 'WAL_CORRUPT') throw error
      failure = error
    }
    return { log: report, snapshot: { lsn: head.lsn, operations: head.operations, failure } }
  }

  get config(): WalConfig | undefined {
    return this.#opened.index.config
  }

  stats(): ViewStats {
    const { log, index, report, bytes, findings } = this.#opened
    return Object.freeze({
      ...log.stats(),
      segments: report.segments,
      bytes,
      epoch: index.epoch,
      operations: index.counts(),
      findings,
    })
  }

  close(): Promise<void> {
    return this.#opened.stack.disposeAsync()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** The operation that a record changes by itself. */
function changedBy(lsn: number, record: WalRecord): number | undefined {
  if (record.kind === 'add') return lsn
  return 'id' in record ? record.id : undefined
}
