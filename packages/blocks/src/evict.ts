/** Eviction: a cache pack is dropped whole. What a lease holds is appended again, and what was read since, within a budget. */
import { entryFlags } from './catalog.ts'
import { dropPack } from './drop-pack.ts'
import { footerReserveBytes } from './footer.ts'
import { frameBytes } from './frame.ts'
import { type FrameRow, frameRows, indexedRows, readWhole } from './pack-frames.ts'
import type { Pack } from './pack.ts'
import { Pace } from './pace.ts'
import { tryOnce } from './read-around.ts'
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
 * Drops a sealed cache pack. `undefined` if that has to wait: there is no room for what a lease holds of it, or that cannot
 * be read.
 *
 * @param budgetBytes - payload bytes of blocks that were read since they were written and may be appended again
 */
export async function evictPack(store: Store, pack: Pack, budgetBytes: number): Promise<Evicted | undefined> {
  const { catalog, folder, streams } = store.parts
  const emptying: Emptying = {
    budgetBytes,
    readmittedBytes: 0,
    takenBytes: 0,
    removedEntries: 0,
    removedBytes: 0,
  }
  pack.isEmptying = true
  const rows = await tryOnce(() => emptyPack(store, pack, frameRows(folder, pack), emptying))
  // The footer cannot be read any more.
  const all =
    rows ?? (await tryOnce(() => emptyPack(store, pack, indexedRows(folder, catalog, pack), emptying)))
  if (all === false) return undefined
  if (emptying.readmittedBytes > 0) await streams.cache.written()
  // A claimed block that a mark has moved to a kept pack is durable there before its copy here is gone.
  await store.promotions.settle()
  if (rows === undefined) forgetCold(store, pack, emptying)
  // Copies that could not be written lead here again; so does what a lease found in the meantime.
  if (pack.liveEntries > 0) return undefined
  const freedBytes = await dropPack(store, pack)
  const { readmittedBytes, takenBytes, removedEntries, removedBytes } = emptying
  publishEviction({ pack: pack.id, bytes: freedBytes, readmittedBytes })
  return { freedBytes, readmittedBytes, takenBytes, removedEntries, removedBytes }
}

/** What was done so far. */
interface Emptying {
  budgetBytes: number
  readmittedBytes: number
  takenBytes: number
  removedEntries: number
  removedBytes: number
}

/** Lets nothing lead to some frames of a pack any more. False if there is no room for one that a lease holds. */
async function emptyPack(
  store: Store,
  pack: Pack,
  rows: AsyncIterable<FrameRow>,
  emptying: Emptying,
): Promise<boolean> {
  const { catalog, epochs } = store.parts
  const pace = new Pace(sliceMs)
  for await (const row of rows) {
    if (pace.isDue) await pace.turn()
    const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
    const handle = typeof located === 'number' ? located : await located
    if (!catalog.has(handle)) continue
    let held = epochs.isHeld(handle)
    const wasRead = (catalog.flags(handle) & entryFlags.read) !== 0
    for (;;) {
      const { budgetBytes } = emptying
      // Without a budget nothing returns, and a block without bytes neither.
      const returns = held || (wasRead && budgetBytes > 0 && row.payloadBytes <= budgetBytes)
      const taken = returns ? await readmit(store, pack, row, held) : undefined
      if (taken !== undefined) {
        emptying.takenBytes += taken
        emptying.readmittedBytes += row.payloadBytes
        emptying.budgetBytes -= row.payloadBytes
        break
      }
      const locatedNow = catalog.locate(row.high, row.low, pack.slot, row.offset)
      const now = typeof locatedNow === 'number' ? locatedNow : await locatedNow
      if (!catalog.has(now)) break
      if (!epochs.isHeld(now)) {
        store.forget(now, { pack, offset: row.offset, payloadBytes: row.payloadBytes }, row.low)
        emptying.removedEntries += 1
        emptying.removedBytes += row.payloadBytes
        break
      }
      if (held) return false
      // A lease took hold of it while there was no room for what was merely read: now it may take of the reserve.
      held = true
    }
  }
  return true
}

/** Entries that a footer answers for which cannot be read any more are forgotten all at once, unless a lease may hold one. */
function forgetCold(store: Store, pack: Pack, emptying: Emptying): void {
  const { catalog, epochs } = store.parts
  if (!catalog.isCold(pack.slot) || epochs.openLeases > 0) return
  emptying.removedEntries += pack.liveEntries
  emptying.removedBytes += pack.liveBytes
  pack.liveEntries = 0
  pack.liveBytes = 0
  store.forgetAll(pack)
}

/**
 * How much of a sealed cache pack leases hold: bytes that dropping it would not free. Its frames are not read. 0 if its footer
 * cannot be read: then dropping it finds out.
 */
export async function heldBytesOf(store: Store, pack: Pack): Promise<number> {
  return (await tryOnce(() => countHeld(store, pack))) ?? 0
}

async function countHeld(store: Store, pack: Pack): Promise<number> {
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
  const whole = await tryOnce(() => readWhole(folder, pack, row))
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
