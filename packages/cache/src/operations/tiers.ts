/** `cache.tiers`, `cache.clear`, `cache.move`: the tiers by name. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { CacheError } from '../errors.ts'
import { breakerState, count, key, usage } from './fields.ts'
import type { CacheSlice } from './part.ts'
import { heldBy } from './stats.ts'

const tierLine = z.object({
  tier: z.string(),
  role: z.enum(['store', 'cache']).describe('store: it keeps what it takes; cache: it may forget'),
  usage: usage.optional().describe('What it holds, if it can say so at once'),
  breaker: breakerState,
})

/** Lists the tiers. */
export const cacheTiers = operation<CacheSlice<'stats'>>()({
  name: 'cache.tiers',
  summary: 'List the tiers in the order in which reads ask them, with what each holds',
  parts: ['cache'],
  input: z.object({}),
  output: z.object({ tiers: z.array(tierLine) }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: ({ tiers }) =>
    tiers
      .map((tier) => {
        const held = tier.usage === undefined ? '' : `: ${heldBy(tier.usage)}`
        return `${tier.tier}  ${tier.role}${held}${tier.breaker === 'closed' ? '' : `; breaker ${tier.breaker}`}`
      })
      .join('\n'),
  async run({ cache }) {
    const tiers = cache.store.stats().tiers.map(({ name, role, usage: held, breaker }) => ({
      tier: name,
      role,
      ...(held === undefined ? {} : { usage: held }),
      breaker: breaker.state,
    }))
    return { tiers }
  },
})

/** Empties caches. */
export const cacheClear = operation<CacheSlice<'clear'>>()({
  name: 'cache.clear',
  summary: 'Empty the tiers that may forget, or one of them; what a store keeps stays',
  parts: ['cache'],
  input: z.object({ tier: z.string().min(1).optional().describe('name of the tier; default all caches') }),
  output: z.object({ tiers: z.array(z.object({ tier: z.string(), entries: count, bytes: count })) }),
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'admin',
  idempotent: true,
  doors: ['cli'],
  text: ({ tiers }) =>
    tiers.map(({ tier, ...held }) => `cleared ${tier}: ${heldBy(held)}`).join('\n') || 'there is no cache',
  async run({ cache }, { tier }, { signal }) {
    const tiers = await cache.store.clear({ signal, ...(tier === undefined ? {} : { tier }) })
    return { tiers: [...tiers] }
  },
})

/** Takes a value to a tier. */
export const cacheMove = operation<CacheSlice<'move'>>()({
  name: 'cache.move',
  summary: 'Take a value to a tier, and out of those above it as far as they may forget it',
  parts: ['cache'],
  input: z.object({ key, to: z.string().min(1).describe('name of the tier') }),
  output: z.object({
    key: z.string(),
    size: count,
    to: z.string(),
    wasThere: z.boolean().describe('Whether the tier had it before'),
    left: z.array(z.string()).describe('Tiers above that do not have it any more'),
    stays: z
      .array(z.object({ tier: z.string(), why: z.string() }))
      .describe('Tiers above that still have it, or may'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  doors: ['cli'],
  text: ({ key: moved, size, to, wasThere, left, stays }) =>
    [
      `${moved} (${size} bytes) ${wasThere ? 'was' : 'is'} in ${to}${left.length === 0 ? '' : `, and left ${left.join(', ')}`}`,
      ...stays.map(({ tier, why }) => `it stays in ${tier}: ${why}`),
    ].join('\n'),
  async run({ cache }, input, { signal }) {
    const report = await cache.store.move(input.key, input.to, { signal })
    if (report === undefined) throw noValue(input.key)
    return { ...report, left: [...report.left], stays: [...report.stays] }
  },
})

/** What a call gets that cannot do without the value. */
export function noValue(wanted: string): CacheError {
  return new CacheError('CACHE_NO_VALUE', `No tier has a value for ${JSON.stringify(wanted)}`)
}
