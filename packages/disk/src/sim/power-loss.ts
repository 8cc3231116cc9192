/**
 * What a file is after its power was lost. The medium writes sectors of 512 bytes, each as a whole or, as some do, torn;
 * in any order, whenever it likes; so each sector has the state of some moment since the last sync, and its neighbour that
 * of another. The size and the cuts are the file system's own, and come in their order, but not in that of the data.
 */
import type { Change } from './content.ts'
import type { Pages } from './pages.ts'
import type { Seeded } from './seeded.ts'

/** Bytes of a sector. */
export const sectorBytes = 512

/** How the power is lost. */
export interface PowerLoss {
  readonly random: Seeded
  /** How likely a sector that was being written is torn, from 0 to 1. */
  readonly tearing: number
  /** Told what became of each sector with changes. */
  readonly count: (fate: 'kept' | 'dropped' | 'torn') => void
}

/** The bytes on the medium, some of the changes included. */
export function surviving(before: Pages, changes: readonly Change[], loss: PowerLoss): Pages {
  if (changes.length === 0) return before
  const { random } = loss
  const after = before.share()
  // Plain courses are as likely as strange ones: nothing, all up to a moment, everything; else each sector by itself.
  const course = random.below(8)
  if (course === 0) return after
  let sizes = random.below(changes.length + 1)
  const writes = course === 1 ? changes.slice(0, sizes) : changes
  const keep = course <= 2 ? 1 : [0.1, 0.5, 0.9][random.below(3)]!
  if (course === 2 || (course > 2 && random.chance(0.5))) sizes = changes.length
  const sectors = new Sectors(writes, keep, loss)
  writes.forEach((change, index) => {
    if (change.bytes !== undefined) sectors.write(after, change.position, change.bytes)
    else if (index < sizes && after.size > change.position) after.resize(change.position)
  })
  after.resize(sizes === 0 ? before.size : changes[sizes - 1]!.size)
  return after
}

/** The sectors that have changes, and how many of its changes each got. */
class Sectors {
  readonly #keep: number
  readonly #loss: PowerLoss
  /** Writes that a sector will still see. */
  readonly #coming = new Map<number, number>()
  /** Of those, the ones that it will not get. */
  readonly #lost = new Map<number, number>()

  constructor(changes: readonly Change[], keep: number, loss: PowerLoss) {
    this.#keep = keep
    this.#loss = loss
    for (const { position, bytes } of changes) {
      if (bytes === undefined) continue
      const last = sectorOf(position + bytes.byteLength - 1)
      for (let sector = sectorOf(position); sector <= last; sector += 1) {
        this.#coming.set(sector, (this.#coming.get(sector) ?? 0) + 1)
      }
    }
  }

  /** Writes the sectors that get it; what is kept side by side goes in one piece. */
  write(pages: Pages, position: number, bytes: Uint8Array): void {
    const end = position + bytes.byteLength
    let from = position
    for (let sector = sectorOf(position); sector * sectorBytes < end; sector += 1) {
      const begin = Math.max(position, sector * sectorBytes)
      const next = Math.min(end, (sector + 1) * sectorBytes)
      const fate = this.#fate(sector)
      if (fate === 'kept') continue
      if (from < begin) pages.write(bytes.subarray(from - position, begin - position), from)
      if (fate === 'torn') this.#tear(pages, begin, bytes.subarray(begin - position, next - position))
      from = next
    }
    if (from < end) pages.write(bytes.subarray(from - position), from)
  }

  #fate(sector: number): 'kept' | 'dropped' | 'torn' {
    const { random, tearing, count } = this.#loss
    const coming = this.#coming.get(sector)!
    let lost = this.#lost.get(sector)
    if (lost === undefined) {
      lost = random.chance(this.#keep) ? 0 : 1 + random.below(coming)
      this.#lost.set(sector, lost)
    }
    this.#coming.set(sector, coming - 1)
    // The first write that it does not get is the one that it may have been in the middle of.
    const fate = coming > lost ? 'kept' : coming === lost && random.chance(tearing) ? 'torn' : 'dropped'
    count(fate)
    return fate
  }

  /** The beginning of the new, its end, or noise. Never what was not being written: that would be a broken device. */
  #tear(pages: Pages, position: number, bytes: Uint8Array): void {
    const { random } = this.#loss
    const at = random.below(bytes.byteLength + 1)
    const kind = random.below(3)
    if (kind === 0) pages.write(bytes.subarray(0, at), position)
    else if (kind === 1) pages.write(bytes.subarray(at), position + at)
    else
      pages.write(
        bytes.map(() => random.below(256)),
        position,
      )
  }
}

function sectorOf(position: number): number {
  return Math.floor(position / sectorBytes)
}
