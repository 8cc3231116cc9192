/**
 * A look at every entry, in slices between which entries come, go and move. First the packs that are answered from their
 * footers, row by row, then those in memory, in the order of their tags: so it is known of every entry whether it was
 * visited. One that leaves such a pack for memory after its visit carries a bit that says so; one that leaves memory
 * for such a pack before its visit is visited as it goes.
 */
import type { Handle } from './catalog.ts'
import type { ColdPack } from './cold-pack.ts'
import { type ColdPacks, placeOf } from './cold-packs.ts'
import { tableShards, type TagTable } from './tag-table.ts'

export type Visit = (handle: Handle, high: number, low: number) => void

/** One sweep. */
export class CatalogSweep {
  readonly #table: TagTable
  readonly #colds: ColdPacks
  readonly #visit: Visit
  readonly #sliceEntries: number
  /** Everything in memory up to this tag was visited. */
  #high = -1
  #low = 0
  /** Tags, as pairs, of entries in memory that carry the bit. */
  readonly #carried: number[] = []
  #isOver = false

  constructor(table: TagTable, colds: ColdPacks, visit: Visit, sliceEntries: number) {
    this.#table = table
    this.#colds = colds
    this.#visit = visit
    this.#sliceEntries = sliceEntries
    for (const cold of colds.newestFirst) cold.swept = 0
  }

  /** Ends it, and takes the bits back. Idempotent. */
  end(): void {
    this.#isOver = true
    for (let at = 0; at < this.#carried.length; at += 2)
      this.#uncover(this.#carried[at]!, this.#carried[at + 1]!)
    this.#carried.length = 0
  }

  async *slices(): AsyncGenerator<void, void, undefined> {
    for (const cold of this.#colds.newestFirst) {
      for (
        let from = cold.nextAlive(0);
        from < cold.count && this.#colds.has(cold);
        from = cold.nextAlive(from)
      ) {
        const to = Math.min(cold.count, from + this.#sliceEntries)
        const rows = await this.#colds.readRows(cold, from, to - from)
        this.#check()
        if (rows === undefined) break
        this.#visitRows(cold, from, to, rows.numbers)
        from = to
        yield
        this.#check()
      }
      cold.swept = cold.count
    }
    let left = this.#sliceEntries
    for (let shard = 0; shard < tableShards; shard++) {
      for (let handle = this.#table.first(shard); handle >= 0;) {
        const high = this.#table.high(handle)
        const low = this.#table.low(handle)
        if (left <= 0 && (high !== this.#high || low !== this.#low)) {
          left = this.#sliceEntries
          yield
          this.#check()
          handle = this.#table.seek(high, low)
          continue
        }
        this.#high = high
        this.#low = low
        if (this.#table.visited(handle)) this.#table.setVisited(handle, false)
        else this.#visit(handle, high, low)
        left -= 1
        handle = this.#table.next(handle)
      }
    }
  }

  /** Before an entry in memory is taken out: it is a row of `cold` now. `wasVisited`: it carried the bit. */
  chilled(cold: ColdPack, row: number, high: number, low: number, wasVisited: boolean): void {
    if (wasVisited || row >= cold.swept || this.#hasPassed(high, low)) return
    this.#visit(this.#colds.handle(cold, row), high, low)
  }

  /** An entry of `cold` lies in memory now. */
  warmed(cold: ColdPack, row: number, handle: Handle, high: number, low: number): void {
    if (row >= cold.swept || this.#hasPassed(high, low)) return
    this.#table.setVisited(handle, true)
    this.#carried.push(high, low)
  }

  #visitRows(cold: ColdPack, from: number, to: number, numbers: Uint32Array): void {
    cold.swept = to
    for (let row = cold.nextAlive(from); row < to; row = cold.nextAlive(row + 1)) {
      const at = (row - from) * 4
      const handle = this.#colds.handle(cold, row)
      this.#colds.show(handle, placeOf(cold, numbers, row - from))
      this.#visit(handle, numbers[at]!, numbers[at + 1]!)
    }
  }

  #hasPassed(high: number, low: number): boolean {
    return high < this.#high || (high === this.#high && low <= this.#low)
  }

  #uncover(high: number, low: number): void {
    for (let at = this.#table.find(high, low); at >= 0; at = this.#table.findNext(at, high, low)) {
      this.#table.setVisited(at, false)
    }
  }

  #check(): void {
    if (this.#isOver) throw new Error('another sweep has begun')
  }
}
