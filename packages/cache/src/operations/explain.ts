/** `cache.explain`: where a value is, and why. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { breakerState, count, key } from './fields.ts'
import type { TierEntry } from '../tiered/policy.ts'
import type { CacheSlice } from './part.ts'

const state = z.enum(['present', 'absent', 'unknown'])

const explanation = z.object({
  key: z.string().describe('As the tiers have it'),
  state: state.describe('unknown: a store that may have it did not answer'),
  heat: z.number().describe('Reads and puts, of which each counts half after heatHalfLifeMs'),
  heatHalfLifeMs: z.number(),
  hits: count.describe('Reads since the key is remembered'),
  promoteAfterHits: count,
  tiers: z.array(
    z.object({
      tier: z.string(),
      role: z.enum(['store', 'cache']),
      state,
      size: count.optional(),
      reason: z.enum(['put', 'promoted', 'demoted', 'moved', 'found']).optional(),
      sinceMs: z.number().optional().describe('On the clock of the cache'),
      ageMs: z.number().optional(),
      storedAt: z.iso.datetime().optional().describe('By the tier itself, as the two that follow'),
      expiresAt: z.iso.datetime().optional(),
      mediaType: z.string().optional(),
      breaker: breakerState,
      isAdmitted: z.boolean().optional().describe('Whether the rules of the tier let it in'),
      why: z.string(),
    }),
  ),
  why: z.string(),
})

/** Explains a key. */
export const cacheExplain = operation<CacheSlice<'explain'>>()({
  name: 'cache.explain',
  summary: 'Tell in which tiers a value is, since when and why, and how hot it is',
  parts: ['cache'],
  input: z.object({ key }),
  output: explanation,
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: (found) =>
    [
      `${found.key}: ${found.state}, heat ${found.heat.toFixed(2)}, ${found.hits} reads. ${found.why}`,
      ...found.tiers.map(lineOf),
    ].join('\n'),
  async run({ cache }, input, { signal }) {
    const found = await cache.store.explain(input.key, { signal })
    const tiers = found.tiers.map(({ entry = {}, ...tier }) => ({ ...tier, ...known(entry) }))
    return { ...found, tiers }
  },
})

function lineOf(tier: z.output<typeof explanation>['tiers'][number]): string {
  const { storedAt, expiresAt, mediaType } = tier
  const more = [
    ...(storedAt === undefined ? [] : [`stored ${storedAt}`]),
    ...(expiresAt === undefined ? [] : [`expires ${expiresAt}`]),
    ...(mediaType === undefined ? [] : [mediaType]),
  ]
  return `${tier.tier}  ${tier.state}. ${tier.why}${more.length === 0 ? '' : ` (${more.join(', ')})`}`
}

/** What a tier knows, where it knows it. */
function known({ storedAt, expiresAt, mediaType }: TierEntry) {
  return {
    ...(isTime(storedAt) ? { storedAt: new Date(storedAt).toISOString() } : {}),
    ...(isTime(expiresAt) ? { expiresAt: new Date(expiresAt).toISOString() } : {}),
    ...(mediaType === undefined ? {} : { mediaType }),
  }
}

function isTime(ms: number | undefined): ms is number {
  return ms !== undefined && Math.abs(ms) <= lastTimeMs
}

/** The last moment that a Date can be. */
const lastTimeMs = 8.64e15
