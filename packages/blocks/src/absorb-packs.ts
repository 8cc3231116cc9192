/**
 * Lets the rows of all packs into the index when a store is opened, so that of what has the same key the newest counts.
 *
 * Footers and index are in the order of tags. So the rows go in by ranges of tags, each range from the newest pack to the
 * oldest: the part of the index that takes it stays in the processor's cache, and each page of it is touched once.
 */
import { type Catalog, type Handle, none, type ReadRows } from './catalog.ts'
import { Deletions } from './deletions.ts'
import { type PackRows, readRows, readRowsNow, type RowMemory } from './footer.ts'
import { type FrameKind, frameKinds } from './frame.ts'
import { damaged, readKey } from './frame-reader.ts'
import { Pace } from './pace.ts'
import type { Pack } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import { rowReader } from './pack-frames.ts'
import { placeKind, placeOffset } from './place.ts'
import { readAgain, tryTwice } from './read-around.ts'

/** Bits at the top of a tag that tell its range. */
const tagRangeBits = 8
/** Ranges of tags of which the first rows are known. */
export const tagRanges = 2 ** tagRangeBits
/** Rows that a pack has in a range on average, at least: fewer are not worth a read. */
const leastPart = 512
const sliceMs = 5
/** The least place of a frame that says that something is deleted. */
const gonePlace = frameKinds.goneBlock * 2 ** 23

/** The newest value of a record that is damaged. */
export interface LostRecord {
  readonly high: number
  readonly low: number
  readonly offset: number
  readonly key: Buffer
}

/** A key with its tag. */
interface KeyTag {
  readonly high: number
  readonly low: number
  readonly kind: number
  /** `undefined` if the disk cannot read it: the tag speaks for it. */
  readonly key: Buffer | undefined
}

/** A pack whose rows are to go into the index. */
export interface FoundPack {
  readonly pack: Pack
  readonly count: number
  /** The first row of each range of tags, and `count`. */
  readonly starts: Uint32Array
  /** Its rows, if they are in memory. Otherwise they are in the footer. */
  readonly rows: PackRows | undefined
  readonly lost: readonly LostRecord[]
}

/** What is filled, and what that takes. */
export interface AbsorbParts {
  readonly folder: PackFolder
  readonly catalog: Catalog
  readonly packs: readonly (Pack | undefined)[]
  readonly maxIndexedEntries: number
  readonly memory: RowMemory
}

/** Fills the index from packs, newest first. @throws BlocksError BLOCKS_IO; DiskError */
export async function absorbPacks(parts: AbsorbParts, found: readonly FoundPack[]): Promise<void> {
  const { catalog, folder } = parts
  const together = fitting(found, parts.maxIndexedEntries)
  const rows = together.reduce((sum, { count }) => sum + count, 0)
  catalog.reserve(rows)
  const absorption = new Absorption(parts)
  const step = rangesAtOnce(rows / together.length)
  for (let range = 0; range < tagRanges; range += step) {
    for (const each of together) await absorption.absorb(each, range, range + step)
  }
  // These may have to be answered from their footers, and for that all rows of a pack are needed at once.
  for (const each of found.slice(together.length)) {
    const isSealed = each.pack.footer !== undefined
    await absorption.absorb(each, 0, tagRanges, isSealed ? rowReader(folder, each.pack) : undefined)
  }
}

/** The newest packs, as many as fit into memory for certain. A pack that was scanned has no footer to be answered from. */
function fitting(found: readonly FoundPack[], maxIndexedEntries: number): readonly FoundPack[] {
  let entries = 0
  for (const [index, { count, pack }] of found.entries()) {
    entries += count
    if (entries > maxIndexedEntries && pack.footer !== undefined) return found.slice(0, index)
  }
  return found
}

/** Ranges whose rows are read at once, of packs with so many rows on average. */
function rangesAtOnce(rows: number): number {
  let step = tagRanges
  while (step > 1 && (rows * step) / tagRanges >= leastPart * 2) step /= 2
  return step
}

/** One pass over the packs. */
class Absorption {
  readonly #parts: AbsorbParts
  readonly #deletions = new Deletions()
  readonly #pace = new Pace(sliceMs)

  constructor(parts: AbsorbParts) {
    this.#parts = parts
  }

  /** Lets the rows of some ranges of a pack into the index that nothing newer stands for. */
  async absorb(found: FoundPack, range: number, end: number, readRows?: ReadRows): Promise<void> {
    const { pack, starts, lost } = found
    const rows = await this.#rows(found, starts[range]!, starts[end]!)
    const special = await this.#admit(pack, rows, readRows)
    // Rows with the same tag lie side by side; of those the last frame counts.
    for (const at of special.reverse()) {
      const [high, low, place, payloadBytes] = rows.numbers.subarray(at, at + 4)
      await this.#absorbSpecial(pack, high!, low!, place!, payloadBytes!)
    }
    for (const record of lost) {
      const own = record.high >>> (32 - tagRangeBits)
      if (own >= range && own < end) await this.#forget(pack, record)
    }
    if (this.#pace.isDue) await this.#pace.turn()
  }

  async #rows({ pack, rows }: FoundPack, from: number, to: number): Promise<PackRows> {
    if (rows !== undefined) return { count: to - from, numbers: rows.numbers.subarray(from * 4, to * 4) }
    const { folder, memory } = this.#parts
    const file = await folder.file(pack)
    const at = [pack.footer!, from, to - from, memory] as const
    const read = await readAgain(async () => readRowsNow(file, ...at) ?? readRows(file, ...at))
    await folder.trim()
    return read
  }

  /** Adds the rows that nothing else has to do with. Returns where the others begin. */
  async #admit(pack: Pack, rows: PackRows, readRows: ReadRows | undefined): Promise<number[]> {
    const { numbers } = rows
    const deletions = this.#deletions
    const special: number[] = []
    const admit = (row: number, present: Handle): boolean => {
      const at = row * 4
      const isGone = numbers[at + 2]! >= gonePlace
      if (isGone || present !== none || deletions.mayHave(numbers[at]!, numbers[at + 1]!)) {
        special.push(at)
        return false
      }
      pack.gain(numbers[at + 3]!)
      return true
    }
    await this.#parts.catalog.absorb(pack.slot, rows, admit, readRows)
    return special
  }

  /** A deletion, or a row whose tag others have too. */
  async #absorbSpecial(
    pack: Pack,
    high: number,
    low: number,
    place: number,
    payloadBytes: number,
  ): Promise<void> {
    const { catalog, packs } = this.#parts
    const offset = placeOffset(place)
    const kind = placeKind(place)
    const frame = await this.#frameAt(pack, offset)
    // Of a deletion that is damaged the footer tells the tag: that speaks for it, as for one that cannot be read.
    const key = frame === damaged ? undefined : frame?.key
    if (kind >= frameKinds.goneBlock) {
      const gone = { high, low, kind: kind - 2, key }
      this.#deletions.add(high, low, pack.stream, gone.kind, key)
      await this.#forgetEarlier(pack, gone, offset)
      return
    }
    if (frame === damaged) {
      pack.deadBytes += payloadBytes
      return
    }
    const present = await this.#entryOf({ high, low, kind, key }, () => true)
    if (this.#deletions.has(high, low, pack.stream, kind, key)) pack.deadBytes += payloadBytes
    else if (present === none) {
      catalog.insert({ high, low, pack: pack.slot, offset, length: payloadBytes, mark: 0, stamp: 0 })
      pack.gain(payloadBytes)
    } else {
      const other = packs[catalog.pack(present)]!
      const counts =
        other === pack ? offset > catalog.offset(present) : other.stream === 'cache' && pack.stream === 'kept'
      if (counts) {
        other.lose(catalog.length(present))
        catalog.move(present, high, low, pack.slot, offset, payloadBytes)
        pack.gain(payloadBytes)
      } else pack.deadBytes += payloadBytes
    }
  }

  /** The newest value of a record is damaged: an older one must not be answered for it. */
  async #forget(pack: Pack, { high, low, offset, key }: LostRecord): Promise<void> {
    const kind = frameKinds.record
    this.#deletions.add(high, low, pack.stream, kind, key)
    await this.#forgetEarlier(pack, { high, low, kind, key }, offset)
  }

  /** Takes out the entry of a key that leads to an earlier frame of the same pack. */
  async #forgetEarlier(pack: Pack, wanted: KeyTag, offset: number): Promise<void> {
    const { catalog } = this.#parts
    const earlier = await this.#entryOf(wanted, (other) => other === pack)
    if (earlier === none || catalog.offset(earlier) > offset) return
    pack.lose(catalog.length(earlier))
    catalog.remove(earlier)
  }

  /** The entry of exactly this key among those with its tag. */
  async #entryOf({ high, low, kind, key }: KeyTag, isWanted: (pack: Pack) => boolean): Promise<Handle> {
    const { catalog, packs } = this.#parts
    const handles = catalog.hasCold ? [...(await readAgain(() => catalog.findCold(high, low)))] : []
    for (let at = catalog.find(high, low); at !== none; at = catalog.findNext(at, high, low)) handles.push(at)
    for (const handle of handles) {
      const pack = packs[catalog.pack(handle)]!
      if (!isWanted(pack)) continue
      const other = await this.#frameAt(pack, catalog.offset(handle))
      if (other === damaged) continue
      // What cannot be read has the same tag: 64 bits, keyed.
      if (other === undefined || key === undefined) return handle
      if (other.kind === kind && other.key.equals(key)) return handle
    }
    return none
  }

  /** Kind and key of a frame; `undefined` if the disk cannot read them. */
  async #frameAt(
    pack: Pack,
    offset: number,
  ): Promise<{ readonly kind: FrameKind; readonly key: Buffer } | typeof damaged | undefined> {
    return tryTwice(async () => (await readKey(this.#parts.folder, pack, offset)) ?? damaged)
  }
}
