/** Runs a trace through caches of several policies and sizes. */
import { checkpoint } from '@ipfs-kit/concurrency'
import { arc } from '../arc-policy.ts'
import { lirs } from '../lirs-policy.ts'
import { lru } from '../lru-policy.ts'
import { createMemoryCache } from '../memory-cache.ts'
import { mostEntries } from '../memory-options.ts'
import type { Policy } from '../policy.ts'
import { s3Fifo } from '../s3-fifo-policy.ts'
import { beladyHits } from './belady.ts'
import type { Trace } from './trace.ts'

/** The policies by the names that they have on a command line. */
export const policyNames = ['lirs', 'arc', 's3-fifo', 'lru'] as const

export type PolicyName = (typeof policyNames)[number]

const policies: Readonly<Record<PolicyName, Policy>> = { lirs, arc, 's3-fifo': s3Fifo, lru }

/** What a cache made of a trace. */
export interface ReplayPoint {
  /** `min` is Belady's optimum: what no cache can do better than. */
  readonly policy: PolicyName | 'min'
  /** Entries, or bytes, that the cache had. */
  readonly size: number
  /** Hits by requests, 0 to 1. */
  readonly hitRatio: number
}

/** What to run. */
export interface ReplayOptions {
  readonly policies: readonly PolicyName[]
  /** What `sizes` count. Of bytes the trace has to say the sizes of its keys. */
  readonly unit: 'entries' | 'bytes'
  readonly sizes: readonly number[]
}

/** Requests between two looks at whether it is still wanted. */
const slice = 65_536

/** Runs a trace; for entries with Belady's optimum at the end of each size. LRU is always among them. */
export async function* replay(
  trace: Trace,
  { policies: wanted, unit, sizes }: ReplayOptions,
): AsyncGenerator<ReplayPoint, void, undefined> {
  const names = Array.from({ length: trace.keys }, (_, key) => `${key}`)
  for (const size of new Set(sizes)) {
    for (const policy of new Set<PolicyName>(['lru', ...wanted])) {
      yield { policy, size, hitRatio: await hitRatio(trace, names, policies[policy], unit, size) }
    }
    // Of bytes nobody can tell the optimum in reasonable time.
    if (unit === 'entries')
      yield { policy: 'min', size, hitRatio: (await beladyHits(trace, size)) / trace.requests.length }
  }
}

async function hitRatio(
  trace: Trace,
  names: readonly string[],
  policy: Policy,
  unit: 'entries' | 'bytes',
  size: number,
): Promise<number> {
  const { requests, sizes } = trace
  // Of bytes they alone are the limit, however small the values are.
  const limits = unit === 'entries' ? { maxEntries: size } : { maxEntries: mostEntries, maxBytes: size }
  await using cache = createMemoryCache<true>({ ...limits, policy })
  let hits = 0
  for (const [at, key] of requests.entries()) {
    if (at % slice === slice - 1) await checkpoint()
    const name = names[key]!
    if (cache.get(name) !== undefined) hits += 1
    else cache.set(name, true, sizes === undefined ? undefined : { bytes: sizes[key]! })
  }
  return hits / requests.length
}

/** Sizes to look at when nobody says any: powers of two from a hundredth of the keys, or bytes, up to all of them. */
export function usualSizes(trace: Trace, unit: 'entries' | 'bytes'): number[] {
  const whole =
    unit === 'entries'
      ? trace.keys
      : (trace.sizes ?? new Float64Array(0)).reduce((sum, size) => sum + size, 0)
  const most = unit === 'entries' ? mostEntries : Number.MAX_SAFE_INTEGER
  const shares = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64]
  return [...new Set(shares.map((share) => Math.min(most, Math.max(1, Math.round(whole * share)))))]
}
