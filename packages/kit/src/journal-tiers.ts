/** The tiers of a node's cache, for its journal. */
import { CacheError } from '@ipfs-kit/cache'
import type { CachePart } from '@ipfs-kit/cache/operations'
import type { JournalTiers } from '@ipfs-kit/journal'

/** What tells that a tier does not take a value. */
const refusals: ReadonlySet<string> = new Set(['CACHE_TIER_REFUSES', 'CACHE_TOO_LARGE'])

/** Gives a journal the tiers of a cache, which is asked for with each call: the node restarts by itself. */
export function createJournalTiers(cache: () => CachePart): JournalTiers {
  return {
    names: () =>
      cache()
        .store.stats()
        .tiers.map(({ name }) => name),
    async locate(cid, { signal }) {
      const { tiers } = await cache().store.explain(cid.toString(), { ...(signal && { signal }) })
      const bytes = tiers.find(({ size }) => size !== undefined)?.size
      const inState = (wanted: 'present' | 'unknown') =>
        tiers.filter(({ state }) => state === wanted).map(({ tier }) => tier)
      return {
        tiers: inState('present'),
        unknown: inState('unknown'),
        ...(bytes !== undefined && { bytes }),
      }
    },
    async move(cid, tier, { signal }) {
      try {
        const report = await cache().store.move(cid.toString(), tier, { ...(signal && { signal }) })
        if (report === undefined) return { outcome: 'missing', bytes: 0 }
        const { size, wasThere } = report
        return { outcome: wasThere ? 'there' : 'moved', bytes: size }
      } catch (error) {
        if (!(error instanceof CacheError && refusals.has(error.code))) throw error
        const { bytes = 0 } = await this.locate(cid, { signal })
        return { outcome: 'refused', bytes }
      }
    },
  }
}
