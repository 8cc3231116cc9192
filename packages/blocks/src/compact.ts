/** Compaction: what lives of a kept pack is copied to the newest one, synced there, and the pack is removed. */
import type { Handle } from './catalog.ts'
import { copyToKept } from './copy-frame.ts'
import { copyDeletion } from './delete-key.ts'
import { dropPack } from './drop-pack.ts'
import { frameKinds } from './frame.ts'
import { damaged } from './frame-reader.ts'
import { frameRows, readWhole } from './pack-frames.ts'
import type { Batch, Pack } from './pack.ts'
import { Pace } from './pace.ts'
import { publishCompaction } from './reports.ts'
import { tryOnce } from './read-around.ts'
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

/** What was copied so far. */
interface Copying {
  copiedBytes: number
  removedEntries: number
  removedBytes: number
  readonly batches: Set<Batch>
}

/**
 * Rewrites a sealed kept pack. `undefined` if it holds a frame that somebody claims, or a deletion, and that is damaged or
 * cannot be read: such a pack is left alone, since what is left of the frame may be of use. Can be cancelled at every wait:
 * copies are frames like any other.
 *
 * @throws BlocksError BLOCKS_FULL, BLOCKS_SYNC_FAILED, BLOCKS_IO
 */
export async function compactPack(store: Store, pack: Pack): Promise<Compacted | undefined> {
  const { room, streams } = store.parts
  // Without a sync no pack is removed, and copies would only take room.
  if (streams.kept.syncFailure !== undefined) throw streams.kept.syncFailure
  using _copying = await store.copying.acquire()
  const copying: Copying = { copiedBytes: 0, removedEntries: 0, removedBytes: 0, batches: new Set() }
  const copied = await tryOnce(() => copyLiving(store, pack, copying))
  try {
    await streams.kept.sync()
  } catch (error) {
    // What was copied is in an unknown state, and the pack still has it all.
    await restoreEntries(store, pack)
    throw error
  }
  // Copies that could not be written lead here again, and deletions that could not be are here alone.
  for (const { failure } of copying.batches) if (failure !== undefined) throw failure
  if (copied !== true) return undefined
  if (pack.liveEntries > 0) throw room.full(pack.liveBytes)
  const freedBytes = await dropPack(store, pack)
  await streams.kept.syncFolder()
  const { copiedBytes, removedEntries, removedBytes } = copying
  publishCompaction({ pack: pack.id, bytes: freedBytes, copiedBytes })
  return { copiedBytes, freedBytes, removedEntries, removedBytes }
}

/** Copies what lives in a pack. False if there is something that it cannot copy. */
async function copyLiving(store: Store, pack: Pack, copying: Copying): Promise<boolean> {
  const { catalog, epochs, folder, packs, leastStrangeId } = store.parts
  const { retention } = store
  const pace = new Pace(sliceMs)
  const isOldest =
    pack.id < leastStrangeId && !packs.some((other) => other?.stream === 'kept' && other.id < pack.id)
  let waiting = 0
  for await (const row of frameRows(folder, pack)) {
    if (pace.isDue) await pace.turn()
    const isGone = row.kind === frameKinds.goneBlock
    if (isGone && isOldest) continue
    let found: Handle
    do {
      // What the last mark did not reach may be of a root that has come since.
      if (retention.isStale) await retention.find()
      const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
      found = typeof located === 'number' ? located : await located
    } while (retention.isStale)
    if (!isGone && !catalog.has(found)) continue
    if (!isGone && !epochs.isLive(found)) {
      store.forget(found, { pack, offset: row.offset, payloadBytes: row.payloadBytes }, row.low)
      copying.removedEntries += 1
      copying.removedBytes += row.payloadBytes
      continue
    }
    if (isGone) {
      const whole = await readWhole(folder, pack, row)
      if (whole === undefined) return false
      const key = keyOfFrame({ ...row, kind: frameKinds.block }, whole.key)
      const batch = await copyDeletion(store, key, pack)
      if (batch !== undefined) copying.batches.add(batch)
      continue
    }
    const placed = await copyToKept(store, pack, row)
    if (placed === damaged) return false
    if (placed === undefined) continue
    copying.copiedBytes += row.payloadBytes
    copying.batches.add(placed.batch)
    waiting += row.payloadBytes
    if (waiting >= unwrittenBytes) {
      await placed.batch.written.wait()
      waiting = 0
    }
  }
  return true
}
