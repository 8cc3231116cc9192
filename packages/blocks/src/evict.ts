/** Eviction: a cache pack is dropped whole. What a lease holds is appended again, and what was read since, within a budget. */
import { entryFlags } from './catalog.ts'
import { dropPack } from './drop-pack.ts'
import { type FrameRow, frameRows, readWhole } from './pack-frames.ts'
import type { Pack } from './pack.ts'
import { Pace } from './pace.ts'
import { publishEviction } from './reports.ts'
import { keyOfFrame } from './store-key.ts'
import type { Store } from './store.ts'

/** What an eviction did. */
export interface Evicted {
  readonly freedBytes: number
  readonly readmittedBytes: number
  readonly removedEntries: number
  readonly removedBytes: number
}

const sliceMs = 4

/**
 * Drops a sealed cache pack. `undefined` if that has to wait: there is no room for what a lease holds of it.
 *
 * @param budgetBytes - payload bytes of blocks that were read since they were written and may be appended again
 */
export async function evictPack(store: Store, pack: Pack, budgetBytes: number): Promise<Evicted | undefined> {
  const { catalog, epochs, folder, streams } = store.parts
  const pace = new Pace(sliceMs)
  let budget = budgetBytes
  let readmittedBytes = 0
  let removedEntries = 0
  let removedBytes = 0
  for await (const row of frameRows(folder, pack)) {
    if (pace.isDue) await pace.turn()
    const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
    const handle = typeof located === 'number' ? located : await located
    if (!catalog.has(handle)) continue
    // A claimed block that a mark could not move is as good as held.
    const held = epochs.isHeld(handle) || epochs.isMarked(handle)
    const wasRead = (catalog.flags(handle) & entryFlags.read) !== 0
    if (held || (wasRead && row.payloadBytes <= budget)) {
      const readmitted = await readmit(store, pack, row, held)
      if (readmitted) {
        readmittedBytes += row.payloadBytes
        budget -= row.payloadBytes
        continue
      }
    }
    const locatedNow = catalog.locate(row.high, row.low, pack.slot, row.offset)
    const now = typeof locatedNow === 'number' ? locatedNow : await locatedNow
    if (!catalog.has(now)) continue
    if (epochs.isHeld(now) || epochs.isMarked(now)) return undefined
    store.forget(now, { pack, offset: row.offset, payloadBytes: row.payloadBytes }, row.low)
    removedEntries += 1
    removedBytes += row.payloadBytes
  }
  if (readmittedBytes > 0) await streams.cache.written()
  // A claimed block that a mark has moved to a kept pack is durable there before its copy here is gone.
  await store.settlePromotions()
  // Copies that could not be written lead here again; so does what a lease found in the meantime.
  if (pack.liveEntries > 0) return undefined
  const freedBytes = await dropPack(store, pack)
  publishEviction({ pack: pack.id, bytes: freedBytes, readmittedBytes })
  return { freedBytes, readmittedBytes, removedEntries, removedBytes }
}

/** Appends a frame to the newest cache pack again. False if there is no room for it, or it is damaged. */
async function readmit(
  store: Store,
  pack: Pack,
  row: FrameRow,
  held: boolean,
): Promise<boolean> {
  const { catalog, room, folder } = store.parts
  const whole = await readWhole(folder, pack, row)
  if (whole === undefined) return false
  const bytes = store.roomFor(whole.key.length, row.payloadBytes)
  if (!(held ? room.takeReserve(bytes) : room.take(bytes))) return false
  const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
  const handle = typeof located === 'number' ? located : await located
  if (!catalog.has(handle)) {
    room.give(bytes)
    return true
  }
  const place = { pack, offset: row.offset, payloadBytes: row.payloadBytes }
  const placed = store.copy(keyOfFrame(row, whole.key), whole.payload, place, handle, 'cache')
  room.give(bytes - placed.room)
  return true
}
