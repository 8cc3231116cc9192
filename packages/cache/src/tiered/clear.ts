/** Empties tiers that may forget. */
import { CacheError } from '../errors.ts'
import type { Contents } from './content.ts'
import { TierListing } from './listing.ts'
import { type Parts, tierNamed } from './parts.ts'
import type { Tier } from './tier.ts'

/** What was taken out of one tier. */
export interface ClearedTier {
  readonly tier: string
  readonly entries: number
  readonly bytes: number
}

/**
 * Empties a tier, or all whose role is `cache`.
 *
 * @throws CacheError CACHE_NO_TIER, CACHE_TIER_KEEPS; what a tier fails with
 */
export async function clearTiers(
  parts: Parts,
  contents: Contents,
  name: string | undefined,
): Promise<readonly ClearedTier[]> {
  const cleared: ClearedTier[] = []
  const tiers = name === undefined ? parts.tiers.filter(forgets) : [tierNamed(parts, name)]
  const store = tiers.find((tier) => !forgets(tier))
  if (store !== undefined)
    throw new CacheError('CACHE_TIER_KEEPS', `The tier ${store.name} is a store: it keeps what it has taken`)
  for (const tier of tiers) cleared.push(Object.freeze(await clear(parts, contents, tier)))
  return Object.freeze(cleared)
}

function forgets({ rules }: Tier): boolean {
  return rules.role === 'cache'
}

async function clear(parts: Parts, contents: Contents, tier: Tier): Promise<ClearedTier> {
  const { known, locks } = parts
  if (tier.memory !== undefined) {
    const { entries, bytes } = tier.memory.stats()
    tier.memory.clear()
    known.unplaceAll(tier.index)
    return { tier: tier.name, entries, bytes }
  }
  let entries = 0
  let bytes = 0
  const listing = new TierListing(tier, '', contents.keys)
  let after: string | undefined
  for (let entry = await listing.head(after); entry !== undefined; entry = await listing.head(after)) {
    after = entry.key
    const content = contents.of(entry.key)
    using _held = await locks.acquire(content.key)
    await tier.delete(content)
    known.unplace(content.key, tier.index)
    entries += 1
    bytes += entry.size
  }
  return { tier: tier.name, entries, bytes }
}
