/** A mark from its beginning to its end: cleaning if need be, walk, sweep. Until the end the last complete one is in force. */
import type { MarkReport } from './blocks.ts'
import type { Catalog } from './catalog.ts'
import type { Epochs } from './epochs.ts'
import { walkClaims, type MarkWalkOptions } from './mark-walk.ts'
import { sweepEntries, visitEntries, type PackTally } from './sweep.ts'

/** What a mark works on. */
export interface MarkOptions extends MarkWalkOptions {
  readonly epochs: Epochs
  readonly catalog: Pick<Catalog, 'pack' | 'length' | 'sweep'>
  /** Called when all is reached: resolves when what was promoted is durable, and rejects if it cannot be. */
  readonly settle: () => Promise<void>
}

/** What a mark found. */
export interface Marked {
  readonly report: MarkReport
  /** By the place of the pack in the store's table; kept packs that have entries. Those without any are not among them. */
  readonly packs: ReadonlyMap<number, PackTally>
}

/**
 * Finds what the claims reach. One at a time. Can be cancelled at every wait, and runs in slices of `sliceMs`.
 *
 * @throws BlocksError `BLOCKS_MARK_INCOMPLETE`; what `claims`, `read` or `promote` reject with
 */
export async function markClaims(options: MarkOptions): Promise<Marked> {
  const { epochs } = options
  if (epochs.needsCleaning) await cleanEntries(options)
  epochs.begin()
  try {
    const { claims, missingLeaves } = await walkClaims(options)
    await options.settle()
    epochs.beginSweep()
    const packs = await sweepEntries(options)
    epochs.complete()
    return { report: { epoch: epochs.epoch, claims, missingLeaves, ...sumOf(packs.values()) }, packs }
  } finally {
    epochs.abandon()
  }
}

async function cleanEntries({ epochs, catalog, sliceMs }: MarkOptions): Promise<void> {
  epochs.beginCleaning()
  try {
    await visitEntries(catalog, (handle) => epochs.clean(handle), sliceMs)
    epochs.endCleaning()
  } finally {
    epochs.abandon()
  }
}

function sumOf(
  tallies: Iterable<PackTally>,
): Pick<MarkReport, 'liveBlocks' | 'liveBytes' | 'deadBlocks' | 'deadBytes'> {
  const sum = { liveBlocks: 0, liveBytes: 0, deadBlocks: 0, deadBytes: 0 }
  for (const tally of tallies) {
    sum.liveBlocks += tally.liveEntries
    sum.liveBytes += tally.liveBytes
    sum.deadBlocks += tally.deadEntries
    sum.deadBytes += tally.deadBytes
  }
  return sum
}
