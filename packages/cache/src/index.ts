/**
 * Caches whose limits are limits.
 *
 * @packageDocumentation
 */
export { CacheError, cacheErrors, type CacheErrorCode } from './errors.ts'
export type { EvictionReason } from './evictions.ts'
export { lru } from './lru-policy.ts'
export {
  createMemoryCache,
  type CacheSnapshot,
  type FetchOptions,
  type LoadContext,
  type Loader,
  type MemoryCache,
  type MemoryCacheOptions,
  type MemoryCacheStats,
  type SetOptions,
} from './memory-cache.ts'
export type { Limits, Policy, PolicyOrder, PolicyState, PolicyStats } from './policy.ts'
