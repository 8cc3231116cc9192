/** What a tiered store knows of a key. */
import { map, throwIfCancelled } from '@ipfs-kit/concurrency'
import { type BreakerState, sayingOf } from './breaker.ts'
import type { Content } from './content.ts'
import type { Place } from './known-keys.ts'
import { entryOf, type Parts } from './parts.ts'
import type { TierEntry } from './policy.ts'
import type { Tier } from './tier.ts'

/** A key in one tier. */
export interface TierExplanation {
  readonly tier: string
  readonly role: 'store' | 'cache'
  /** `unknown`: it could not be asked, or did not answer. */
  readonly state: 'present' | 'absent' | 'unknown'
  readonly size?: number
  /** How it came here, as far as that is remembered. */
  readonly reason?: Place['reason']
  /** Since when, on the clock of the store, and how long that is. */
  readonly sinceMs?: number
  readonly ageMs?: number
  /** What the tier itself knows of it. */
  readonly entry?: TierEntry
  readonly breaker: BreakerState
  /** Whether the rules of the tier let it in; absent if its size is unknown. */
  readonly isAdmitted?: boolean
  /** One sentence for people. */
  readonly why: string
}

/** What {@link Tiered.explain} says. */
export interface KeyExplanation {
  /** As tiers have it. */
  readonly key: string
  /** `present`: a tier has it. `absent`: none of the stores has it. `unknown`: one that may have it did not answer. */
  readonly state: 'present' | 'absent' | 'unknown'
  /** The count of reads and puts that halves in `heatHalfLifeMs`, at this moment. */
  readonly heat: number
  readonly heatHalfLifeMs: number
  /** Reads since the key is remembered. */
  readonly hits: number
  readonly promoteAfterHits: number
  /** In the order in which they are asked. */
  readonly tiers: readonly TierExplanation[]
  /** One sentence for people. */
  readonly why: string
}

/** Asks all tiers. Nothing counts as a read. */
export async function explainKey(parts: Parts, content: Content): Promise<KeyExplanation> {
  const { policy, known, stores } = parts
  const looks = await map(parts.tiers, (tier) => look(parts, tier, content), {
    concurrency: parts.tiers.length,
  })
  const size = looks.find((one) => one.size !== undefined)?.size
  const tiers = looks.map((one, at) => {
    if (size === undefined) return one
    const isAdmitted = parts.tiers[at]!.admits(size, policy.typeOf?.(content.key))
    return { ...one, isAdmitted }
  })
  const entry = entryOf(parts, content.key)
  const isOpen = tiers.some(({ state }, at) => state === 'unknown' && stores.includes(parts.tiers[at]!))
  const isPresent = tiers.some((one) => one.state === 'present')
  const state = isPresent ? 'present' : isOpen ? 'unknown' : 'absent'
  const present = tiers.filter((one) => one.state === 'present').map(({ tier }) => tier)
  const heat = entry === undefined ? 0 : known.heatOf(entry)
  return {
    key: content.key,
    state,
    heat,
    heatHalfLifeMs: policy.heatHalfLifeMs,
    hits: entry?.hits ?? 0,
    promoteAfterHits: policy.promoteAfterHits,
    tiers,
    why: {
      present: `It is in ${present.join(', ')}; reads ask ${present[0]} first.`,
      unknown: 'No tier that answered has it, and one that may have it did not answer.',
      absent:
        entry === undefined
          ? 'No tier has it, and nothing is remembered of it: it was never put or found here, or that is long ago.'
          : 'No tier has it any more.',
    }[state],
  }
}

async function look(parts: Parts, tier: Tier, content: Content): Promise<TierExplanation> {
  const { name, rules, breaker } = tier
  const common = { tier: name, role: rules.role, breaker: breaker.stats().state }
  if (!tier.knows(content)) return { ...common, state: 'absent', why: 'Its keys are CIDs, and this is none.' }
  const silence = tier.silence(content)
  if (silence !== undefined) return { ...common, state: 'unknown', why: `It is not asked: ${silence}.` }
  try {
    const stat = await tier.stat(content)
    if (stat === undefined) return { ...common, state: 'absent', why: 'It does not have it.' }
    const entry = await tier.entry(content)
    const found = { ...common, state: 'present' as const, size: stat.size, ...(entry && { entry }) }
    const place = parts.known.get(content.key)?.places[tier.index]
    if (place === undefined) return { ...found, why: 'It has it; since when is not remembered.' }
    const ageMs = Math.max(0, parts.known.now() - place.sinceMs)
    const why = `It has it, ${sentences[place.reason]} ${Math.round(ageMs)} ms ago.`
    return { ...found, ...place, ageMs, why }
  } catch (error) {
    throwIfCancelled()
    return { ...common, state: 'unknown', why: `It did not answer: ${sayingOf(error)}.` }
  }
}

const sentences = {
  put: 'by a put',
  promoted: 'since a read found it further down',
  demoted: 'since a sweep took it out further up',
  moved: 'by a call that moved it here',
  found: 'as a read found',
}
