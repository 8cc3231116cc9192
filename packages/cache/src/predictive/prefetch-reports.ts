/** What prefetchers tell those who listen, on `node:diagnostics_channel`. */
import { channel } from 'node:diagnostics_channel'
import type { PrefetchOutcome } from './metrics.ts'
import type { PredictionSource } from './predictor.ts'

const prefetchChannel = channel('cache:prefetch')

/** `cache:prefetch`: a prefetch has ended. */
export function publishPrefetch(
  prefetcher: string,
  source: PredictionSource,
  outcome: PrefetchOutcome,
  bytes: number,
): void {
  if (prefetchChannel.hasSubscribers) prefetchChannel.publish({ prefetcher, source, outcome, bytes })
}
