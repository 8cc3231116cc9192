/**
 * Keys and values by number, found by a hash table of typed arrays. A slot is resident, with key and value, or a ghost, of
 * which only the hash is left; both are in one table, so that becoming a ghost changes nothing in it. A `Map` costs two to
 * three times as much for a key that goes and one that comes, and twice the memory.
 */
import { hashSample, hashWhole } from './hash-key.ts'
import { grown } from './links.ts'

/** No slot. */
export const none = -1

/** A cell is a slot + 1 and the low bits of its hash; 0 is empty. */
const tagBits = 8
const tagMask = 2 ** tagBits - 1
/** So many slots have numbers in a cell, and two cells each. */
export const mostSlots = 2 ** 23

/** The slots of one cache. */
export class KeyTable<V> {
  /** Of each slot: `undefined` for ghosts and free ones. */
  keys: (string | undefined)[] = []
  values: (V | undefined)[] = []
  /** Resident slots. */
  size = 0
  #hashes = new Uint32Array(0)
  #cells = new Uint32Array(8)
  #mask = 7
  /** Slots that were given back. */
  readonly #free: number[] = []
  /** Slots that were ever in use. */
  #used = 0
  readonly seed: number
  #isWhole: boolean
  /** Pairs of different keys with equal hashes that were met, and the number of the `set` from which they are counted. */
  #collisions = 0
  #countedFrom = 0

  constructor(seed: number, isWhole: boolean) {
    this.seed = seed
    this.#isWhole = isWhole
  }

  /** Slots that there is room for. */
  get capacity(): number {
    return this.#hashes.length
  }

  /** Whether there is no room for another slot. */
  get isFull(): boolean {
    return this.#free.length === 0 && this.#used === this.#hashes.length
  }

  /** Whether hashes are of whole keys. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /**
   * Whether so many keys agree in what is hashed that all of them should be hashed whole: {@link hashWholly}.
   *
   * @param sets - how many values the cache has taken in so far
   */
  isCrowded(sets: number): boolean {
    return !this.#isWhole && this.#collisions > 64 + (this.size >>> 8) && this.#areDense(sets)
  }

  hash(key: string): number {
    return this.#isWhole ? hashWhole(key, this.seed) : hashSample(key, this.seed)
  }

  hashOf(slot: number): number {
    return this.#hashes[slot]!
  }

  /** The resident slot of a key, or {@link none}. */
  find(key: string, hash: number): number {
    const cells = this.#cells
    const mask = this.#mask
    const { keys } = this
    const tag = hash & tagMask
    for (let at = (hash >>> tagBits) & mask; ; at = (at + 1) & mask) {
      const cell = cells[at]!
      if (cell === 0) return none
      if ((cell & tagMask) !== tag) continue
      const slot = (cell >>> tagBits) - 1
      const other = keys[slot]
      // Of ghosts first: V8 compares strings alone faster.
      if (other !== undefined && other === key) return slot
    }
  }

  /** A ghost with this hash, or {@link none}; for a key that is not resident. */
  findGhost(hash: number): number {
    const cells = this.#cells
    const mask = this.#mask
    const tag = hash & tagMask
    for (let at = (hash >>> tagBits) & mask; ; at = (at + 1) & mask) {
      const cell = cells[at]!
      if (cell === 0) return none
      if ((cell & tagMask) !== tag) continue
      const slot = (cell >>> tagBits) - 1
      if (this.#hashes[slot] !== hash) continue
      if (this.keys[slot] === undefined) return slot
      this.#collisions += 1
    }
  }

  /** A new slot without a key. There has to be room. */
  add(hash: number): number {
    const slot = this.#free.length > 0 ? this.#free.pop()! : this.#used++
    this.#hashes[slot] = hash
    this.#place(slot, hash)
    return slot
  }

  /** A slot becomes resident. */
  fill(slot: number, key: string, value: V): void {
    this.keys[slot] = key
    this.values[slot] = value
    this.size += 1
  }

  /** A resident slot becomes a ghost. */
  empty(slot: number): void {
    this.keys[slot] = undefined
    this.values[slot] = undefined
    this.size -= 1
  }

  /** Gives a slot back that is not resident. */
  release(slot: number): void {
    const cells = this.#cells
    const mask = this.#mask
    let hole = (this.#hashes[slot]! >>> tagBits) & mask
    while (cells[hole]! >>> tagBits !== slot + 1) hole = (hole + 1) & mask
    // What comes behind moves up, so that no search ends too early.
    for (let at = (hole + 1) & mask; cells[at] !== 0; at = (at + 1) & mask) {
      const home = (this.#hashes[(cells[at]! >>> tagBits) - 1]! >>> tagBits) & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      cells[hole] = cells[at]!
      hole = at
    }
    cells[hole] = 0
    this.#free.push(slot)
  }

  /** The resident slots. */
  *resident(): Generator<number, void, undefined> {
    for (let slot = 0; slot < this.#used; slot += 1) if (this.keys[slot] !== undefined) yield slot
  }

  clear(): void {
    this.#cells.fill(0)
    this.keys.fill(undefined)
    this.values.fill(undefined)
    this.#free.length = 0
    this.#used = 0
    this.size = 0
  }

  /** Makes room for more slots. */
  grow(slots: number): void {
    this.keys = longer(this.keys, slots)
    this.values = longer(this.values, slots)
    this.#hashes = grown(this.#hashes, slots)
    const cells = 2 ** Math.ceil(Math.log2(Math.max(8, slots * 2)))
    if (cells === this.#cells.length) return
    const former = this.#cells
    this.#cells = new Uint32Array(cells)
    this.#mask = cells - 1
    for (const cell of former) {
      if (cell === 0) continue
      const slot = (cell >>> tagBits) - 1
      this.#place(slot, this.#hashes[slot]!)
    }
  }

  /** Hashes all keys whole from here on. There are no ghosts: their keys are gone. */
  hashWholly(): void {
    this.#isWhole = true
    this.#cells.fill(0)
    for (const slot of this.resident()) {
      const hash = hashWhole(this.keys[slot]!, this.seed)
      this.#hashes[slot] = hash
      this.#place(slot, hash)
    }
  }

  /**
   * Whether the collisions came close together. Chance alone makes two of 2^32 hashes equal now and then, which in a long life
   * adds up.
   */
  #areDense(sets: number): boolean {
    const isDense = sets - this.#countedFrom <= 65_536 + this.size
    this.#collisions = 0
    this.#countedFrom = sets
    return isDense
  }

  #place(slot: number, hash: number): void {
    const cells = this.#cells
    const mask = this.#mask
    let at = (hash >>> tagBits) & mask
    while (cells[at] !== 0) at = (at + 1) & mask
    cells[at] = (((slot + 1) << tagBits) | (hash & tagMask)) >>> 0
  }
}

/** A longer list of exactly so many elements: one that grows by itself takes half as many more. */
function longer<T>(list: readonly T[], length: number): (T | undefined)[] {
  const copy = new Array<T | undefined>(length).fill(undefined)
  for (let at = 0; at < list.length; at += 1) copy[at] = list[at]
  return copy
}
