/** What caches tell those who listen: small objects on `node:diagnostics_channel`, made only when somebody does. */
import { channel } from 'node:diagnostics_channel'
import type { EvictionReason } from './evictions.ts'

const evictChannel = channel('cache:evict')

/** Whether anybody listens to `cache:evict`. */
export function isEvictionHeard(): boolean {
  return evictChannel.hasSubscribers
}

/** `cache:evict`: a value has left a cache. */
export function publishEviction(cache: string, reason: EvictionReason, bytes: number): void {
  if (evictChannel.hasSubscribers) evictChannel.publish({ cache, reason, bytes })
}
