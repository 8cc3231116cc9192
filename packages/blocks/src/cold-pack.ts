/**
 * What stays in memory of a sealed pack that is answered from its footer, about 2.4 bytes a row: where the rows of each
 * range of tags begin, 16 bits of every row's tag, which rows are alive, and marks, stamps and flags once there are any.
 *
 * Rows are sorted by tag, so a tag leads to about 16 rows by proportion, and among these its 16 bits lead to the row
 * itself, or in one of 4,000 questions to a row that has another tag. What is read of a footer is then one row.
 */
import type { ReadRows } from './catalog.ts'
import type { PackRows } from './footer.ts'

const rowsOfRange = 16
const rowWords = 4

/** What the objects around the arrays take. */
const fixedBytes = 600

/** A pack that is answered from its footer. All its rows are dead at first. */
export type ColdPack = InstanceType<typeof SealedRows>

/** `pack` is its place in the store's table; `serial` never comes again in this process. */
export function createColdPack(pack: number, serial: number, rows: PackRows, readRows: ReadRows): ColdPack {
  return new SealedRows(pack, serial, rows, readRows)
}

class SealedRows {
  readonly pack: number
  readonly serial: number
  readonly count: number
  readonly readRows: ReadRows
  /** Rows below this were visited by the running sweep. */
  swept: number
  #alive = 0
  /** The first row of each range of tags, and their number. */
  readonly #starts: Uint32Array
  readonly #prints: Uint16Array
  readonly #aliveBits: Uint32Array
  /** Low two bits: mark. Above: flags. */
  #marks: Uint8Array | undefined
  #stamps: Uint8Array | undefined

  constructor(pack: number, serial: number, rows: PackRows, readRows: ReadRows) {
    const { count, numbers } = rows
    this.pack = pack
    this.serial = serial
    this.count = count
    this.readRows = readRows
    this.swept = count
    const ranges = Math.max(1, Math.ceil(count / rowsOfRange))
    this.#starts = new Uint32Array(ranges + 1)
    this.#prints = new Uint16Array(count)
    this.#aliveBits = new Uint32Array((count + 31) >>> 5)
    let range = 0
    for (let row = 0; row < count; row++) {
      const own = Math.floor((numbers[row * rowWords]! * ranges) / 0x1_0000_0000)
      while (range < own) this.#starts[++range] = row
      this.#prints[row] = numbers[row * rowWords + 1]!
    }
    while (range < ranges) this.#starts[++range] = count
  }

  /** Rows that are alive. */
  get alive(): number {
    return this.#alive
  }

  get bytes(): number {
    const { byteLength } = this.#starts
    const lazy = (this.#marks?.length ?? 0) + (this.#stamps?.length ?? 0)
    return fixedBytes + byteLength + this.#prints.byteLength + this.#aliveBits.byteLength + lazy
  }

  /** The first row at or behind `from` that is alive and may have this tag, or -1. */
  candidate(high: number, low: number, from: number): number {
    const starts = this.#starts
    const prints = this.#prints
    const print = low & 0xffff
    const range = Math.floor((high * (starts.length - 1)) / 0x1_0000_0000)
    const end = starts[range + 1]!
    for (let row = Math.max(from, starts[range]!); row < end; row++) {
      if (prints[row] === print && this.isAlive(row)) return row
    }
    return -1
  }

  isAlive(row: number): boolean {
    return (this.#aliveBits[row >>> 5]! & (1 << (row & 31))) !== 0
  }

  /** The first row at or behind `from` that is alive, or `count`. */
  nextAlive(from: number): number {
    let row = from
    while (row < this.count && !this.isAlive(row))
      row += (row & 31) === 0 && this.#aliveBits[row >>> 5] === 0 ? 32 : 1
    return Math.min(row, this.count)
  }

  revive(row: number, mark: number, stamp: number, flags: number): void {
    this.#aliveBits[row >>> 5]! |= 1 << (row & 31)
    this.#alive += 1
    this.setMark(row, mark)
    this.setStamp(row, stamp)
    this.setFlags(row, flags)
  }

  kill(row: number): void {
    this.#aliveBits[row >>> 5]! &= ~(1 << (row & 31))
    this.#alive -= 1
  }

  mark(row: number): number {
    return this.#marks === undefined ? 0 : this.#marks[row]! & 3
  }

  setMark(row: number, mark: number): void {
    if (this.#marks === undefined && mark === 0) return
    this.#marks ??= new Uint8Array(this.count)
    this.#marks[row] = (this.#marks[row]! & ~3) | (mark & 3)
  }

  flags(row: number): number {
    return this.#marks === undefined ? 0 : this.#marks[row]! >>> 2
  }

  setFlags(row: number, flags: number): void {
    if (this.#marks === undefined && flags === 0) return
    this.#marks ??= new Uint8Array(this.count)
    this.#marks[row] = (this.#marks[row]! & 3) | (flags << 2)
  }

  stamp(row: number): number {
    return this.#stamps === undefined ? 0 : this.#stamps[row]!
  }

  setStamp(row: number, stamp: number): void {
    if (this.#stamps === undefined && stamp === 0) return
    this.#stamps ??= new Uint8Array(this.count)
    this.#stamps[row] = stamp
  }
}
