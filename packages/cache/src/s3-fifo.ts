/** S3-FIFO: the policy, and a cache with it. */
import { s3Fifo } from './s3-fifo-policy.ts'
import { createMemoryCache, type MemoryCache, type MemoryCacheOptions } from './memory-cache.ts'

export { s3Fifo }

/** A memory cache with S3-FIFO; {@link createMemoryCache} with this policy. */
export function createS3FifoCache<V>(options: Omit<MemoryCacheOptions<V>, 'policy'>): MemoryCache<V> {
  return createMemoryCache({ ...options, policy: s3Fifo })
}
