/**
 * Removes a pack's file once nothing leads to it and nobody reads it. That of a kept pack is emptied for good before: its name
 * comes back after a power loss if the folder could not be synced, and what was deleted since must not come with it.
 */
import type { Pack } from './pack.ts'
import type { Store } from './store.ts'

/** Resolves to the physical bytes that became free. @throws BlocksError BLOCKS_SYNC_FAILED; DiskError */
export async function dropPack(store: Store, pack: Pack): Promise<number> {
  const { folder, streams, packs, catalog, room } = store.parts
  pack.state = 'gone'
  catalog.drop(pack.slot)
  streams[pack.stream].forget(pack)
  await pack.unread()
  if (pack.stream === 'kept') await streams.kept.empty(pack)
  await folder.remove(pack)
  packs[pack.slot] = undefined
  const bytes = pack.room
  pack.room = 0
  room.give(bytes)
  return bytes
}
