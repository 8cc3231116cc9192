/**
 * Where every readable entry lies: the index in memory, and beyond its limit the footers of sealed packs. An entry is
 * known here by its tag, 64 bits of a hash that is keyed per store; whoever needs to be sure compares keys in the frame.
 */
import type { PackRows } from './footer.ts'

/** No entry. */
export const none = -1

/** Flags of an entry. */
export const entryFlags = {
  /** Its frame did not hold what it should: a miss until it is put anew. */
  damaged: 1,
  /** Read since it was written: cache packs readmit it when they are dropped. */
  read: 2,
  /** A walk of what is retained has reached it in a cache pack: it moves to a kept one when that is dropped. */
  retained: 4,
} as const

/**
 * A number that names an entry: valid until the next `insert`, `remove`, `absorb` or slice of `chill`, so never across an
 * await. Entries of packs that are answered from their footers have handles too; theirs stay valid, and once the entry
 * is gone they read as 0 and changes through them do nothing.
 */
export type Handle = number

/** Reads rows of a pack's footer: exactly `count` of them, or it rejects. */
export type ReadRows = (from: number, count: number) => Promise<PackRows>

/** A tag, and where an entry with it leads. */
export interface IndexedEntry {
  readonly high: number
  readonly low: number
  readonly offset: number
  /** Bytes of the payload. */
  readonly length: number
}

/** The entries. Tags are pairs of unsigned 32-bit numbers. `pack` is the place of a pack in the store's table, below 2^22. */
export interface Catalog {
  /** Entries in all, those in memory, and bytes of memory that all of it takes. */
  readonly entries: number
  readonly indexed: number
  readonly bytes: number

  /** The first entry with a tag, or {@link none}. Looks in memory only: ask {@link findCold} as well when `hasCold`. */
  find(high: number, low: number): Handle
  /** The next entry with the same tag as this one, or {@link none}. */
  findNext(handle: Handle, high: number, low: number): Handle
  /** Whether some packs are answered from their footers. */
  readonly hasCold: boolean
  /**
   * Entries with a tag in packs that are answered from their footers, newest pack first. Dead ones are left out. Read
   * `offset` and `length` at once: of these handles they are remembered for the latest 4,096. If nothing is found, ask
   * {@link find} again: the entry may have moved into memory meanwhile.
   */
  findCold(high: number, low: number): Promise<readonly Handle[]>
  /** The entry of exactly this frame, or {@link none}: tells whether a frame is what its key leads to. Promise only for a cold pack. */
  locate(high: number, low: number, pack: number, offset: number): Handle | Promise<Handle>

  /**
   * Whether a handle names an entry: false for {@link none}, and for one of a pack that is answered from its footer once its
   * entry is gone. To be asked in the turn in which such a handle is used.
   */
  has(handle: Handle): boolean
  pack(handle: Handle): number
  /** Byte of the file at which the frame begins: a multiple of 8 below 64 MiB. */
  offset(handle: Handle): number
  /** Bytes of the payload. */
  length(handle: Handle): number
  flags(handle: Handle): number
  setFlags(handle: Handle, flags: number): void
  /** 0 to 3; see mark. */
  mark(handle: Handle): number
  setMark(handle: Handle, mark: number): void
  /** 0 to 255; see lease. */
  stamp(handle: Handle): number
  setStamp(handle: Handle, stamp: number): void

  insert(entry: {
    readonly high: number
    readonly low: number
    readonly pack: number
    readonly offset: number
    readonly length: number
    readonly mark: number
    readonly stamp: number
  }): void
  /**
   * The entry has moved: same tag, mark and stamp, other place; its flags are cleared. False, and nothing is done, if it
   * was removed or moved before, which can only be with an entry that {@link findCold} found.
   */
  move(handle: Handle, high: number, low: number, pack: number, offset: number, length: number): boolean
  remove(handle: Handle): void

  /**
   * Before the first `absorb`: memory is taken for so many entries in all (at most `maxIndexedEntries`), each part of it
   * when the first entry comes there, instead of growing towards it.
   */
  reserve(entries: number): void
  /**
   * At opening, from the newest pack to the oldest: adds the rows of a sealed pack that `admit` lets in, in slices.
   * `present` is the first entry in memory with the tag of the row, or {@link none}. Without `readRows` these may be the
   * rows of a range of tags, each range from the newest pack to the oldest. With it they are all rows, and a pack that
   * would pass `maxIndexedEntries`, and every pack after such a one, is answered from its footer. `present` may then be
   * an entry of such a pack, of which only a part of the tag was compared: it means that there may be one.
   */
  absorb(
    pack: number,
    rows: PackRows,
    admit: (row: number, present: Handle) => boolean,
    readRows?: ReadRows,
  ): Promise<void>
  /**
   * Takes the entries of a sealed pack out of memory, in slices: from now on it is answered from its footer. Every entry
   * is found at any moment, in memory or by `findCold`. Cancelled, it leaves a part in memory; call it again.
   */
  chill(pack: number, rows: PackRows, readRows: ReadRows): Promise<void>
  /** Whether a pack is answered from its footer, or is about to be. */
  isCold(pack: number): boolean
  /** The entries in memory that lead to a pack, for when its footer cannot be read: a look at all. The pack gets none meanwhile. */
  indexedOf(pack: number): AsyncGenerator<IndexedEntry, void, undefined>
  /** Forgets a pack that was answered from its footer. Its entries in memory are the caller's to remove. */
  drop(pack: number): void

  /**
   * Calls `visit` for every entry, in slices: each `next()` of the iterator does a bounded part (about a millisecond).
   * `visit` may set marks, stamps and flags, and nothing else. Entries that are inserted meanwhile may or may not be
   * visited; entries that stay, wherever they move, are visited exactly once. Awaits only reads of footers: check in with
   * the scheduler between slices. One at a time: the next sweep that begins ends the one before, whose `next()` rejects.
   */
  sweep(visit: (handle: Handle, high: number, low: number) => void): AsyncGenerator<void, void, undefined>
}
