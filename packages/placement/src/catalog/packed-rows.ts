/**
 * Records in memory, found by their CID, close to each other, without an object for each. A record lies in a cell of a page,
 * whose size is a multiple of 32 bytes; cells that are free are used again for records of their size. Slots number the records,
 * so that all of them can be visited while some come and go; a table of open addressing leads from a CID to its slot.
 */
import { cidIn } from './row.ts'

const unit = 32
const pageUnits = 32_768

/** Records by CID. */
export class PackedRows {
  readonly #seed: number
  readonly #pages: Buffer[] = []
  /** Units of the last page that were given out. */
  #used = pageUnits
  readonly #freeCells = new Map<number, number[]>()
  /** Of each slot: where its cell begins, in units, and how many it has; 0 if it is free. */
  #cells = new Float64Array(1024)
  #sizes = new Uint16Array(1024)
  readonly #freeSlots: number[] = []
  #slots = 0
  /** Slots and 1, by the hash of their CID; 0 where there is none. */
  #table = new Uint32Array(2048)
  #count = 0

  /** @param seed - a whole number that is not known to those who choose CIDs */
  constructor(seed: number) {
    this.#seed = seed >>> 0
  }

  get count(): number {
    return this.#count
  }

  /** Slots are from 0 up to this number. */
  get slots(): number {
    return this.#slots
  }

  /** Bytes that all of it takes. */
  get bytes(): number {
    const pages = this.#pages.reduce((sum, page) => sum + page.length, 0)
    return pages + this.#cells.byteLength + this.#sizes.byteLength + this.#table.byteLength
  }

  /** The record of a CID: valid until the next change. */
  get(cid: Uint8Array): Uint8Array | undefined {
    const at = this.#find(cid)
    return this.#table[at] === 0 ? undefined : this.#recordIn(this.#table[at]! - 1)
  }

  /** The record of a slot, if it is taken: valid until the next change. */
  at(slot: number): Uint8Array | undefined {
    return this.#sizes[slot] === 0 ? undefined : this.#recordIn(slot)
  }

  /** Keeps a copy of a record, in the place of the one of the same CID. */
  set(record: Uint8Array): void {
    if (this.#count * 2 >= this.#table.length) this.#growTable()
    const units = Math.ceil(record.length / unit)
    const at = this.#find(cidIn(record, 0))
    let slot = this.#table[at]! - 1
    if (slot === -1) {
      slot = this.#freeSlots.pop() ?? this.#newSlot()
      this.#table[at] = slot + 1
      this.#count += 1
    } else if (this.#sizes[slot] !== units) {
      this.#freeCell(slot)
    }
    if (this.#sizes[slot] === 0) {
      this.#cells[slot] = this.#newCell(units)
      this.#sizes[slot] = units
    }
    this.#recordIn(slot).set(record)
  }

  delete(cid: Uint8Array): boolean {
    let hole = this.#find(cid)
    const slot = this.#table[hole]! - 1
    if (slot === -1) return false
    // What lies behind the hole, and could not be found any more, is moved into it.
    const mask = this.#table.length - 1
    for (let at = (hole + 1) & mask; this.#table[at] !== 0; at = (at + 1) & mask) {
      const home = this.#hash(this.#cidOf(this.#table[at]! - 1)) & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      this.#table[hole] = this.#table[at]!
      hole = at
    }
    this.#table[hole] = 0
    this.#freeCell(slot)
    this.#freeSlots.push(slot)
    this.#count -= 1
    return true
  }

  /** Where in the table a CID is, or would be. */
  #find(cid: Uint8Array): number {
    const mask = this.#table.length - 1
    for (let at = this.#hash(cid) & mask; ; at = (at + 1) & mask) {
      const slot = this.#table[at]! - 1
      if (slot === -1 || Buffer.compare(this.#cidOf(slot), cid) === 0) return at
    }
  }

  #cidOf(slot: number): Uint8Array {
    return cidIn(this.#recordIn(slot), 0)
  }

  #recordIn(slot: number): Uint8Array {
    const cell = this.#cells[slot]!
    const page = this.#pages[Math.floor(cell / pageUnits)]!
    const from = (cell % pageUnits) * unit
    return page.subarray(from, from + this.#sizes[slot]! * unit)
  }

  /** FNV-1a, from a start that nobody knows. */
  #hash(cid: Uint8Array): number {
    let hash = this.#seed
    for (let at = 0; at < cid.length; at += 1) hash = Math.imul(hash ^ cid[at]!, 16_777_619)
    return (hash ^ (hash >>> 15)) >>> 0
  }

  #newSlot(): number {
    if (this.#slots === this.#sizes.length) {
      const cells = new Float64Array(this.#slots * 2)
      cells.set(this.#cells)
      this.#cells = cells
      const sizes = new Uint16Array(this.#slots * 2)
      sizes.set(this.#sizes)
      this.#sizes = sizes
    }
    this.#slots += 1
    return this.#slots - 1
  }

  #newCell(units: number): number {
    const free = this.#freeCells.get(units)?.pop()
    if (free !== undefined) return free
    if (this.#used + units > pageUnits) {
      this.#pages.push(Buffer.alloc(pageUnits * unit))
      this.#used = 0
    }
    const cell = (this.#pages.length - 1) * pageUnits + this.#used
    this.#used += units
    return cell
  }

  #freeCell(slot: number): void {
    const units = this.#sizes[slot]!
    const free = this.#freeCells.get(units)
    if (free === undefined) this.#freeCells.set(units, [this.#cells[slot]!])
    else free.push(this.#cells[slot]!)
    this.#sizes[slot] = 0
  }

  #growTable(): void {
    const slots = this.#table.filter((one) => one !== 0)
    this.#table = new Uint32Array(this.#table.length * 2)
    const mask = this.#table.length - 1
    for (const slot of slots) {
      let at = this.#hash(this.#cidOf(slot - 1)) & mask
      while (this.#table[at] !== 0) at = (at + 1) & mask
      this.#table[at] = slot
    }
  }
}
