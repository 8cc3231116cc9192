/** Copies a block out of a pack that is to go to the newest kept one, as compaction and eviction do. */
import { matches } from './digest.ts'
import { damaged } from './frame-reader.ts'
import { type FrameRow, readWhole } from './pack-frames.ts'
import type { Pack } from './pack.ts'
import type { Placed } from './pack-stream.ts'
import { keyOfFrame } from './store-key.ts'
import type { Store } from './store.ts'

/**
 * Takes the room from the reserve, and lets the block's entry lead to the copy. Not synced. `undefined` if nothing leads to the frame
 * any more.
 *
 * @throws BlocksError BLOCKS_FULL, BLOCKS_SYNC_FAILED; DiskError if the frame cannot be read
 */
export async function copyToKept(
  store: Store,
  pack: Pack,
  row: FrameRow,
): Promise<Placed | typeof damaged | undefined> {
  const { catalog, folder, room } = store.parts
  const whole = await readWhole(folder, pack, row)
  if (whole === undefined || !(await matches(whole.key, whole.payload))) return damaged
  const bytes = store.roomFor(whole.key.length, row.payloadBytes)
  if (!room.takeReserve(bytes)) throw room.full(bytes)
  const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
  const handle = typeof located === 'number' ? located : await located
  if (!catalog.has(handle)) {
    room.give(bytes)
    return undefined
  }
  const place = { pack, offset: row.offset, payloadBytes: row.payloadBytes }
  const placed = store.copy(keyOfFrame(row, whole.key), whole.payload, place, handle, 'kept')
  room.give(bytes - placed.room)
  return placed
}
