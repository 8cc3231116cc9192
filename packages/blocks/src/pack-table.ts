/** What is gathered of a pack while it is written or scanned: a row and a key for each frame, in the order of the frames. */
import { checkpoint } from '@ipfs-kit/concurrency'
import type { PackRows } from './footer.ts'
import { type FrameKind, maxKeyBytes } from './frame.ts'
import { placeOf, placeKind, placeOffset } from './place.ts'
import { sortRows } from './sort-rows.ts'

/** Memory grows by chunks, so that no growing copies what is there. A key lies in one chunk. */
const chunkRowBits = 9
const chunkRows = 2 ** chunkRowBits
const chunkKeyBits = 15
const chunkKeyBytes = 2 ** chunkKeyBits
/** Numbers of a row: tag high, tag low, place, payload bytes, position of the key. */
const rowNumbers = 5

/** A frame in the table. */
export interface TableEntry {
  readonly high: number
  readonly low: number
  readonly offset: number
  readonly payloadBytes: number
  readonly kind: FrameKind
  /** A view: valid until the table is cut. */
  readonly key: Buffer
}

/** Rows and keys; 20 bytes and two more than its key for each frame. */
export class PackTable {
  readonly #rows: Uint32Array[] = []
  readonly #keys: Buffer[] = []
  #count = 0
  /** Chunk times its size, plus the position within. */
  #keysEnd = 0
  #keyBytes = 0

  get count(): number {
    return this.#count
  }

  /** Bytes of all keys with their lengths, as in a footer. */
  get keyBytes(): number {
    return this.#keyBytes
  }

  /**
   * Adds a frame behind the others.
   *
   * @throws RangeError if its offset is not a multiple of 8 below 64 MiB and above the last one, or its key is too long
   */
  add(
    high: number,
    low: number,
    offset: number,
    payloadBytes: number,
    kind: FrameKind,
    key: Uint8Array,
  ): void {
    const place = placeOf(offset, kind)
    if (key.length > maxKeyBytes)
      throw new RangeError(`A key has at most ${maxKeyBytes} bytes, not ${key.length}`)
    if (this.#count > 0 && offset <= this.#offset(this.#count - 1)) {
      throw new RangeError(`A frame at ${offset} does not follow the one at ${this.#offset(this.#count - 1)}`)
    }
    const keyAt = this.#addKey(key)
    const slot = this.#count & (chunkRows - 1)
    if (slot === 0) this.#rows.push(new Uint32Array(chunkRows * rowNumbers))
    const chunk = this.#rows.at(-1)!
    const at = slot * rowNumbers
    chunk[at] = high
    chunk[at + 1] = low
    chunk[at + 2] = place
    chunk[at + 3] = payloadBytes
    chunk[at + 4] = keyAt
    this.#count += 1
  }

  /**
   * Forgets the frames from the `count`-th on.
   *
   * @throws RangeError if there are fewer
   */
  truncate(count: number): void {
    if (!Number.isInteger(count) || count < 0 || count > this.#count) {
      throw new RangeError(`A table of ${this.#count} frames cannot be cut to ${count}`)
    }
    for (let index = count; index < this.#count; index++) this.#keyBytes -= 2 + this.keyAt(index).length
    if (count < this.#count) this.#keysEnd = this.#number(count, 4)
    this.#count = count
    this.#rows.length = Math.ceil(count / chunkRows)
    this.#keys.length = Math.ceil(this.#keysEnd / chunkKeyBytes)
  }

  /** The key of the `index`-th frame: a view, valid until the table is cut. */
  keyAt(index: number): Buffer {
    const at = this.#number(index, 4)
    const chunk = this.#keys[at >>> chunkKeyBits]!
    const start = (at & (chunkKeyBytes - 1)) + 2
    return chunk.subarray(start, start + chunk.readUInt16LE(start - 2))
  }

  /** The upper half of the tag of the `index`-th frame: to pass over many frames quickly. */
  highAt(index: number): number {
    return this.#number(index, 0)
  }

  at(index: number): TableEntry {
    if (!(index < this.#count))
      throw new RangeError(`There are ${this.#count} frames, and none with index ${index}`)
    const place = this.#number(index, 2)
    return {
      high: this.#number(index, 0),
      low: this.#number(index, 1),
      offset: placeOffset(place),
      payloadBytes: this.#number(index, 3),
      kind: placeKind(place),
      key: this.keyAt(index),
    }
  }

  /** The frames in their order. */
  *[Symbol.iterator](): Generator<TableEntry, void, undefined> {
    for (let index = 0; index < this.#count; index++) yield this.at(index)
  }

  /** A sorted copy of the rows. Works in slices of about a millisecond; the table must not change meanwhile. */
  async rows(): Promise<PackRows> {
    const { rows } = await this.#sorted()
    return rows
  }

  /**
   * The sorted rows, and the keys in the same order, each behind its length (two bytes). Works in slices of about a
   * millisecond; the table must not change meanwhile.
   */
  async rowsAndKeys(): Promise<{ readonly rows: PackRows; readonly keys: Buffer }> {
    const { rows, order } = await this.#sorted()
    const keys = Buffer.allocUnsafeSlow(this.#keyBytes)
    let end = 0
    for (let row = 0; row < order.length; row++) {
      if (row % 2048 === 2047) await checkpoint()
      end = this.#copyKey(order[row]!, keys, end)
    }
    return { rows, keys }
  }

  async #sorted(): Promise<{ readonly rows: PackRows; readonly order: Uint32Array }> {
    const count = this.#count
    let numbers = new Uint32Array(count * 4)
    for (let index = 0; index < count; index++) {
      if (index % 65_536 === 65_535) await checkpoint()
      const chunk = this.#rows[index >>> chunkRowBits]!
      const from = (index & (chunkRows - 1)) * rowNumbers
      const to = index * 4
      numbers[to] = chunk[from]!
      numbers[to + 1] = chunk[from + 1]!
      numbers[to + 2] = index
      numbers[to + 3] = chunk[from + 3]!
    }
    numbers = await sortRows(numbers)
    const order = new Uint32Array(count)
    for (let row = 0; row < count; row++) {
      if (row % 65_536 === 65_535) await checkpoint()
      const index = numbers[row * 4 + 2]!
      order[row] = index
      numbers[row * 4 + 2] = this.#number(index, 2)
    }
    return { rows: { count, numbers }, order }
  }

  #number(index: number, field: number): number {
    return this.#rows[index >>> chunkRowBits]![(index & (chunkRows - 1)) * rowNumbers + field]!
  }

  #offset(index: number): number {
    return placeOffset(this.#number(index, 2))
  }

  #addKey(key: Uint8Array): number {
    let at = this.#keysEnd
    const left = this.#keys.length * chunkKeyBytes - at
    if (left < 2 + key.length) {
      at = this.#keys.length * chunkKeyBytes
      this.#keys.push(Buffer.allocUnsafeSlow(chunkKeyBytes))
    }
    const chunk = this.#keys.at(-1)!
    chunk.writeUInt16LE(key.length, at & (chunkKeyBytes - 1))
    chunk.set(key, (at & (chunkKeyBytes - 1)) + 2)
    this.#keysEnd = at + 2 + key.length
    this.#keyBytes += 2 + key.length
    return at
  }

  /** Copies length and key byte by byte: for the usual 34 bytes that is faster than making a view for `set`. */
  #copyKey(index: number, into: Buffer, end: number): number {
    const at = this.#number(index, 4)
    const chunk = this.#keys[at >>> chunkKeyBits]!
    const start = at & (chunkKeyBytes - 1)
    const bytes = 2 + chunk[start]! + chunk[start + 1]! * 256
    if (bytes > 256) into.set(chunk.subarray(start, start + bytes), end)
    else for (let byte = 0; byte < bytes; byte++) into[end + byte] = chunk[start + byte]!
    return end + bytes
  }
}
