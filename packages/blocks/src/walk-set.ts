/**
 * A set of 64-bit tags, for what a walk has visited. 64 tables with open addressing, chosen by the tag's highest bits,
 * made when they are needed and doubled one at a time, so that no addition waits for all to move: at ten million tags a
 * doubling moves 200,000, about 2 ms. A table is at most 3/4 full: 11 to 21 bytes a tag. Tags must be spread evenly, as
 * keyed hashes are: two of n blocks share one with a probability of n² / 2^65, 3 in 10^10 for 100,000 of them.
 */

/** Visited tags, as pairs of unsigned 32-bit numbers. */
export interface WalkSet {
  readonly size: number
  /** Bytes of memory that its tables take. */
  readonly bytes: number
  /** Adds a tag. False if it was there. */
  add(high: number, low: number): boolean
  has(high: number, low: number): boolean
}

/** An empty set. */
export function createWalkSet(): WalkSet {
  return new TagTables()
}

/** Tables are chosen by this many bits. */
const tableBits = 6
const firstSlots = 8

/** Tags in pairs `[high, low]`; a free slot is `[0, 0]`, so the tag 0 is kept apart. */
interface Table {
  slots: Uint32Array
  /** Number of slots, less one. */
  mask: number
  used: number
}

class TagTables implements WalkSet {
  size = 0
  bytes = 0
  readonly #tables: (Table | undefined)[] = Array.from({ length: 1 << tableBits })
  #hasZero = false

  add(high: number, low: number): boolean {
    if (high === 0 && low === 0) {
      if (this.#hasZero) return false
      this.#hasZero = true
      this.size += 1
      return true
    }
    const table = (this.#tables[high >>> (32 - tableBits)] ??= this.#newTable())
    if (!place(table.slots, table.mask, high, low)) return false
    table.used += 1
    this.size += 1
    if (table.used * 4 > (table.mask + 1) * 3) this.#double(table)
    return true
  }

  has(high: number, low: number): boolean {
    if (high === 0 && low === 0) return this.#hasZero
    const table = this.#tables[high >>> (32 - tableBits)]
    if (table === undefined) return false
    const at = slotOf(table.slots, table.mask, high, low)
    return table.slots[at] !== 0 || table.slots[at + 1] !== 0
  }

  #newTable(): Table {
    const slots = new Uint32Array(firstSlots * 2)
    this.bytes += slots.byteLength
    return { slots, mask: firstSlots - 1, used: 0 }
  }

  #double(table: Table): void {
    const old = table.slots
    const slots = new Uint32Array(old.length * 2)
    const mask = table.mask * 2 + 1
    for (let at = 0; at < old.length; at += 2) {
      const high = old[at]!
      const low = old[at + 1]!
      if (high !== 0 || low !== 0) place(slots, mask, high, low)
    }
    this.bytes += slots.byteLength - old.byteLength
    table.slots = slots
    table.mask = mask
  }
}

/** Writes a tag into its slot. False if it was there. */
function place(slots: Uint32Array, mask: number, high: number, low: number): boolean {
  const at = slotOf(slots, mask, high, low)
  if (slots[at] !== 0 || slots[at + 1] !== 0) return false
  slots[at] = high
  slots[at + 1] = low
  return true
}

/** Where a tag is, or the free slot where it belongs. */
function slotOf(slots: Uint32Array, mask: number, high: number, low: number): number {
  let slot = low & mask
  for (;;) {
    const at = slot * 2
    const there = slots[at]!
    const thereLow = slots[at + 1]!
    if ((there === high && thereLow === low) || (there === 0 && thereLow === 0)) return at
    slot = (slot + 1) & mask
  }
}
