/** ARC: the policy, and a cache with it. */
import { arc } from './arc-policy.ts'
import { createMemoryCache, type MemoryCache, type MemoryCacheOptions } from './memory-cache.ts'

export { arc }

/** A memory cache with ARC; {@link createMemoryCache} with this policy. */
export function createArcCache<V>(options: Omit<MemoryCacheOptions<V>, 'policy'>): MemoryCache<V> {
  return createMemoryCache({ ...options, policy: arc })
}
