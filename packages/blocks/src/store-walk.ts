/** What a walk over claims asks of a store. */
import type { MarkWalkOptions } from './mark-walk.ts'
import type { Store } from './store.ts'

/** All that does not depend on which claims are walked, and what for. */
export function walkOf(store: Store): Omit<MarkWalkOptions, 'claims' | 'epochs'> {
  const { catalog, links, packs, tagger } = store.parts
  return {
    links,
    read: (cid) => store.get(store.blockKey(cid)),
    lookup: (cid, each) => store.lookup.eachEntry(store.blockKey(cid), each),
    isKept: (slot) => packs[slot]?.stream === 'kept',
    promote: (cid) => store.promotions.promote(store.blockKey(cid)),
    retain: (handle) => store.retention.retain(handle),
    tagger,
    catalog,
  }
}
