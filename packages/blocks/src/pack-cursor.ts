/** Reads the entries of one pack, a range of tags at a time and in rising order, without their payloads. */
import { checkpoint } from '@ipfs-kit/concurrency'
import { BlocksError } from './errors.ts'
import { type Footer, readRows } from './footer.ts'
import { checkKeys, readKeysFrom } from './footer-keys.ts'
import { type FrameKind, frameKinds } from './frame.ts'
import { readKey } from './frame-reader.ts'
import type { Pack } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import type { PackTable } from './pack-table.ts'
import { placeKind, placeOffset } from './place.ts'

/** Rows that are read from a footer at once. */
const rowsAtOnce = 4096

/** Tags whose upper half is at least `from` and below `to`. */
export interface TagRange {
  readonly from: number
  readonly to: number
}

/** A frame that holds a value. */
export interface CursorRow {
  readonly high: number
  readonly low: number
  readonly offset: number
  readonly payloadBytes: number
  readonly kind: FrameKind
  /** `undefined` if the footer's keys are damaged: ask the frame. */
  readonly key: Buffer | undefined
}

/** Where the reading of a pack is. Takes a few numbers of memory between two ranges. */
export class PackCursor {
  readonly #folder: PackFolder
  readonly #pack: Pack
  #row = 0
  #keysEnd = 0
  /** Whether the keys of the footer are those that were written; looked at once. */
  #keysFit: boolean | undefined

  constructor(folder: PackFolder, pack: Pack) {
    this.#folder = folder
    this.#pack = pack
  }

  /**
   * The values in a range, in no order. Each call has a higher range than the one before; what lies below it and was not
   * read is passed over. Nothing of a pack that was removed. Read it to its end: until then the file of the pack stays.
   *
   * @throws BlocksError BLOCKS_IO; DiskError
   */
  async *rows(range: TagRange): AsyncGenerator<CursorRow, void, undefined> {
    const { table, footer } = this.#pack
    if (table !== undefined) {
      yield* rowsOfTable(table, range)
      return
    }
    this.#pack.acquire()
    try {
      if (this.#pack.state !== 'gone' && footer !== undefined) yield* this.#rowsOfFooter(footer, range)
    } finally {
      this.#pack.release()
    }
  }

  /** The key of a row that came without one; `undefined` if its frame is damaged as well. */
  async keyOf(row: CursorRow): Promise<Buffer | undefined> {
    return row.key ?? (await readKey(this.#folder, this.#pack, row.offset))?.key
  }

  async *#rowsOfFooter(footer: Footer, range: TagRange): AsyncGenerator<CursorRow, void, undefined> {
    const file = await this.#folder.file(this.#pack)
    this.#keysFit ??= await checkKeys(file, footer)
    for (let last = -1; this.#row < footer.count;) {
      const { count, numbers } = await readRows(
        file,
        footer,
        this.#row,
        Math.min(rowsAtOnce, footer.count - this.#row),
      )
      let within = 0
      for (; within < count && numbers[within * 4]! < range.to; within++) {
        if (numbers[within * 4]! < last) throw unsorted(this.#pack)
        last = numbers[within * 4]!
      }
      const keys = this.#keysFit ? await readKeysFrom(file, footer, this.#keysEnd, within) : undefined
      this.#row += within
      this.#keysEnd = keys?.end ?? 0
      for (let row = 0; row < within; row++) {
        const at = row * 4
        const kind = placeKind(numbers[at + 2]!)
        if (numbers[at]! < range.from || isDeletion(kind)) continue
        yield {
          high: numbers[at]!,
          low: numbers[at + 1]!,
          offset: placeOffset(numbers[at + 2]!),
          payloadBytes: numbers[at + 3]!,
          kind,
          key: keys?.keys[row],
        }
      }
      if (within < count) return
    }
  }
}

/** Values of a pack that has no footer yet; what is appended meanwhile comes along. */
async function* rowsOfTable(
  table: PackTable,
  { from, to }: TagRange,
): AsyncGenerator<CursorRow, void, undefined> {
  for (let index = 0; index < table.count; index++) {
    if (index % 16_384 === 16_383) await checkpoint()
    if (index >= table.count) return
    const high = table.highAt(index)
    if (high < from || high >= to) continue
    const row = table.at(index)
    if (!isDeletion(row.kind)) yield row
  }
}

function isDeletion(kind: FrameKind): boolean {
  return kind === frameKinds.goneBlock || kind === frameKinds.goneRecord
}

function unsorted(pack: Pack): BlocksError {
  return new BlocksError('BLOCKS_IO', `The rows in the footer of ${pack.path} are damaged`)
}
