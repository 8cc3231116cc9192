/** Compaction: what lives of a kept pack is copied to the newest one, synced there, and the pack is removed. */
import { copyDeletion } from './delete-key.ts'
import { matches } from './digest.ts'
import { dropPack } from './drop-pack.ts'
import { frameKinds } from './frame.ts'
import { frameRows, readWhole } from './pack-frames.ts'
import type { Batch, Pack } from './pack.ts'
import { Pace } from './pace.ts'
import { publishCompaction } from './reports.ts'
import { restoreEntries } from './restore-entries.ts'
import { keyOfFrame } from './store-key.ts'
import type { Store } from './store.ts'

/** What the compaction of a pack did. */
export interface Compacted {
  readonly copiedBytes: number
  readonly freedBytes: number
  readonly removedEntries: number
  readonly removedBytes: number
}

const sliceMs = 4
/** Copies that wait to be written at most. */
const unwrittenBytes = 8 * 1024 * 1024

/**
 * Rewrites a sealed kept pack. `undefined` if it holds a damaged frame that somebody claims: such a pack is left alone, since
 * what is left of the frame may be of use. Can be cancelled at every wait: copies are frames like any other.
 *
 * @throws BlocksError BLOCKS_FULL, BLOCKS_SYNC_FAILED, BLOCKS_IO
 */
export async function compactPack(store: Store, pack: Pack): Promise<Compacted | undefined> {
  const { catalog, epochs, folder, room, streams, packs } = store.parts
  const pace = new Pace(sliceMs)
  const isOldest = !packs.some(
    (other) => other !== undefined && other.stream === 'kept' && other.id < pack.id,
  )
  let copiedBytes = 0
  let removedEntries = 0
  let removedBytes = 0
  let waiting = 0
  const batches = new Set<Batch>()
  for await (const row of frameRows(folder, pack)) {
    if (pace.isDue) await pace.turn()
    const isGone = row.kind === frameKinds.goneBlock
    if (isGone && isOldest) continue
    const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
    const found = typeof located === 'number' ? located : await located
    if (!isGone && !catalog.has(found)) continue
    if (!isGone && !epochs.isLive(found)) {
      store.forget(found, { pack, offset: row.offset, payloadBytes: row.payloadBytes }, row.low)
      removedEntries += 1
      removedBytes += row.payloadBytes
      continue
    }
    const whole = await readWhole(folder, pack, row)
    if (isGone) {
      if (whole !== undefined)
        await copyDeletion(store, keyOfFrame({ ...row, kind: frameKinds.block }, whole.key), pack)
      continue
    }
    if (whole === undefined || !(await matches(whole.key, whole.payload))) return undefined
    const bytes = store.roomFor(whole.key.length, row.payloadBytes)
    if (!room.takeReserve(bytes)) throw room.full(bytes)
    const again = catalog.locate(row.high, row.low, pack.slot, row.offset)
    const handle = typeof again === 'number' ? again : await again
    if (!catalog.has(handle)) {
      room.give(bytes)
      continue
    }
    const place = { pack, offset: row.offset, payloadBytes: row.payloadBytes }
    const placed = store.copy(keyOfFrame(row, whole.key), whole.payload, place, handle, 'kept')
    room.give(bytes - placed.room)
    copiedBytes += row.payloadBytes
    batches.add(placed.batch)
    waiting += row.payloadBytes
    if (waiting >= unwrittenBytes) {
      await placed.batch.written.wait()
      waiting = 0
    }
  }
  try {
    await streams.kept.sync()
  } catch (error) {
    // What was copied is in an unknown state, and the pack still has it all.
    await restoreEntries(store, pack)
    throw error
  }
  // Copies that could not be written lead here again.
  for (const { failure } of batches) if (failure !== undefined) throw failure
  if (pack.liveEntries > 0) throw room.full(pack.liveBytes)
  const freedBytes = await dropPack(store, pack)
  await folder.sync()
  publishCompaction({ pack: pack.id, bytes: freedBytes, copiedBytes })
  return { copiedBytes, freedBytes, removedEntries, removedBytes }
}
