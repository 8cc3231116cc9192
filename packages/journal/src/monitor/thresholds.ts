/** From where on the figures of a journal are alerts. */

/** Options of the alerts of a journal. */
export interface AlertThresholds {
  /** Bytes of the tree as its last checkpoint has it, 1 to 2^53 - 1. Default 2^40 (1 TiB). */
  readonly maxTreeBytes?: number
  /** Bytes that it has grown by within an hour, 1 to 2^53 - 1. Default 2^37 (128 GiB). */
  readonly maxTreeGrowthBytesPerHour?: number
  /** Bytes of the files of the log, 1 to 2^53 - 1. Default 2^30 (1 GiB). */
  readonly maxLogBytes?: number
  /** Changes that are in no checkpoint, 1 to 2^53 - 1. Default 100,000. */
  readonly maxChangesSinceCheckpoint?: number
  /** Milliseconds since the first of them, 1 to 604,800,000. Default 900,000. */
  readonly maxCheckpointAgeMs?: number
  /** Part of the changes of the last ten minutes that the disk or the block store did not take, 0 to 1. Default 0.05. */
  readonly maxFailureShare?: number
  /** A change is slow that takes longer from its stored blocks to its answer, in milliseconds, 1 to 86,400,000. Default 1,000. */
  readonly slowChangeMs?: number
  /** Part of the changes of the last ten minutes that were slow, 0 to 1. Default 0.05. */
  readonly maxSlowChangeShare?: number
  /** A transaction is slow that is open for longer, in milliseconds, 1 to 86,400,000. Default 60,000. */
  readonly slowTransactionMs?: number
  /** An alert is cleared after so many milliseconds below four fifths of its threshold, 0 to 86,400,000. Default 60,000. */
  readonly settleMs?: number
}

export type CheckedThresholds = Required<AlertThresholds>

const most = Number.MAX_SAFE_INTEGER

/** The least, the most, and what holds if nothing is said. */
const bounds: Readonly<Record<keyof AlertThresholds, readonly [number, number, number]>> = {
  maxTreeBytes: [1, most, 2 ** 40],
  maxTreeGrowthBytesPerHour: [1, most, 2 ** 37],
  maxLogBytes: [1, most, 2 ** 30],
  maxChangesSinceCheckpoint: [1, most, 100_000],
  maxCheckpointAgeMs: [1, 604_800_000, 900_000],
  maxFailureShare: [0, 1, 0.05],
  slowChangeMs: [1, 86_400_000, 1000],
  maxSlowChangeShare: [0, 1, 0.05],
  slowTransactionMs: [1, 86_400_000, 60_000],
  settleMs: [0, 86_400_000, 60_000],
}

/** Checks them and fills them up. @throws TypeError for one that is unknown; RangeError */
export function checkThresholds(given: AlertThresholds = {}): CheckedThresholds {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(bounds, name))
  if (unknown !== undefined) {
    throw new TypeError(`There is no threshold ${unknown}; there are ${Object.keys(bounds).join(', ')}`)
  }
  const checked = Object.entries(bounds).map(([name, [least, largest, usual]]) => {
    const value = given[name as keyof AlertThresholds] ?? usual
    if (value >= least && value <= largest) return [name, value] as const
    throw new RangeError(`${name} is a number from ${least} to ${largest}, not ${value}`)
  })
  return Object.fromEntries(checked) as unknown as CheckedThresholds
}
