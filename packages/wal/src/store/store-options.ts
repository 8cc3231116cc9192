/** Options of a store of operations, their defaults and checks. */
import { type Disk, nodeDisk } from '@ipfs-kit/disk'
import { defaultSegmentBytes, logOptionNames, type LogOptions } from '../log/open-log.ts'
import { checkKeys, wholeNumber } from '../option-checks.ts'

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

/** Names of {@link OperationStoreOptions}. */
export const storeOptionNames = [
  ...logOptionNames.filter((name) => name !== 'onBatch'),
  'clock',
  'index',
  'keepFinished',
  'idempotencyWindowMs',
  'maxUnfinishedBytes',
] as const

const oneDayMs = 86_400_000

/** @throws TypeError, RangeError */
export function checkStoreOptions(options: OperationStoreOptions): CheckedStoreOptions {
  checkKeys(options, storeOptionNames, 'openOperationStore')
  const {
    clock = Date.now,
    index,
    keepFinished = {},
    idempotencyWindowMs,
    maxUnfinishedBytes,
    ...log
  } = options
  const { segmentBytes = defaultSegmentBytes } = log
  const disk = log.disk ?? nodeDisk()
  if (typeof clock !== 'function') throw new TypeError('clock is a function')
  if (index !== undefined && index !== 'sqlite' && index !== 'memory') {
    throw new TypeError(`index is sqlite or memory, not ${String(index)}`)
  }
  if (index === 'sqlite' && disk.name === 'sim') {
    throw new TypeError('index is memory on a simulated disk: SQLite writes to the real one')
  }
  checkKeys(keepFinished, ['count', 'maxAgeMs'], 'keepFinished')
  const { count, maxAgeMs } = keepFinished
  const unbounded = Number.MAX_SAFE_INTEGER
  return {
    disk,
    clock,
    segmentBytes,
    index: index ?? (disk.name === 'sim' ? 'memory' : 'sqlite'),
    keepFinished: {
      count: wholeNumber(count, 'keepFinished.count', 0, 100_000_000, 10_000),
      maxAgeMs: wholeNumber(maxAgeMs, 'keepFinished.maxAgeMs', 0, unbounded, 7 * oneDayMs),
    },
    idempotencyWindowMs: wholeNumber(idempotencyWindowMs, 'idempotencyWindowMs', 0, unbounded, oneDayMs),
    maxUnfinishedBytes: wholeNumber(maxUnfinishedBytes, 'maxUnfinishedBytes', 1, unbounded, 1024 ** 3),
    log: { ...log, disk },
  }
}
