/** Deletes, one by one, what nobody claims in the kept packs that are not worth a compaction. After a complete mark. */
import type { Handle } from './catalog.ts'
import { frameKinds } from './frame.ts'
import { readKey } from './frame-reader.ts'
import { frameRows } from './pack-frames.ts'
import type { Batch, Pack } from './pack.ts'
import { Pace } from './pace.ts'
import { tryOnce, tryTwice } from './read-around.ts'
import type { Store } from './store.ts'

const sliceMs = 4

/** What was deleted: entries, and their payload bytes. */
export interface Deleted {
  readonly removedEntries: number
  readonly removedBytes: number
}

/** Looks at every frame of the packs. @throws BlocksError BLOCKS_FULL, BLOCKS_IO */
export async function deleteUnclaimed(store: Store, packs: readonly Pack[]): Promise<Deleted> {
  const { catalog, epochs, folder, streams } = store.parts
  const { retention } = store
  const pace = new Pace(sliceMs)
  let removedEntries = 0
  let removedBytes = 0
  const batches = new Set<Batch>()
  const deleteOf = async (pack: Pack): Promise<void> => {
    for await (const row of frameRows(folder, pack)) {
      if (pace.isDue) await pace.turn()
      if (row.kind !== frameKinds.block) continue
      const located = catalog.locate(row.high, row.low, pack.slot, row.offset)
      const first = typeof located === 'number' ? located : await located
      if (!catalog.has(first) || epochs.isLive(first)) continue
      const found = await tryTwice(() => readKey(folder, pack, row.offset))
      let handle: Handle
      do {
        // A root may have come since the mark.
        if (retention.isStale) await retention.find()
        const again = catalog.locate(row.high, row.low, pack.slot, row.offset)
        handle = typeof again === 'number' ? again : await again
      } while (retention.isStale)
      if (!catalog.has(handle) || epochs.isLive(handle)) continue
      const { high, low, offset, payloadBytes } = row
      if (found !== undefined) {
        const key = { kind: frameKinds.block, bytes: found.key, high, low }
        batches.add(store.takeAndAppendGone('kept', key).batch)
      }
      store.forget(handle, { pack, offset, payloadBytes }, low)
      removedEntries += 1
      removedBytes += payloadBytes
    }
  }
  for (const pack of packs) {
    // Of a pack whose rows cannot be read nothing is deleted.
    if (pack.state !== 'gone') await tryOnce(() => deleteOf(pack))
  }
  await streams.kept.written()
  for (const { failure } of batches) if (failure !== undefined) throw failure
  return { removedEntries, removedBytes }
}
