/** What a simulated disk does wrong. */

/** The operations that are counted, and that can be made to fail. */
export const simOperations = [
  'open',
  'read',
  'write',
  'truncate',
  'preallocate',
  'sync',
  'size',
  'setModified',
  'makeFolder',
  'rename',
  'unlink',
  'removeFolder',
  'list',
  'stat',
  'syncFolder',
  'freeSpace',
  'lock',
] as const

/** An operation of a disk or of a file. `readNow` counts as `read`, `writeNow` as `write`, `syncNow` as `sync`; closing does not count. */
export type SimOperation = (typeof simOperations)[number]

/** Faults that come by chance. Probabilities are from 0 to 1. */
export interface SimFaults {
  /** Bytes that all files may take, counted in pages of 4 KiB. Default 1 TiB. */
  readonly capacityBytes: number
  /** Files that there may be. Default 1,000,000. */
  readonly maxFiles: number
  /** How often a read fails with EIO. Default 0. */
  readonly readErrors: number
  /** How often `write`, `writeNow`, `preallocate` and `truncate` fail with EIO, after a part of the work. Default 0. */
  readonly writeErrors: number
  /** How often `sync`, `syncNow` and `syncFolder` fail with EIO. Default 0. */
  readonly syncErrors: number
  /** How often the system takes a part of a write only, so that it comes in several steps. Default 0.1. */
  readonly shortWrites: number
  /** How often `readNow` does not answer. Default 0.1. */
  readonly slowReads: number
  /** How often `writeNow` writes nothing. Default 0.5. */
  readonly slowWrites: number
  /** How often `syncNow` syncs nothing. Default 0.5. */
  readonly slowSyncs: number
  /** How often a sector that is lost in a crash is torn instead. Default 0.1. */
  readonly tearing: number
  /** The longest time that an operation takes in the simulator, in milliseconds; natively none takes any. Default 0. */
  readonly latencyMs: number
}

export const noFaults: SimFaults = {
  capacityBytes: 1024 ** 4,
  maxFiles: 1_000_000,
  readErrors: 0,
  writeErrors: 0,
  syncErrors: 0,
  shortWrites: 0.1,
  slowReads: 0.1,
  slowWrites: 0.5,
  slowSyncs: 0.5,
  tearing: 0.1,
  latencyMs: 0,
}

/**
 * The faults with some of them changed.
 *
 * @throws TypeError for one that does not exist, RangeError for one that cannot be
 */
export function withFaults(faults: SimFaults, changed: Partial<SimFaults>): SimFaults {
  for (const [name, value] of Object.entries(changed)) {
    if (!Object.hasOwn(noFaults, name)) {
      throw new TypeError(`There is no fault ${name}; there are ${Object.keys(noFaults).join(', ')}`)
    }
    const most =
      name === 'capacityBytes' || name === 'maxFiles' || name === 'latencyMs' ? Number.MAX_SAFE_INTEGER : 1
    if (typeof value !== 'number' || !(value >= 0 && value <= most)) {
      throw new RangeError(`The fault ${name} is a number from 0 to ${most}, and not ${String(value)}`)
    }
  }
  return Object.freeze({ ...faults, ...changed })
}
