/** A query over tiers: what any of them lists, and which one could not. */
import { cancelScope, map, throwIfCancelled } from '@ipfs-kit/concurrency'
import { compareKeys, type ObjectStat } from '@ipfs-kit/storage'
import type { Contents } from './content.ts'
import { TierListing } from './listing.ts'
import type { Tier } from './tier.ts'

/** An object, with the tiers that list it; or a tier whose list is not in what follows. */
export type QueryItem =
  | { readonly key: string; readonly size: number; readonly tiers: readonly string[] }
  | { readonly tier: string; readonly error: unknown }

/** All keys with a prefix, each once, in byte order. A tier that fails yields its error, and the others go on. */
export async function* queryTiers(
  tiers: readonly Tier[],
  keys: Contents['keys'],
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<QueryItem, void, undefined> {
  let listings = tiers.map((tier) => new TierListing(tier, prefix, keys))
  let after: string | undefined
  for (;;) {
    const heads = await headsOf(listings, after, signal)
    for (const head of heads) {
      if ('error' in head) yield { tier: head.listing.tier.name, error: head.error }
    }
    const alive = heads.filter((head) => 'entry' in head)
    listings = alive.map(({ listing }) => listing)
    const [first] = alive.map(({ entry }) => entry).toSorted((a, b) => compareKeys(a.key, b.key))
    if (first === undefined) return
    after = first.key
    const where = alive.filter(({ entry }) => entry.key === first.key)
    yield {
      key: first.key,
      size: where[0]!.entry.size,
      tiers: where.map(({ listing }) => listing.tier.name),
    }
  }
}

type Head =
  | { readonly listing: TierListing; readonly entry: ObjectStat }
  | { readonly listing: TierListing; readonly error: unknown }

/** The next entry of each listing; of one that has ended, nothing. */
async function headsOf(
  listings: readonly TierListing[],
  after: string | undefined,
  signal: AbortSignal,
): Promise<Head[]> {
  const all = await cancelScope(
    () =>
      map(
        listings,
        async (listing): Promise<Head[]> => {
          try {
            const entry = await listing.head(after)
            return entry === undefined ? [] : [{ listing, entry }]
          } catch (error) {
            throwIfCancelled()
            return [{ listing, error }]
          }
        },
        { concurrency: Math.max(1, listings.length) },
      ),
    { signal },
  )
  return all!.flat()
}
