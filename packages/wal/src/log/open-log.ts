/** Opens a log: checks the options, reads what is there, and puts the parts together. */
import { randomBytes } from 'node:crypto'
import { createOwner } from '@ipfs-kit/concurrency'
import { type Disk, nodeDisk } from '@ipfs-kit/disk'
import { diskFailure } from '../disk-failure.ts'
import { checkKeys, wholeNumber } from '../option-checks.ts'
import { frameAlignment, frameHeaderBytes, recordHeaderBytes } from './frame.ts'
import type { Batch, Log, Mode } from './log.ts'
import { OpenedLog } from './opened-log.ts'
import { recover } from './recovery.ts'
import { publishFinding } from '../reports.ts'
import { segmentHeaderBytes } from './segment.ts'
import { Segments } from './segments.ts'

/** Options of {@link openLog}. */
export interface LogOptions {
  /** Absolute path of the folder. Made if it is not there. One opener at a time. */
  readonly path: string
  /** Default: the system's disk. */
  readonly disk?: Disk
  /**
   * Bytes of a segment. 16 to 64 MiB are of use; from 4,096 it is taken, for tests. Those that are there keep theirs. Default
   * 33,554,432 (32 MiB).
   */
  readonly segmentBytes?: number
  /** When an append is acknowledged. Default `always`. */
  readonly mode?: Mode
  /** Milliseconds between an append and its sync, 1 to 3,600,000; of `interval` alone. Default 1,000. */
  readonly intervalMs?: number
  /** Bytes of a record at most. Default 1 MiB, or what fits into a segment. */
  readonly maxRecordBytes?: number
  /**
   * Bytes that may wait to be written, counting 64 besides for each record; beyond it appends wait for room. What is larger alone
   * waits until it is alone. Default 16 MiB.
   */
  readonly maxQueuedBytes?: number
  /**
   * Told of each batch once it is acknowledged, in the order of LSNs and before those who append are answered. They may change their
   * payloads after that: copy what is kept. What it throws becomes an unhandled rejection; they are answered all the same.
   */
  readonly onBatch?: (batch: Batch) => void
}

/**
 * Opens a log. What was not written to its end is replaced by zeros, what is damaged is copied to `quarantine`, and both are
 * reported ({@link Log.findings}, `wal:finding`); what is behind a damage is kept.
 *
 * @throws TypeError, RangeError for options; WalError WAL_LOCKED, WAL_FORMAT_TOO_NEW, WAL_FULL, WAL_IO, WAL_SYNC_FAILED
 */
export async function openLog(options: LogOptions): Promise<Log> {
  return await openWith(options, () => BigInt.asUintN(63, randomBytes(8).readBigUInt64LE(0)))
}

/** The same with given ids of segments. Tests make them repeatable. */
export async function openWith(options: LogOptions, newId: () => bigint): Promise<Log> {
  const { path, segmentBytes, ...checked } = checkOptions(options)
  const disk = options.disk ?? nodeDisk()
  await using opening = new AsyncDisposableStack()
  try {
    await disk.makeFolder(path)
    const lock = await disk.lock(`${path}/lock`)
    opening.defer(() => lock.close())
    const found = await recover(disk, path)
    const owner = createOwner({ name: 'wal' })
    opening.defer(() => owner.close())
    const segments = new Segments({ disk, folder: path, owner, segmentBytes, newId, found })
    opening.defer(() => segments.close())
    await segments.open()
    const findings = Object.freeze(found.findings.map((finding) => Object.freeze(finding)))
    for (const finding of findings) publishFinding(finding, path)
    const resources = opening.move()
    return new OpenedLog({
      disk,
      folder: path,
      owner,
      segments,
      segmentBytes,
      ...checked,
      findings,
      resources,
    })
  } catch (cause) {
    throw diskFailure(cause, `open the log at ${path}`)
  }
}

/** Names of {@link LogOptions}. */
export const logOptionNames = [
  'path',
  'disk',
  'segmentBytes',
  'mode',
  'intervalMs',
  'maxRecordBytes',
  'maxQueuedBytes',
  'onBatch',
] as const

/** The default of `segmentBytes`. */
export const defaultSegmentBytes = 32 * 1024 * 1024

const modes: readonly Mode[] = ['always', 'interval', 'os']
const leastSegmentBytes = 4096
const mostSegmentBytes = 64 * 1024 * 1024

/** @throws TypeError, RangeError */
function checkOptions(options: LogOptions) {
  checkKeys(options, logOptionNames, 'openLog')
  const { path, mode = 'always', intervalMs, onBatch } = options
  if (typeof path !== 'string' || !path.startsWith('/')) throw new TypeError('path is an absolute path')
  if (!modes.includes(mode)) throw new TypeError(`mode is one of ${modes.join(', ')}, not ${String(mode)}`)
  if (intervalMs !== undefined && mode !== 'interval') {
    throw new TypeError(`intervalMs is for the mode interval, not for ${mode}`)
  }
  if (onBatch !== undefined && typeof onBatch !== 'function') throw new TypeError('onBatch is a function')
  type WholeNumber = Exclude<keyof LogOptions, 'path' | 'disk' | 'mode' | 'onBatch'>
  const whole = (name: WholeNumber, least: number, most: number, otherwise: number): number =>
    wholeNumber(options[name], name, least, most, otherwise)
  const segmentBytes = whole('segmentBytes', leastSegmentBytes, mostSegmentBytes, defaultSegmentBytes)
  const capacity = segmentBytes - segmentHeaderBytes - frameHeaderBytes - frameAlignment
  const mostRecordBytes = capacity - recordHeaderBytes
  return {
    path,
    mode,
    segmentBytes,
    capacity,
    intervalMs: whole('intervalMs', 1, 3_600_000, 1000),
    maxRecordBytes: whole('maxRecordBytes', 1, mostRecordBytes, Math.min(1024 * 1024, mostRecordBytes)),
    maxQueuedBytes: whole('maxQueuedBytes', 1, Number.MAX_SAFE_INTEGER, 16 * 1024 * 1024),
    onBatch,
  }
}
