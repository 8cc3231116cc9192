/** Options of a store of operations, their defaults and checks. */
import { type Disk, nodeDisk } from '@ipfs-kit/disk'
import type { LogOptions } from '../log/open-log.ts'

/** Which finished operations are kept. */
export interface KeepFinished {
  /** The last so many, 0 to 100,000,000. Default 10,000. */
  readonly count?: number
  /** And of those, what ended no longer ago than that, in milliseconds. Default 604,800,000 (7 days). */
  readonly maxAgeMs?: number
}

/** Options of {@link openOperationStore}; those of the log besides. */
export interface OperationStoreOptions extends Omit<LogOptions, 'onBatch'> {
  /** Absolute path of the folder. Made if it is not there. One opener at a time. */
  readonly path: string
  /** The clock of the wall: milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: () => number
  /**
   * Where operations are found: `sqlite`, in `index.sqlite` of the folder; `memory`, made anew at each opening, for simulated disks
   * and for reading a log without changing the index. Default: `sqlite` on a real disk.
   */
  readonly index?: 'sqlite' | 'memory'
  readonly keepFinished?: KeepFinished
  /** How long an idempotency key is kept, in milliseconds, from when it was used. Default 86,400,000 (24 hours). */
  readonly idempotencyWindowMs?: number
  /** Bytes of unfinished operations, as JSON, beyond which an `add` is refused. Default 1,073,741,824 (1 GiB). */
  readonly maxUnfinishedBytes?: number
}

/** Options that were checked. */
export interface CheckedStoreOptions {
  readonly disk: Disk
  readonly clock: () => number
  readonly segmentBytes: number
  readonly index: 'sqlite' | 'memory'
  readonly keepFinished: Required<KeepFinished>
  readonly idempotencyWindowMs: number
  readonly maxUnfinishedBytes: number
  /** Those of the log, which it checks itself. */
  readonly log: LogOptions
}

const oneDayMs = 86_400_000

/** @throws TypeError, RangeError */
export function checkStoreOptions(options: OperationStoreOptions): CheckedStoreOptions {
  const {
    clock = Date.now,
    index,
    keepFinished = {},
    idempotencyWindowMs = oneDayMs,
    maxUnfinishedBytes = 1024 * 1024 * 1024,
    ...log
  } = options
  const { segmentBytes = 32 * 1024 * 1024 } = log
  if ('onBatch' in log) throw new TypeError('A store has no option "onBatch"')
  const disk = log.disk ?? nodeDisk()
  if (typeof clock !== 'function') throw new TypeError('clock is a function')
  if (index !== undefined && index !== 'sqlite' && index !== 'memory') {
    throw new TypeError(`index is sqlite or memory, not ${String(index)}`)
  }
  if (index === 'sqlite' && disk.name === 'sim') {
    throw new TypeError('index is memory on a simulated disk: SQLite writes to the real one')
  }
  for (const key of Object.keys(keepFinished)) {
    if (key !== 'count' && key !== 'maxAgeMs') {
      throw new TypeError(`keepFinished has no option ${JSON.stringify(key)}`)
    }
  }
  const { count = 10_000, maxAgeMs = 7 * oneDayMs } = keepFinished
  checkWhole(count, 'keepFinished.count', 0, 100_000_000)
  checkWhole(maxAgeMs, 'keepFinished.maxAgeMs', 0, Number.MAX_SAFE_INTEGER)
  checkWhole(idempotencyWindowMs, 'idempotencyWindowMs', 0, Number.MAX_SAFE_INTEGER)
  checkWhole(maxUnfinishedBytes, 'maxUnfinishedBytes', 1, Number.MAX_SAFE_INTEGER)
  return {
    disk,
    clock,
    segmentBytes,
    index: index ?? (disk.name === 'sim' ? 'memory' : 'sqlite'),
    keepFinished: { count, maxAgeMs },
    idempotencyWindowMs,
    maxUnfinishedBytes,
    log: { ...log, disk },
  }
}

function checkWhole(value: number, name: string, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`)
}
