/**
 * Eviction: a cache pack is dropped whole. What is retained moves to the kept stream; what a lease holds is appended again, and
 * what was read since, within a budget.
 */
import { entryFlags, type Handle } from './catalog.ts'
import { copyToKept } from './copy-frame.ts'
import { dropPack } from './drop-pack.ts'
import { BlocksError } from './errors.ts'
import { footerReserveBytes } from './footer.ts'
import { frameBytes, frameKinds } from './frame.ts'
import { damaged } from './frame-reader.ts'
import { type FrameRow, frameRows, indexedRows, readWhole } from './pack-frames.ts'
import type { Pack } from './pack.ts'
import { Pace } from './pace.ts'
import { tryOnce, tryTwice } from './read-around.ts'
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
 * Drops a sealed cache pack. `undefined` if that has to wait: there is no room for what of it is retained or held by a lease, or
 * what a lease holds cannot be read.
 *
 * @param budgetBytes - payload bytes of blocks that were read since they were written and may be appended again
 */
export async function evictPack(store: Store, pack: Pack, budgetBytes: number): Promise<Evicted | undefined> {
  const { catalog, folder, streams } = store.parts
  await store.retention.find(pack)
  using turn = new DisposableStack()
  const emptying: Emptying = {
    budgetBytes,
    readmittedBytes: 0,
    takenBytes: 0,
    removedEntries: 0,
    removedBytes: 0,
    turn,
    hasTurn: false,
  }
  pack.isEmptying = true
  const rows = await tryOnce(() => emptyPack(store, pack, frameRows(folder, pack), emptying))
  // The footer cannot be read any more.
  const all =
    rows ?? (await tryOnce(() => emptyPack(store, pack, indexedRows(folder, catalog, pack), emptying)))
  if (all === false) return undefined
  if (emptying.readmittedBytes > 0) await streams.cache.written()
  // A claimed block that was moved to a kept pack is durable there before its copy here is gone.
  await store.promotions.settle(pack)
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
  /** Has the turn to copy to the kept stream, once something of the pack has to go there. */
  readonly turn: DisposableStack
  hasTurn: boolean
}

/** Why a block outlasts its pack: a root retains it, a lease holds it, or it was read since it was written. */
type Reason = 'retained' | 'held' | 'read'

/** Lets nothing lead to some frames of a pack any more. False if there is no room for one that has to stay. */
async function emptyPack(
  store: Store,
  pack: Pack,
  rows: AsyncIterable<FrameRow>,
  emptying: Emptying,
): Promise<boolean> {
  const { retention } = store
  const { catalog } = store.parts
  const pace = new Pace(sliceMs)
  for await (const row of rows) {
    if (pace.isDue) await pace.turn()
    const place = { pack, offset: row.offset, payloadBytes: row.payloadBytes }
    /** What came to nothing: there was no room, or it cannot be read. */
    let tried: Reason | undefined
    for (;;) {
      let handle: Handle
      do {
        // Roots may have come since the pack was begun with.
        if (retention.isStale) await retention.find()
        const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
        handle = typeof located === 'number' ? located : await located
      } while (retention.isStale)
      if (!catalog.has(handle)) break
      const reason = reasonFor(store, handle, row, emptying.budgetBytes, tried)
      if (reason === undefined) {
        store.forget(handle, place, row.low)
        emptying.removedEntries += 1
        emptying.removedBytes += row.payloadBytes
        break
      }
      // A lease may have taken hold of it while there was no room for what was merely read: then it takes of the reserve.
      if (reason === tried) return false
      tried = reason
      if (reason === 'retained') {
        if (!emptying.hasTurn) emptying.turn.use(await store.copying.acquire())
        emptying.hasTurn = true
        const taken = await keep(store, pack, row)
        if (taken === 'full') return false
        emptying.takenBytes += taken
        continue
      }
      const taken = await readmit(store, pack, row, reason === 'held')
      if (taken === undefined) continue
      emptying.takenBytes += taken
      emptying.readmittedBytes += row.payloadBytes
      emptying.budgetBytes -= row.payloadBytes
      break
    }
  }
  return true
}

/** `tried`: what came to nothing. That is no reason any more, unless a lease holds it. */
function reasonFor(
  store: Store,
  handle: Handle,
  { payloadBytes }: FrameRow,
  budgetBytes: number,
  tried: Reason | undefined,
): Reason | undefined {
  const { catalog, epochs } = store.parts
  if (tried !== 'retained' && store.retention.has(handle)) return 'retained'
  if (epochs.isHeld(handle)) return 'held'
  const wasRead = (catalog.flags(handle) & entryFlags.read) !== 0
  // Without a budget nothing returns, and a block without bytes neither.
  return tried === undefined && wasRead && budgetBytes > 0 && payloadBytes <= budgetBytes ? 'read' : undefined
}

/**
 * Entries that a footer answers for which cannot be read any more are forgotten all at once, unless one may be retained or held by
 * a lease.
 */
function forgetCold(store: Store, pack: Pack, emptying: Emptying): void {
  const { catalog, epochs } = store.parts
  if (!catalog.isCold(pack.slot) || epochs.openLeases > 0 || !store.retention.isEmpty) return
  emptying.removedEntries += pack.liveEntries
  emptying.removedBytes += pack.liveBytes
  pack.liveEntries = 0
  pack.liveBytes = 0
  store.forgetAll(pack)
}

/**
 * Whether a sealed cache pack may be dropped before older ones, as far as is known: it holds blocks alone, of which nothing is
 * retained. What replaces or deletes something goes after that: it would come back at the next opening.
 */
export async function mayPass(store: Store, pack: Pack): Promise<boolean> {
  if (pack.mayHideFrames) return false
  // Whoever cannot read the footer goes in order, and finds out what is to be done about it.
  return (await tryOnce(() => holdsNothingThatStays(store, pack))) ?? false
}

async function holdsNothingThatStays(store: Store, pack: Pack): Promise<boolean> {
  const { catalog, folder } = store.parts
  const pace = new Pace(sliceMs)
  for await (const { high, low, offset, kind } of frameRows(folder, pack)) {
    if (pace.isDue) await pace.turn()
    if (kind !== frameKinds.block) return false
    const located = catalog.locate(high, low, pack.slot, offset)
    const handle = typeof located === 'number' ? located : await located
    if (catalog.has(handle) && store.retention.has(handle)) return false
  }
  return true
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

/** Moves a block to the kept stream. The room that it took, 0 if it is damaged or cannot be read; `full` if there is none. */
async function keep(store: Store, pack: Pack, row: FrameRow): Promise<number | 'full'> {
  try {
    const placed = await tryTwice(() => copyToKept(store, pack, row))
    if (placed === undefined || placed === damaged) return 0
    await store.promotions.copied(placed.batch, row.payloadBytes, pack)
    return placed.room
  } catch (error) {
    if (error instanceof BlocksError && error.code === 'BLOCKS_FULL') return 'full'
    throw error
  }
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
