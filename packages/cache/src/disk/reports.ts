/** What a disk cache tells those who listen. */
import { channel } from 'node:diagnostics_channel'

const evictChannel = channel('cache:evict')

/** `cache:evict`: a value has left. */
export function publishLeaving(
  cache: string,
  reason: 'capacity' | 'expired' | 'replaced' | 'deleted',
  bytes: number,
): void {
  if (evictChannel.hasSubscribers) evictChannel.publish({ cache, reason, bytes })
}
