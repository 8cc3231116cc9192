/**
 * Entries in memory, by tag: 1,024 sorted hash tables in typed arrays, 20 bytes a slot.
 *
 * The top 10 bits of a tag choose the shard, the next 22 its home slot, in proportion: so the order of slots is the order
 * of tags, and rows that come sorted are written from front to back. Within a shard this is linear probing that keeps
 * the order (Amble and Knuth, "Ordered hash tables", 1974): a miss ends at the first larger tag. Tags are keyed, hence
 * uniform. Nothing wraps around: behind the home slots there is a short tail, and its last slot is always free.
 *
 * | word of a slot | |
 * | --- | --- |
 * | 0, 1 | tag |
 * | 2 | bit 31: taken; bit 30: visited before by the running sweep; bits 23 to 29: flags; below: offset / 8 |
 * | 3 | bytes of the payload |
 * | 4 | bits 24 to 31: stamp; 22 and 23: mark; below: pack |
 */

/** Shards: each holds the tags with the same top 10 bits. */
export const tableShards = 1024

/** No slot. */
const none = -1

const slotWords = 5
/** Bits of a handle that name the slot. Above them: the shard. */
const slotBits = 20
const slotMask = (1 << slotBits) - 1
/** Bits of the tag that choose the home slot. */
const homeMask = 0x3f_ffff
const homeRange = 0x40_0000

const taken = 0x8000_0000
const visited = 0x4000_0000
const placeMask = 0x7f_ffff
const flagsMask = 0x7f
const packMask = 0x3f_ffff

/** A shard grows above this load, to `grownLoad`, and shrinks below `shrinkLoad`. */
const fullLoad = 0.85
const grownLoad = 0.68
const shrinkLoad = 0.2
/** Some shards get more entries than others. So many standard deviations more, and a shard that was reserved does not grow. */
const spread = 4
const leastHomes = 4
/** What the objects around the words of a shard take. */
const shardBytes = 200

const nothing = new Uint32Array(slotWords)

/** Handles of this table are below this. */
export const tableHandles = tableShards * 2 ** slotBits

/** Entries in memory. Handles are valid until the next `insert`, `remove` or `reserve`. See {@link Catalog} for the names. */
export type TagTable = InstanceType<typeof Table>

/** An empty table. */
export function createTagTable(): TagTable {
  return new Table()
}

class Table {
  #size = 0
  #words = 0
  /** Home slots that a shard gets at first. */
  #firstHomes = leastHomes
  /** Slots of each shard, the last of which is free. */
  readonly #shards: Uint32Array[] = Array<Uint32Array>(tableShards).fill(nothing)
  /** Home slots and entries of each shard. */
  readonly #homes = new Uint32Array(tableShards)
  readonly #sizes = new Uint32Array(tableShards)

  get size(): number {
    return this.#size
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#words * 4 + tableShards * (shardBytes + 16)
  }

  find(high: number, low: number): number {
    const shard = high >>> 22
    const words = this.#shards[shard]!
    let slot = Math.floor(((high & homeMask) * this.#homes[shard]!) / homeRange)
    for (let at = slot * slotWords; words[at + 2] !== 0; at += slotWords, slot++) {
      const other = words[at]!
      if (other < high) continue
      if (other > high) return none
      const otherLow = words[at + 1]!
      if (otherLow === low) return (shard << slotBits) | slot
      if (otherLow > low) return none
    }
    return none
  }

  findNext(handle: number, high: number, low: number): number {
    const words = this.#shards[handle >>> slotBits]!
    const at = ((handle & slotMask) + 1) * slotWords
    return words[at + 2] !== 0 && words[at] === high && words[at + 1] === low ? handle + 1 : none
  }

  high(handle: number): number {
    return this.#shards[handle >>> slotBits]![(handle & slotMask) * slotWords]!
  }

  low(handle: number): number {
    return this.#shards[handle >>> slotBits]![(handle & slotMask) * slotWords + 1]!
  }

  pack(handle: number): number {
    return this.#shards[handle >>> slotBits]![(handle & slotMask) * slotWords + 4]! & packMask
  }

  /** Offset / 8. */
  place(handle: number): number {
    return this.#shards[handle >>> slotBits]![(handle & slotMask) * slotWords + 2]! & placeMask
  }

  length(handle: number): number {
    return this.#shards[handle >>> slotBits]![(handle & slotMask) * slotWords + 3]!
  }

  flags(handle: number): number {
    return (this.#shards[handle >>> slotBits]![(handle & slotMask) * slotWords + 2]! >>> 23) & flagsMask
  }

  setFlags(handle: number, flags: number): void {
    const words = this.#shards[handle >>> slotBits]!
    const at = (handle & slotMask) * slotWords + 2
    words[at] = (words[at]! & ~(flagsMask << 23)) | ((flags & flagsMask) << 23)
  }

  mark(handle: number): number {
    return (this.#shards[handle >>> slotBits]![(handle & slotMask) * slotWords + 4]! >>> 22) & 3
  }

  setMark(handle: number, mark: number): void {
    const words = this.#shards[handle >>> slotBits]!
    const at = (handle & slotMask) * slotWords + 4
    words[at] = (words[at]! & ~(3 << 22)) | ((mark & 3) << 22)
  }

  stamp(handle: number): number {
    return this.#shards[handle >>> slotBits]![(handle & slotMask) * slotWords + 4]! >>> 24
  }

  setStamp(handle: number, stamp: number): void {
    const words = this.#shards[handle >>> slotBits]!
    const at = (handle & slotMask) * slotWords + 4
    words[at] = (words[at]! & 0xff_ffff) | (stamp << 24)
  }

  /** Whether the running sweep has visited it where it lay before. */
  visited(handle: number): boolean {
    return (this.#shards[handle >>> slotBits]![(handle & slotMask) * slotWords + 2]! & visited) !== 0
  }

  setVisited(handle: number, to: boolean): void {
    const words = this.#shards[handle >>> slotBits]!
    const at = (handle & slotMask) * slotWords + 2
    words[at] = to ? words[at]! | visited : words[at]! & ~visited
  }

  /** Adds an entry behind those with the same tag, and returns its handle. */
  insert(
    high: number,
    low: number,
    pack: number,
    place: number,
    length: number,
    mark: number,
    stamp: number,
  ): number {
    const shard = high >>> 22
    if (this.#sizes[shard]! >= this.#homes[shard]! * fullLoad) this.#grow(shard)
    let words = this.#shards[shard]!
    let slot = Math.floor(((high & homeMask) * this.#homes[shard]!) / homeRange)
    let at = slot * slotWords
    for (; words[at + 2] !== 0; at += slotWords, slot++) {
      const other = words[at]!
      if (other > high || (other === high && words[at + 1]! > low)) break
    }
    if (!insertAt(words, at)) {
      words = this.#lengthen(shard)
      insertAt(words, at)
    }
    words[at] = high
    words[at + 1] = low
    words[at + 2] = place | taken
    words[at + 3] = length
    words[at + 4] = pack | (mark << 22) | (stamp << 24)
    this.#sizes[shard]! += 1
    this.#size += 1
    return (shard << slotBits) | slot
  }

  /**
   * Adds those of the rows `[high, low, place, length]` of a pack from one to another that `admit` lets in, with mark and
   * stamp 0. Rows are sorted by tag. `present` is the first entry with the tag of the row, or {@link none}.
   */
  absorb(
    pack: number,
    numbers: Uint32Array,
    from: number,
    to: number,
    admit: (row: number, present: number) => boolean,
  ): void {
    for (let row = from; row < to;) {
      const shard = numbers[row * 4]! >>> 22
      if (this.#sizes[shard]! >= this.#homes[shard]! * fullLoad) this.#grow(shard)
      let words = this.#shards[shard]!
      const homes = this.#homes[shard]!
      const room = Math.ceil(homes * fullLoad)
      let size = this.#sizes[shard]!
      const before = size
      for (; row < to && size < room; row++) {
        const high = numbers[row * 4]!
        const low = numbers[row * 4 + 1]!
        if (high >>> 22 !== shard) break
        let slot = Math.floor(((high & homeMask) * homes) / homeRange)
        let at = slot * slotWords
        let present = none
        for (; words[at + 2] !== 0; at += slotWords, slot++) {
          const other = words[at]!
          if (other < high) continue
          if (other > high) break
          const otherLow = words[at + 1]!
          if (otherLow > low) break
          if (otherLow === low && present === none) present = (shard << slotBits) | slot
        }
        if (!admit(row, present)) continue
        if (!insertAt(words, at)) {
          words = this.#lengthen(shard)
          insertAt(words, at)
        }
        words[at] = high
        words[at + 1] = low
        words[at + 2] = (numbers[row * 4 + 2]! & placeMask) | taken
        words[at + 3] = numbers[row * 4 + 3]!
        words[at + 4] = pack
        size += 1
      }
      this.#sizes[shard] = size
      this.#size += size - before
    }
  }

  /** The entry has moved: other place, no flags. */
  move(handle: number, pack: number, place: number, length: number): void {
    const words = this.#shards[handle >>> slotBits]!
    const at = (handle & slotMask) * slotWords
    words[at + 2] = (words[at + 2]! & visited) | place | taken
    words[at + 3] = length
    words[at + 4] = (words[at + 4]! & ~packMask) | pack
  }

  remove(handle: number): void {
    const shard = handle >>> slotBits
    const words = this.#shards[shard]!
    const homes = this.#homes[shard]!
    let slot = handle & slotMask
    let at = slot * slotWords
    for (;;) {
      const next = at + slotWords
      if (words[next + 2] === 0) break
      if (Math.floor(((words[next]! & homeMask) * homes) / homeRange) === ++slot) break
      for (let to = at; to < next; to++) words[to] = words[to + slotWords]!
      at = next
    }
    words.fill(0, at, at + slotWords)
    this.#size -= 1
    const size = --this.#sizes[shard]!
    if (homes > leastHomes && size < homes * shrinkLoad) this.#rehash(shard, size / grownLoad)
  }

  /**
   * An empty table is going to hold so many entries: each shard takes memory for its share, if their tags are spread evenly,
   * when the first of these comes.
   */
  reserve(entries: number): void {
    const mean = entries / tableShards
    this.#firstHomes = (mean + spread * Math.sqrt(mean)) / fullLoad
  }

  /** The first entry of a shard, or {@link none}. */
  first(shard: number): number {
    return this.seek((shard << 22) >>> 0, 0)
  }

  /** The first entry whose tag is at least this one, in the same shard; or {@link none}. */
  seek(high: number, low: number): number {
    const shard = high >>> 22
    const words = this.#shards[shard]!
    let slot = Math.floor(((high & homeMask) * this.#homes[shard]!) / homeRange)
    for (let at = slot * slotWords; at < words.length; at += slotWords, slot++) {
      if (words[at + 2] === 0) continue
      if (words[at]! > high || (words[at] === high && words[at + 1]! >= low))
        return (shard << slotBits) | slot
    }
    return none
  }

  /** The next entry of the same shard, or {@link none}. */
  next(handle: number): number {
    const words = this.#shards[handle >>> slotBits]!
    for (let at = ((handle & slotMask) + 1) * slotWords; at < words.length; at += slotWords) {
      handle += 1
      if (words[at + 2] !== 0) return handle
    }
    return none
  }

  #grow(shard: number): void {
    if (this.#homes[shard]! > slotMask * grownLoad)
      throw new RangeError('the index has no room for more entries')
    const homes = (this.#sizes[shard]! + 1) / grownLoad
    this.#rehash(shard, this.#homes[shard] === 0 ? Math.max(homes, this.#firstHomes) : homes)
  }

  /** Moves a shard to another number of home slots. Both are in the order of tags: one pass. */
  #rehash(shard: number, wanted: number): void {
    const homes = Math.max(leastHomes, Math.ceil(wanted))
    const from = this.#shards[shard]!
    let words = new Uint32Array((homes + tailSlots(homes)) * slotWords)
    let free = 0
    for (let at = 0; at < from.length; at += slotWords) {
      if (from[at + 2] === 0) continue
      const home = Math.floor(((from[at]! & homeMask) * homes) / homeRange) * slotWords
      if (home > free) free = home
      if (free + 2 * slotWords > words.length) words = lengthened(words)
      for (let word = 0; word < slotWords; word++) words[free + word] = from[at + word]!
      free += slotWords
    }
    this.#homes[shard] = homes
    this.#replace(shard, words)
  }

  #lengthen(shard: number): Uint32Array {
    const words = lengthened(this.#shards[shard]!)
    this.#replace(shard, words)
    return words
  }

  #replace(shard: number, words: Uint32Array): void {
    const from = this.#shards[shard]!
    this.#words += words.length - (from === nothing ? 0 : from.length)
    this.#shards[shard] = words
  }
}

/** Moves the entries from a slot to the next free one up by a slot. False if that would take the last slot. */
function insertAt(words: Uint32Array, at: number): boolean {
  let free = at
  while (words[free + 2] !== 0) free += slotWords
  if (free + slotWords === words.length) return false
  for (let to = free + slotWords - 1; to >= at + slotWords; to--) words[to] = words[to - slotWords]!
  return true
}

/** Slots behind the home slots. */
function tailSlots(homes: number): number {
  return 4 + (homes >>> 6)
}

/** The same slots with a longer tail, for many entries whose tags are close together. */
function lengthened(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer>
function lengthened(words: Uint32Array): Uint32Array
function lengthened(words: Uint32Array): Uint32Array {
  const slots = words.length / slotWords
  if (slots > slotMask) throw new RangeError('the index has no room for more entries')
  const longer = new Uint32Array(Math.min(slotMask + 1, slots + 4 + (slots >>> 3)) * slotWords)
  longer.set(words)
  return longer
}
