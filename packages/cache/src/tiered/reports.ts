/** What tiered stores tell those who listen: small objects on `node:diagnostics_channel`, without keys and values. */
import { channel } from 'node:diagnostics_channel'

const tierChannel = channel('cache:tier')

/**
 * - `lied`: bytes were not those of their CID
 * - `timed-out`, `failed`: a call did not come to its end
 * - `opened`, `closed`: the tier is left alone from here on, or asked again
 */
export type TierEvent = 'lied' | 'timed-out' | 'failed' | 'opened' | 'closed'

/** `cache:tier`: something has happened to a tier. */
export function publishTier(cache: string, tier: string, event: TierEvent): void {
  if (tierChannel.hasSubscribers) tierChannel.publish({ cache, tier, event })
}
