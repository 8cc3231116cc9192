/** The index of a store: what lies in memory, and what is answered from footers. */
import { checkpoint } from '@ipfs-kit/concurrency'
import { none, type Catalog, type Handle, type IndexedEntry, type ReadRows } from './catalog.ts'
import { CatalogSweep, type Visit } from './catalog-sweep.ts'
import type { ColdPack } from './cold-pack.ts'
import { createColdPacks, placeOf } from './cold-packs.ts'
import type { PackRows } from './footer.ts'
import { createTagTable, tableHandles, tableShards } from './tag-table.ts'

/** Options of {@link createCatalog}. */
export interface CatalogOptions {
  /** Entries that `absorb` takes into memory, 1 to 2^28. Default 16,777,216. */
  readonly maxIndexedEntries?: number
  /** A number that rises with the time at which a pack was made: `findCold` goes by it. Default: the place of the pack. */
  readonly packId?: (pack: number) => number
  /** Entries of which a slice of `sweep` or `chill` takes care, 1 to 65,536. Default 4,096: about a millisecond. */
  readonly sliceEntries?: number
}

/** An empty index. @throws RangeError */
export function createCatalog(options: CatalogOptions = {}): Catalog {
  const { maxIndexedEntries = 16_777_216, packId = (pack) => pack, sliceEntries = 4096 } = options
  checkRange(maxIndexedEntries, 'maxIndexedEntries', 2 ** 28)
  checkRange(sliceEntries, 'sliceEntries', 65_536)
  return new TwoLevelCatalog(maxIndexedEntries, packId, sliceEntries)
}

function checkRange(value: number, name: string, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return
  throw new RangeError(`${name} is a whole number from 1 to ${most}, not ${value}`)
}

class TwoLevelCatalog implements Catalog {
  readonly #table = createTagTable()
  readonly #colds
  readonly #maxIndexedEntries: number
  readonly #sliceEntries: number
  #sweep: CatalogSweep | undefined

  constructor(maxIndexedEntries: number, packId: (pack: number) => number, sliceEntries: number) {
    this.#maxIndexedEntries = maxIndexedEntries
    this.#colds = createColdPacks(packId)
    this.#sliceEntries = sliceEntries
  }

  get entries(): number {
    return this.#table.size + this.#colds.alive
  }

  get indexed(): number {
    return this.#table.size
  }

  get bytes(): number {
    return this.#table.bytes + this.#colds.bytes
  }

  get hasCold(): boolean {
    return this.#colds.size > 0
  }

  find(high: number, low: number): Handle {
    return this.#table.find(high, low)
  }

  findNext(handle: Handle, high: number, low: number): Handle {
    return this.#table.findNext(handle, high, low)
  }

  findCold(high: number, low: number): Promise<readonly Handle[]> {
    return this.#colds.find(high, low)
  }

  locate(high: number, low: number, pack: number, offset: number): Handle | Promise<Handle> {
    const handle = this.#locateIndexed(high, low, pack, offset / 8)
    const cold = handle === none ? this.#colds.get(pack) : undefined
    return cold === undefined ? handle : this.#colds.locate(cold, high, low, offset / 8)
  }

  has(handle: Handle): boolean {
    return handle < tableHandles ? handle !== none : this.#colds.row(handle) !== undefined
  }

  pack(handle: Handle): number {
    return handle < tableHandles ? this.#table.pack(handle) : this.#colds.place(handle).pack
  }

  offset(handle: Handle): number {
    return (handle < tableHandles ? this.#table.place(handle) : this.#colds.place(handle).place) * 8
  }

  length(handle: Handle): number {
    return handle < tableHandles ? this.#table.length(handle) : this.#colds.place(handle).length
  }

  flags(handle: Handle): number {
    if (handle < tableHandles) return this.#table.flags(handle)
    const at = this.#colds.row(handle)
    return at === undefined ? 0 : at.cold.flags(at.row)
  }

  setFlags(handle: Handle, flags: number): void {
    if (handle < tableHandles) return this.#table.setFlags(handle, flags)
    const at = this.#colds.row(handle)
    at?.cold.setFlags(at.row, flags)
  }

  mark(handle: Handle): number {
    if (handle < tableHandles) return this.#table.mark(handle)
    const at = this.#colds.row(handle)
    return at === undefined ? 0 : at.cold.mark(at.row)
  }

  setMark(handle: Handle, mark: number): void {
    if (handle < tableHandles) return this.#table.setMark(handle, mark)
    const at = this.#colds.row(handle)
    at?.cold.setMark(at.row, mark)
  }

  stamp(handle: Handle): number {
    if (handle < tableHandles) return this.#table.stamp(handle)
    const at = this.#colds.row(handle)
    return at === undefined ? 0 : at.cold.stamp(at.row)
  }

  setStamp(handle: Handle, stamp: number): void {
    if (handle < tableHandles) return this.#table.setStamp(handle, stamp)
    const at = this.#colds.row(handle)
    at?.cold.setStamp(at.row, stamp)
  }

  insert(entry: Parameters<Catalog['insert']>[0]): void {
    const { high, low, pack, offset, length, mark, stamp } = entry
    this.#table.insert(high, low, pack, offset / 8, length, mark, stamp)
  }

  move(handle: Handle, high: number, low: number, pack: number, offset: number, length: number): boolean {
    if (handle < tableHandles) {
      this.#table.move(handle, pack, offset / 8, length)
      return true
    }
    const at = this.#colds.row(handle)
    if (at === undefined) return false
    const { cold, row } = at
    this.#colds.kill(cold, row)
    const indexed = this.#table.insert(high, low, pack, offset / 8, length, cold.mark(row), cold.stamp(row))
    this.#sweep?.warmed(cold, row, indexed, high, low)
    return true
  }

  remove(handle: Handle): void {
    if (handle < tableHandles) return this.#table.remove(handle)
    const at = this.#colds.row(handle)
    if (at !== undefined) this.#colds.kill(at.cold, at.row)
  }

  reserve(entries: number): void {
    this.#table.reserve(Math.min(entries, this.#maxIndexedEntries))
  }

  async absorb(
    pack: number,
    rows: PackRows,
    admit: (row: number, present: Handle) => boolean,
    readRows?: ReadRows,
  ): Promise<void> {
    const { numbers, count } = rows
    const isFull = this.hasCold || this.#table.size + count > this.#maxIndexedEntries
    const cold = isFull && readRows !== undefined ? this.#colds.add(pack, rows, readRows) : undefined
    const admitAlso = (row: number, present: Handle): boolean =>
      admit(row, present === none ? this.#colds.maybe(numbers[row * 4]!, numbers[row * 4 + 1]!) : present)
    const ask = this.hasCold ? admitAlso : admit
    for (let from = 0; from < count; from += this.#sliceEntries) {
      if (from > 0) await checkpoint()
      const to = Math.min(count, from + this.#sliceEntries)
      if (cold === undefined) this.#table.absorb(pack, numbers, from, to, ask)
      else this.#absorbCold(cold, numbers, from, to, ask)
    }
  }

  async chill(pack: number, rows: PackRows, readRows: ReadRows): Promise<void> {
    const cold = this.#colds.get(pack) ?? this.#colds.add(pack, rows, readRows)
    for (let from = 0; from < rows.count && this.#colds.has(cold); from += this.#sliceEntries) {
      if (from > 0) await checkpoint()
      const to = Math.min(rows.count, from + this.#sliceEntries)
      for (let row = from; row < to; row++) this.#chillRow(cold, row, rows.numbers)
    }
  }

  isCold(pack: number): boolean {
    return this.#colds.get(pack) !== undefined
  }

  async *indexedOf(pack: number): AsyncGenerator<IndexedEntry, void, undefined> {
    const table = this.#table
    for (let shard = 0; shard < tableShards; shard++) {
      const entries: IndexedEntry[] = []
      for (let at = table.first(shard); at >= 0; at = table.next(at)) {
        if (table.pack(at) !== pack) continue
        const [high, low, length] = [table.high(at), table.low(at), table.length(at)]
        entries.push({ high, low, length, offset: table.place(at) * 8 })
      }
      await checkpoint()
      yield* entries
    }
  }

  drop(pack: number): void {
    this.#colds.drop(pack)
  }

  async *sweep(visit: Visit): AsyncGenerator<void, void, undefined> {
    this.#sweep?.end()
    const sweep = new CatalogSweep(this.#table, this.#colds, visit, this.#sliceEntries)
    this.#sweep = sweep
    try {
      yield* sweep.slices()
    } finally {
      sweep.end()
      if (this.#sweep === sweep) this.#sweep = undefined
    }
  }

  /** Lets in rows of a pack that is answered from its footer. */
  #absorbCold(
    cold: ColdPack,
    numbers: Uint32Array,
    from: number,
    to: number,
    ask: (row: number, present: Handle) => boolean,
  ): void {
    for (let row = from; row < to; row++) {
      const present = this.#table.find(numbers[row * 4]!, numbers[row * 4 + 1]!)
      if (ask(row, present)) this.#colds.revive(cold, row, 0, 0, 0)
    }
  }

  /** Takes the entry of a row out of memory, if there is one. */
  #chillRow(cold: ColdPack, row: number, numbers: Uint32Array): void {
    const high = numbers[row * 4]!
    const low = numbers[row * 4 + 1]!
    const table = this.#table
    const handle = this.#locateIndexed(high, low, cold.pack, numbers[row * 4 + 2]! & 0x7f_ffff)
    if (handle === none) return
    this.#colds.revive(cold, row, table.mark(handle), table.stamp(handle), table.flags(handle))
    const wasVisited = table.visited(handle)
    table.remove(handle)
    if (this.#sweep === undefined) return
    this.#colds.show(this.#colds.handle(cold, row), placeOf(cold, numbers, row))
    this.#sweep.chilled(cold, row, high, low, wasVisited)
  }

  #locateIndexed(high: number, low: number, pack: number, place: number): Handle {
    const table = this.#table
    for (let at = table.find(high, low); at !== none; at = table.findNext(at, high, low)) {
      if (table.pack(at) === pack && table.place(at) === place) return at
    }
    return none
  }
}
