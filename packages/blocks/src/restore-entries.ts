/** After a failed sync: lets the keys of a pack lead to it again, where they lead to copies that no sync has covered. */
import { type Handle, none } from './catalog.ts'
import { frameKinds } from './frame.ts'
import { readKey } from './frame-reader.ts'
import { type FrameRow, frameRows } from './pack-frames.ts'
import type { Pack } from './pack.ts'
import { Pace } from './pace.ts'
import { tryTwice } from './read-around.ts'
import type { Store } from './store.ts'

const sliceMs = 4

/** Looks at every frame of a kept pack. @throws DiskError */
export async function restoreEntries(store: Store, pack: Pack): Promise<void> {
  const { folder, packs, catalog } = store.parts
  const pace = new Pace(sliceMs)
  for await (const row of frameRows(folder, pack)) {
    if (pace.isDue) await pace.turn()
    if (row.kind !== frameKinds.block) continue
    const copy = unsyncedCopy(store, pack, row)
    if (copy === none) continue
    const other = packs[catalog.pack(copy)]!
    const offset = catalog.offset(copy)
    // Copies that cannot be read any more are restored as well: their tag is that of this frame.
    const own = await tryTwice(() => readKey(folder, pack, row.offset))
    const its = await tryTwice(() => readKey(folder, other, offset))
    if (own === undefined || (its !== undefined && !its.key.equals(own.key))) continue
    const now = catalog.locate(row.high, row.low, other.slot, offset)
    const handle = typeof now === 'number' ? now : await now
    if (catalog.has(handle)) store.lead(handle, row, other, pack)
  }
}

/** The entry with the tag of a frame that leads to unsynced bytes of another kept pack. Such packs are in memory. */
function unsyncedCopy(store: Store, pack: Pack, row: FrameRow): Handle {
  const { catalog, packs } = store.parts
  for (let at = catalog.find(row.high, row.low); at !== none; at = catalog.findNext(at, row.high, row.low)) {
    const other = packs[catalog.pack(at)]!
    const isCopy = other !== pack && other.stream === 'kept' && catalog.length(at) === row.payloadBytes
    if (isCopy && catalog.offset(at) >= other.syncedEnd) return at
  }
  return none
}
