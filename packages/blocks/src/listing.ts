/**
 * Lists what can be read, each entry once, though entries move to other packs meanwhile.
 *
 * It goes through the tags in ranges, since a tag is the one thing of an entry that never changes. For each range all
 * packs are read, in an order in which entries only ever move forward: cache packs before kept ones, and older before
 * newer. So an entry that is there is met at least once, wherever it moves; and those that are met twice are in memory
 * together, where that shows. Memory is that of one range, some 65,536 entries, whatever the size of the store.
 */
import type { CallOptions, Stream } from './blocks.ts'
import { entryFlags, none } from './catalog.ts'
import { diskFailure } from './disk-failure.ts'
import type { Pack } from './pack.ts'
import { PackCursor, type TagRange } from './pack-cursor.ts'
import { Pace } from './pace.ts'
import type { Store, ValueKind } from './store.ts'

/** Frames of a range, about. */
const framesOfRange = 65_536
const maxRanges = 2 ** 20
const sliceMs = 4
/** Rows between two looks at the clock. */
const rowsOfLook = 64

/** An entry without its value. */
export interface ListedEntry {
  readonly kind: ValueKind
  readonly key: Uint8Array
  /** Bytes of the value. */
  readonly size: number
  readonly stream: Stream
}

/**
 * All blocks and records that can be read, in no order, each once. What is put or deleted meanwhile may or may not appear.
 *
 * @throws BlocksError BLOCKS_CLOSED, BLOCKS_IO; the reason of the signal
 */
export async function* listEntries(
  store: Store,
  options?: CallOptions,
): AsyncGenerator<ListedEntry, void, undefined> {
  const cursors = new Map<Pack, PackCursor>()
  const pace = new Pace(sliceMs)
  for (const range of tagRanges(store)) {
    store.check(options)
    for (const pack of cursors.keys()) if (pack.state === 'gone') cursors.delete(pack)
    for (const entry of await entriesOf(store, range, cursors, options)) {
      store.check(options)
      // Whoever takes them may never wait for anything.
      if (pace.isDue) await pace.turn()
      yield entry
    }
  }
}

/** Ranges that make up all tags: tags are a keyed hash, so equal ranges have about equally many. */
function* tagRanges(store: Store): Generator<TagRange, void, undefined> {
  let frames = 0
  for (const pack of store.parts.packs) frames += pack?.table?.count ?? pack?.footer?.count ?? 0
  let ranges = 1
  while (ranges < maxRanges && frames / ranges > framesOfRange) ranges *= 2
  const width = 2 ** 32 / ranges
  for (let range = 0; range < ranges; range++) yield { from: range * width, to: (range + 1) * width }
}

/** The entries whose tags are in a range. */
async function entriesOf(
  store: Store,
  range: TagRange,
  cursors: Map<Pack, PackCursor>,
  options: CallOptions | undefined,
): Promise<Iterable<ListedEntry>> {
  const { catalog, folder, packs } = store.parts
  const found = new Map<string, ListedEntry>()
  const pace = new Pace(sliceMs)
  let rows = 0
  for (let pack = nextPack(packs, undefined); pack !== undefined; pack = nextPack(packs, pack)) {
    let cursor = cursors.get(pack)
    if (cursor === undefined) cursors.set(pack, (cursor = new PackCursor(folder, pack)))
    try {
      for await (const row of cursor.rows(range)) {
        if (++rows % rowsOfLook === 0 && pace.isDue) await pace.turn()
        // Of an open pack at once: a promise for each of its frames would cost more than the look.
        const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
        const handle = typeof located === 'number' ? located : await located
        if (handle === none || (catalog.flags(handle) & entryFlags.damaged) !== 0) continue
        store.check(options)
        const key = await cursor.keyOf(row)
        if (key === undefined) continue
        const kind = row.kind as ValueKind
        // Of two frames with one key the later one counts.
        found.set(`${kind}${key.toString('latin1')}`, {
          kind,
          key: Buffer.from(key),
          size: row.payloadBytes,
          stream: pack.stream,
        })
      }
    } catch (cause) {
      if (pack.state === 'gone') continue
      throw diskFailure(cause, `list ${pack.path}`)
    }
  }
  return found.values()
}

/** The pack behind another one: cache packs first, then kept ones, each from the oldest to the newest. */
function nextPack(packs: readonly (Pack | undefined)[], before: Pack | undefined): Pack | undefined {
  let next: Pack | undefined
  for (const pack of packs) {
    if (pack === undefined || pack.state === 'gone') continue
    if (before !== undefined && !isBehind(pack, before)) continue
    if (next === undefined || isBehind(next, pack)) next = pack
  }
  return next
}

function isBehind(pack: Pack, other: Pack): boolean {
  return pack.stream === other.stream ? pack.id > other.id : pack.stream === 'kept'
}
