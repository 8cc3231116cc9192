/**
 * Sweeps: takes out of a tier what has gone cold, once it is certain that it lies further down. Both copies are read and
 * compared before one goes.
 */
import { throwIfCancelled } from '@ipfs-kit/concurrency'
import { sayingOf } from './breaker.ts'
import type { Content, Contents } from './content.ts'
import { TierListing } from './listing.ts'
import { entryOf, type Parts, putInto, takeOut, takes } from './parts.ts'
import type { Tier } from './tier.ts'

/** What a sweep did. */
export interface DemotionReport {
  /** Keys that were looked at. */
  readonly keys: number
  /** Values that were taken out of a tier, and their bytes. */
  readonly demoted: number
  readonly demotedBytes: number
  /** Cold ones that stay, since too few stores further down have or take them. */
  readonly kept: number
  /** Tiers that could not be swept to their end, and why. */
  readonly failures: readonly { readonly tier: string; readonly why: string }[]
}

/** Sweeps all tiers that have `demoteBelow`. */
export async function demoteCold(
  parts: Parts,
  contents: Contents,
  startedMs: number,
): Promise<DemotionReport> {
  const report = { keys: 0, demoted: 0, demotedBytes: 0, kept: 0 }
  const failures: { tier: string; why: string }[] = []
  for (const tier of parts.tiers) {
    const { supports } = tier.backend
    if (tier.rules.demoteBelow === 0) continue
    try {
      if (!supports.list || !supports.delete) throw new TypeError('it does not list and delete')
      const listing = new TierListing(tier, '', contents.keys)
      let after: string | undefined
      for (let entry = await listing.head(after); entry !== undefined; entry = await listing.head(after)) {
        after = entry.key
        report.keys += 1
        if (!isCold(parts, tier, entry.key, startedMs)) continue
        const content = contents.of(entry.key)
        using _held = await parts.locks.acquire(content.key)
        const isGone = await demote(parts, tier, content)
        if (!isGone) report.kept += 1
        else {
          report.demoted += 1
          report.demotedBytes += entry.size
        }
      }
    } catch (error) {
      throwIfCancelled()
      failures.push({ tier: tier.name, why: sayingOf(error) })
    }
  }
  return Object.freeze({ ...report, failures: Object.freeze(failures) })
}

/** What is not remembered is cold only once the store has run for a half life: before, nothing could be known of it. */
function isCold(parts: Parts, tier: Tier, key: string, startedMs: number): boolean {
  const { known } = parts
  const entry = entryOf(parts, key)
  if (entry === undefined) return known.now() - startedMs >= known.halfLifeMs
  return known.heatOf(entry) < tier.rules.demoteBelow
}

/** Takes a value out of a tier if enough stores below have it. Whether it did. */
async function demote(parts: Parts, tier: Tier, content: Content): Promise<boolean> {
  const { policy, stores } = parts
  // What may be older than what lies below is not to come there.
  if (tier.silence(content) !== undefined) return false
  const own = await tier.read(content, policy.maxWholeBytes)
  if (own?.kind !== 'whole') return false
  let copies = 0
  for (const store of stores) {
    if (store.index <= tier.index || store.silence(content) !== undefined || !store.knows(content)) continue
    const other = await store.read(content, policy.maxWholeBytes)
    if (other?.kind === 'whole' && Buffer.compare(other.bytes, own.bytes) === 0) copies += 1
    else if (other === undefined && takes(parts, store, content, own.bytes.length)) {
      await putInto(parts, store, content, own.bytes, { reason: 'demoted' })
      copies += 1
    }
    if (copies >= policy.minCopies) break
  }
  if (copies < policy.minCopies) return false
  await takeOut(parts, tier, content)
  tier.counts.demotions += 1
  return true
}
