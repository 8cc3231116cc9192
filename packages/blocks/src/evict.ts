/** Eviction: a cache pack is dropped whole. What a lease holds is appended again, and what was read since, within a budget. */
import { entryFlags } from './catalog.ts'
import { dropPack } from './drop-pack.ts'
import { footerReserveBytes } from './footer.ts'
import { frameBytes } from './frame.ts'
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
  /** Bytes of room that what was appended again takes. */
  readonly takenBytes: number
  readonly removedEntries: number
  readonly removedBytes: number
}

const sliceMs = 4
/** Of a SHA-256 multihash: rows do not tell, and nearly all keys are such. */
const keyBytes = 34

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
  let takenBytes = 0
  let removedEntries = 0
  let removedBytes = 0
  for await (const row of frameRows(folder, pack)) {
    if (pace.isDue) await pace.turn()
    const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
    const handle = typeof located === 'number' ? located : await located
    if (!catalog.has(handle)) continue
    let held = epochs.isHeld(handle)
    const wasRead = (catalog.flags(handle) & entryFlags.read) !== 0
    for (;;) {
      const returns = held || (wasRead && row.payloadBytes <= budget)
      const taken = returns ? await readmit(store, pack, row, held) : undefined
      if (taken !== undefined) {
        takenBytes += taken
        readmittedBytes += row.payloadBytes
        budget -= row.payloadBytes
        break
      }
      const locatedNow = catalog.locate(row.high, row.low, pack.slot, row.offset)
      const now = typeof locatedNow === 'number' ? locatedNow : await locatedNow
      if (!catalog.has(now)) break
      if (!epochs.isHeld(now)) {
        store.forget(now, { pack, offset: row.offset, payloadBytes: row.payloadBytes }, row.low)
        removedEntries += 1
        removedBytes += row.payloadBytes
        break
      }
      if (held) return undefined
      // A lease took hold of it while there was no room for what was merely read: now it may take of the reserve.
      held = true
    }
  }
  if (readmittedBytes > 0) await streams.cache.written()
  // A claimed block that a mark has moved to a kept pack is durable there before its copy here is gone.
  await store.promotions.settle()
  // Copies that could not be written lead here again; so does what a lease found in the meantime.
  if (pack.liveEntries > 0) return undefined
  const freedBytes = await dropPack(store, pack)
  publishEviction({ pack: pack.id, bytes: freedBytes, readmittedBytes })
  return { freedBytes, readmittedBytes, takenBytes, removedEntries, removedBytes }
}

/** How much of a sealed cache pack leases hold: bytes that dropping it would not free. Its frames are not read. */
export async function heldBytesOf(store: Store, pack: Pack): Promise<number> {
  const { catalog, epochs, folder } = store.parts
  const pace = new Pace(sliceMs)
  let all = 0
  let held = 0
  for await (const { high, low, offset, payloadBytes } of frameRows(folder, pack)) {
    if (pace.isDue) await pace.turn()
    const bytes = frameBytes(keyBytes, payloadBytes) + footerReserveBytes(keyBytes)
    all += bytes
    const located = catalog.locate(high, low, pack.slot, offset)
    const handle = typeof located === 'number' ? located : await located
    if (catalog.has(handle) && epochs.isHeld(handle)) held += bytes
  }
  return Math.round(pack.room * (held / Math.max(1, all)))
}

/** Appends a frame to the newest cache pack again. The room that it took; `undefined` if there is none for it, or it is damaged. */
async function readmit(store: Store, pack: Pack, row: FrameRow, held: boolean): Promise<number | undefined> {
  const { catalog, room, folder } = store.parts
  const whole = await readWhole(folder, pack, row)
  if (whole === undefined) return undefined
  const bytes = store.roomFor(whole.key.length, row.payloadBytes)
  // With writers waiting there is no room but the reserve: half of that is for what is held.
  if (!(held ? room.takeReserve(bytes) : room.take(bytes) || room.takeReserve(bytes, 0.5))) return undefined
  const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
  const handle = typeof located === 'number' ? located : await located
  if (!catalog.has(handle)) {
    room.give(bytes)
    return 0
  }
  const place = { pack, offset: row.offset, payloadBytes: row.payloadBytes }
  const placed = store.copy(keyOfFrame(row, whole.key), whole.payload, place, handle, 'cache')
  room.give(bytes - placed.room)
  return placed.room
}
