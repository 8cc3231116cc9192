/** The sweep of a mark: judges every entry once, in slices, and counts what lives and what is dead in each kept pack. */
import type { Catalog, Handle } from './catalog.ts'
import type { Epochs } from './epochs.ts'
import { Pace } from './pace.ts'

/** Entries of a kept pack, and their payload bytes. */
export interface PackTally {
  liveEntries: number
  liveBytes: number
  deadEntries: number
  deadBytes: number
}

/** Options of {@link sweepEntries}. */
export interface SweepOptions {
  readonly epochs: Pick<Epochs, 'judge'>
  readonly catalog: Pick<Catalog, 'sweep' | 'pack' | 'length'>
  /** Whether the pack at this place of the table is a kept one. Others are not counted. */
  readonly isKept: (pack: number) => boolean
  /** Milliseconds of work between two turns of the event loop. Default 3. */
  readonly sliceMs?: number
}

/** Judges all entries, between `beginSweep` and `complete` of the epochs. The result: place of each kept pack that has entries, and its tally. */
export async function sweepEntries(options: SweepOptions): Promise<Map<number, PackTally>> {
  const { epochs, catalog, isKept } = options
  /** By place: `null` for a cache pack. An array because it is looked at for every entry. */
  const tallies: (PackTally | null | undefined)[] = []
  await visitEntries(
    catalog,
    (handle) => {
      const lives = epochs.judge(handle)
      const pack = catalog.pack(handle)
      let tally = tallies[pack]
      if (tally === null) return
      if (tally === undefined) {
        tally = isKept(pack) ? { liveEntries: 0, liveBytes: 0, deadEntries: 0, deadBytes: 0 } : null
        tallies[pack] = tally
        if (tally === null) return
      }
      const bytes = catalog.length(handle)
      if (lives) {
        tally.liveEntries += 1
        tally.liveBytes += bytes
      } else {
        tally.deadEntries += 1
        tally.deadBytes += bytes
      }
    },
    options.sliceMs,
  )
  const result = new Map<number, PackTally>()
  for (const [pack, tally] of tallies.entries()) if (tally) result.set(pack, tally)
  return result
}

/** Calls `visit` for every entry, with a turn of the event loop every `sliceMs` (3 by default). */
export async function visitEntries(
  catalog: Pick<Catalog, 'sweep'>,
  visit: (handle: Handle) => void,
  sliceMs = 3,
): Promise<void> {
  const pace = new Pace(sliceMs)
  for await (const _part of catalog.sweep(visit)) if (pace.isDue) await pace.turn()
}
