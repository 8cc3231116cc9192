/** LIRS: the policy, and a cache with it. */
import { lirs } from './lirs-policy.ts'
import { createMemoryCache, type MemoryCache, type MemoryCacheOptions } from './memory-cache.ts'

export { lirs }

/** A memory cache with LIRS; {@link createMemoryCache} with this policy, which is its default. */
export function createLirsCache<V>(options: Omit<MemoryCacheOptions<V>, 'policy'>): MemoryCache<V> {
  return createMemoryCache({ ...options, policy: lirs })
}
