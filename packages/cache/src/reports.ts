/** What caches tell those who listen: small objects on `node:diagnostics_channel`, made only when somebody does. */
import { channel } from 'node:diagnostics_channel'
import type { EvictionReason } from './memory-cache.ts'

const evictChannel = channel('cache:evict')

/** `cache:evict`: a value has left a cache. */
export function publishEviction(
  cache: string,
  reason: EvictionReason,
  sizes: Float64Array | undefined,
  slot: number,
): void {
  if (evictChannel.hasSubscribers) evictChannel.publish({ cache, reason, bytes: sizes?.[slot] ?? 0 })
}
