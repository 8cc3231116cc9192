/** The numbers of a store. */
import type { BlocksStats, Stream } from './blocks.ts'
import type { Store } from './store.ts'
import type { Upkeep } from './upkeep.ts'

/** A frozen snapshot. Costs a look at every pack, not at every entry. */
export function statsOf(store: Store, upkeep: Upkeep): BlocksStats {
  const { catalog, epochs, room, packs, streams } = store.parts
  const sums: Record<Stream, { entries: number; bytes: number; packs: number; packBytes: number }> = {
    kept: { entries: 0, bytes: 0, packs: 0, packBytes: 0 },
    cache: { entries: 0, bytes: 0, packs: 0, packBytes: 0 },
  }
  for (const pack of packs) {
    if (pack === undefined) continue
    const sum = sums[pack.stream]
    sum.entries += pack.liveEntries
    sum.bytes += pack.liveBytes
    sum.packs += 1
    sum.packBytes += pack.room
  }
  const { kept, cache } = sums
  const failure = streams.kept.syncFailure
  return Object.freeze({
    entries: kept.entries + cache.entries,
    bytes: kept.bytes + cache.bytes,
    keptEntries: kept.entries,
    keptBytes: kept.bytes,
    cacheEntries: cache.entries,
    cacheBytes: cache.bytes,
    packBytes: room.used,
    keptPackBytes: kept.packBytes,
    cachePackBytes: cache.packBytes,
    maxBytes: room.limit,
    maxEntries: room.maxEntries,
    deadBytes: upkeep.deadBytes,
    keptPacks: kept.packs,
    cachePacks: cache.packs,
    indexedEntries: catalog.indexed,
    indexBytes: catalog.bytes,
    openLeases: epochs.openLeases,
    epoch: epochs.epoch,
    ...store.counts,
    ...upkeep.evictions,
    ...upkeep.counts,
    syncs: streams.kept.syncs + streams.cache.syncs,
    longestRoomWaitMs: room.longestWaitMs,
    ...(failure === undefined ? {} : { syncFailure: failure.message }),
  })
}
