/**
 * The operations of a cache, as entries for the table that `kit` joins. Each needs the part `cache`.
 *
 * @packageDocumentation
 */
import { cacheExplain } from './operations/explain.ts'
import { cachePrefetch } from './operations/prefetch.ts'
import { cacheStats } from './operations/stats.ts'
import { cacheClear, cacheMove, cacheTiers } from './operations/tiers.ts'

export type { CachePart, CacheSlice } from './operations/part.ts'
export { cacheClear, cacheExplain, cacheMove, cachePrefetch, cacheStats, cacheTiers }

/** All entries of this package. */
export const cacheOperations = [
  cacheStats,
  cacheExplain,
  cacheClear,
  cacheTiers,
  cacheMove,
  cachePrefetch,
] as const
