/** A log of operations that nobody has open, read without changing its folder. */
import type { Disk } from '@ipfs-kit/disk'
import { diskFailure } from './disk-failure.ts'
import { WalError } from './errors.ts'
import type { CallOptions, Finding, ReadOptions, VerifyReport } from './log.ts'
import { createMemoryIndex, matches } from './memory-index.ts'
import { isFinished, type LoggedOperation } from './operation.ts'
import type { OperationCount, OperationFilter, OperationIndex } from './operation-index.ts'
import { readLog, type ReadSource } from './read-log.ts'
import { decodeRecord, type NumberedRecord, type WalRecord } from './record.ts'
import { inspectFolder, listSegments } from './recovery.ts'
import type { OperationChange, Wal } from './wal.ts'

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
  /** What is not as the log has written it. */
  readonly findings: readonly Finding[]
}

/** A view of a log. While it is there nobody can open the log. */
export interface WalView
  extends Pick<Wal, 'get' | 'list' | 'wait' | 'records' | 'verify'>, AsyncDisposable {
  /** The changes that the log has, from an LSN on, in order; it ends with the last one. */
  changes(
    options: OperationFilter & { readonly from?: number; readonly id?: number } & CallOptions,
  ): AsyncGenerator<OperationChange, void, undefined>
  stats(): ViewStats
}

/**
 * Reads a log.
 *
 * @throws WalError WAL_NOT_THERE, WAL_LOCKED (a process has it open), WAL_FORMAT_TOO_NEW, WAL_IO
 */
export async function viewWal(disk: Disk, path: string): Promise<WalView> {
  await using opening = new AsyncDisposableStack()
  try {
    const names = (await disk.stat(path)) === undefined ? [] : await listSegments(disk, path)
    if (names.length === 0) throw new WalError('WAL_NOT_THERE', `There is no log in ${path}`)
    // A folder without this file was never opened; taking the lock would make it.
    if ((await disk.stat(`${path}/lock`)) !== undefined) {
      const lock = await disk.lock(`${path}/lock`)
      opening.defer(() => lock.close())
    }
    const { found, filled, lastFilled, findings } = await inspectFolder(disk, path, names)
    const segments = filled.slice(0, lastFilled + 1).map((one) => ({ ...one.segment, ...one }))
    const source: ReadSource = { disk, folder: path, segments, check() {} }
    const index = opening.use(createMemoryIndex())
    if (segments.length > 0) {
      for await (const { lsn, payload } of readLog(source, undefined, undefined)) {
        index.apply({ firstLsn: lsn, payloads: [payload] })
      }
    }
    const report: VerifyReport = {
      segments: found.length,
      records: found.reduce((sum, { records }) => sum + records, 0),
      bytes: found.reduce((sum, { readBytes }) => sum + readBytes, 0),
      findings,
    }
    const bytes = found.reduce((sum, { size }) => sum + size, 0)
    return new FolderView({ source, index, report, bytes, stack: opening.move() })
  } catch (cause) {
    throw diskFailure(cause, `read the log at ${path}`)
  }
}

interface Opened {
  readonly source: ReadSource
  readonly index: OperationIndex
  readonly report: VerifyReport
  readonly bytes: number
  readonly stack: AsyncDisposableStack
}

class FolderView implements WalView {
  readonly #source: ReadSource
  readonly #index: OperationIndex
  readonly #report: VerifyReport
  readonly #bytes: number
  readonly #stack: AsyncDisposableStack

  constructor({ source, index, report, bytes, stack }: Opened) {
    this.#source = source
    this.#index = index
    this.#report = report
    this.#bytes = bytes
    this.#stack = stack
  }

  async get(id: number): Promise<LoggedOperation | undefined> {
    return this.#index.get(id)
  }

  async list({ limit = 50, ...query }: Parameters<Wal['list']>[0] = {}) {
    const found = this.#index.list({ ...query, limit: limit + 1 })
    const operations = found.slice(0, limit)
    const last = operations.at(-1)
    return { operations, ...(found.length > limit && last !== undefined && { next: last.id }) }
  }

  async wait(id: number): Promise<LoggedOperation> {
    const found = this.#index.get(id)
    if (found === undefined) throw new WalError('WAL_NOT_FOUND', `There is no operation ${id}`)
    if (isFinished(found)) return found
    throw new WalError('WAL_NOT_RUNNING', `Operation ${id} is ${found.state}, and nobody works on it`)
  }

  async *records({ from, signal }: ReadOptions = {}): AsyncGenerator<NumberedRecord, void, undefined> {
    if (this.#source.segments.length === 0) return
    for await (const { lsn, payload } of readLog(this.#source, from, signal)) {
      yield { lsn, record: decodeRecord(payload) }
    }
  }

  async *changes(
    options: Parameters<WalView['changes']>[0],
  ): AsyncGenerator<OperationChange, void, undefined> {
    const { from = 1, id, signal, ...filter } = options
    await using index = createMemoryIndex()
    if (this.#source.segments.length === 0) return
    for await (const { lsn, payload } of readLog(this.#source, undefined, signal)) {
      index.apply({ firstLsn: lsn, payloads: [payload] })
      const changed = changedBy(lsn, decodeRecord(payload))
      if (lsn < from || changed === undefined || (id !== undefined && id !== changed)) continue
      const operation = index.get(changed)
      if (operation !== undefined && matches(operation, filter)) yield { lsn, operation }
    }
  }

  async verify(): Promise<VerifyReport> {
    return this.#report
  }

  stats(): ViewStats {
    const { segments } = this.#source
    const nextLsn = (segments.at(-1)?.lastLsn ?? 0) + 1
    return Object.freeze({
      firstLsn: segments[0]?.firstLsn ?? nextLsn,
      nextLsn,
      segments: this.#report.segments,
      bytes: this.#bytes,
      epoch: this.#index.epoch,
      operations: this.#index.counts(),
      findings: this.#report.findings,
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

/** The operation that a record changes by itself. */
function changedBy(lsn: number, record: WalRecord): number | undefined {
  if (record.kind === 'add') return lsn
  return 'id' in record ? record.id : undefined
}
