/** `cache.stats`: what came of reads, and of reading ahead. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { TierStats } from '../tiered/tier.ts'
import { breakerState, count, usage } from './fields.ts'
import type { CacheSlice } from './part.ts'

const tierSchema = z.object({
  tier: z.string(),
  role: z.enum(['store', 'cache']),
  usage: usage.optional(),
  hits: count.describe('Reads that it answered'),
  misses: count.describe('Reads for which it had nothing'),
  puts: count,
  deletes: count,
  promotions: count.describe('Values that reads from further down have put here'),
  demotions: count.describe('Values that a sweep has taken out'),
  timeouts: count,
  failures: count,
  lies: count.describe('Bytes that were not those of their CID'),
  hedges: count.describe('Reads for which the next tier was asked before this one had answered'),
  hedgesLost: count,
  running: count,
  waiting: count,
  breaker: breakerState,
  lastFailure: z.string().optional(),
  evictions: z.record(z.string(), count).optional().describe('Of a memory tier: what went, by reason'),
  policy: z.string().optional().describe('Of a memory tier: what decides who goes'),
  order: z
    .record(z.string(), z.number())
    .optional()
    .describe('Of a memory tier: the numbers of its policy, as lengths of lists and ghosts that were met'),
})

const counts = z.object({
  started: count,
  inTime: count.describe('There when they were asked for'),
  late: count.describe('On their way when they were asked for'),
  never: count.describe('Arrived for nobody'),
  cancelled: count,
  failed: count,
})

const prefetchSchema = z.object({
  readers: count.describe('Readers that are open'),
  demands: count.describe('Reads that were not nearby'),
  cached: count.describe('Reads that were nearby'),
  prefetches: counts,
  bySource: z.object({ links: counts, run: counts, successor: counts }),
  precision: z.number().optional().describe('Part of the prefetches that a reader used'),
  coverage: z.number().optional().describe('Part of the demands that a prefetch answered'),
  demandedBytes: count,
  addedBytes: count.describe('Bytes that arrived for nobody'),
  stallMs: z.number().describe('Milliseconds that readers have waited'),
  savedMs: z.number().describe('Milliseconds that they did not wait thanks to prefetches; an estimate'),
  runningBytes: count,
  waitingBytes: count,
  maxBytes: count,
  workload: z.object({
    class: z.enum(['unknown', 'sequential', 'loop', 'clustered', 'random']),
    counts: z.object({ inOrder: count, strided: count, repeated: count, near: count, other: count }),
    on: z.object({ links: z.boolean(), run: z.boolean(), successor: z.boolean() }),
  }),
})

const statsSchema = z.object({
  name: z.string(),
  knownKeys: count.describe('Keys of which heat and places are remembered'),
  reads: z.object({
    running: count,
    started: count,
    shared: count.describe('Calls that waited for a search that ran already'),
  }),
  promotionsLeftOut: count,
  tiers: z.array(tierSchema),
  prefetch: prefetchSchema.optional(),
})

/** Tells the numbers. */
export const cacheStats = operation<CacheSlice<'stats', 'prefetcher'>>()({
  name: 'cache.stats',
  summary: 'Show what the tiers of the cache have answered, and what came of reading ahead',
  parts: ['cache'],
  input: z.object({}),
  output: statsSchema,
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: statsText,
  async run({ cache }) {
    const { name, knownKeys, reads, promotionsLeftOut, tiers } = cache.store.stats()
    const common = { name, knownKeys, reads, promotionsLeftOut, tiers: tiers.map(tierOf) }
    if (cache.prefetcher === undefined) return common
    const { name: _name, precision, coverage, ...prefetch } = cache.prefetcher.stats()
    return {
      ...common,
      prefetch: {
        ...prefetch,
        ...(precision === undefined ? {} : { precision }),
        ...(coverage === undefined ? {} : { coverage }),
      },
    }
  },
})

function tierOf({
  name,
  breaker,
  memory,
  doubtful: _doubtful,
  ...numbers
}: TierStats): z.output<typeof tierSchema> {
  return {
    tier: name,
    ...numbers,
    breaker: breaker.state,
    ...(breaker.lastFailure === undefined ? {} : { lastFailure: breaker.lastFailure }),
    ...(memory === undefined
      ? {}
      : { evictions: memory.evictions, policy: memory.policy, order: memory.order }),
  }
}

function statsText({ tiers, reads, prefetch }: z.output<typeof statsSchema>): string {
  const lines = tiers.flatMap((tier) => {
    const { hits, misses, promotions, failures, timeouts, lies } = tier
    const held = tier.usage === undefined ? '' : `${heldBy(tier.usage)}; `
    const open = tier.breaker === 'closed' ? '' : `; breaker ${tier.breaker}`
    return [
      `${tier.tier}  ${held}${hits} hits, ${misses} misses, ${promotions} promoted; ${failures + timeouts + lies} failures${open}`,
      ...partsOf(tier.usage?.byMediaType),
      ...partsOf(tier.usage?.byAge),
    ]
  })
  lines.push(`reads  ${reads.started} searches, ${reads.shared} shared one`)
  if (prefetch !== undefined) {
    const { started, inTime, late, never } = prefetch.prefetches
    lines.push(
      `ahead  ${started} prefetches: ${inTime} in time, ${late} late, ${never} never used (${prefetch.addedBytes} bytes); ${prefetch.workload.class} reading`,
    )
  }
  return lines.join('\n')
}

/** A line for each part that has any: `  image/png: 3 values (900 bytes)`. */
function partsOf(parts: z.output<typeof usage>['byAge'] = {}): string[] {
  const used = Object.entries(parts).filter(([, { entries }]) => entries > 0)
  return used.map(([name, part]) => `  ${name}: ${heldBy(part)}`)
}

/** `12 values (3400 of 67108864 bytes)`. */
export function heldBy({ entries, bytes, maxBytes }: z.output<typeof usage>): string {
  return `${entries} values (${bytes}${maxBytes === undefined ? '' : ` of ${maxBytes}`} bytes)`
}
