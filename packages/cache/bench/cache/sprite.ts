/** B-6.sprite: misses of ARC that prefetching removes, on a trace. */
import { createMemoryCache } from '@ipfs-kit/cache'
import { arc } from '@ipfs-kit/cache/arc'
import { createPrefetcher } from '@ipfs-kit/cache/predictive'
import { round3, type Row } from './row.ts'
import { readTrace } from './traces.ts'

export const sprite: Row = {
  specs: [
    {
      id: 'B-6.sprite.removed',
      measure:
        "share of ARC's misses that prefetching removes, sprite at 10 % of its keys as entries of both",
      unit: 'ratio',
      bar: '>= 0.2',
    },
    {
      id: 'B-6.sprite.traffic',
      measure: 'values fetched, as a ratio to ARC without prefetching',
      unit: 'ratio',
      bar: '<= 1.15',
    },
  ],
  async measure({ traces, log }) {
    const others = await Promise.all(
      ['multi1', '2_pools', 'web07', 'loop'].map((name) => replay(traces, name)),
    )
    const { removed, traffic, ...detail } = await replay(traces, 'sprite')
    log(`B-6.sprite: removed ${removed}, traffic ${traffic}`)
    const more = { ...detail, others }
    return {
      'B-6.sprite.removed': { value: removed, samples: [removed], detail: more },
      'B-6.sprite.traffic': { value: traffic, samples: [traffic], detail: more },
    }
  },
}

/** Blocks ahead of a reader, which is the default: what waits for the reader is taken off the cache. */
const maxBlocks = 32

async function replay(traces: string, trace: string) {
  const { requests, keys } = readTrace(traces, trace)
  const names = Array.from({ length: keys }, (_, key) => `key ${key}`)
  const entries = Math.floor(keys / 10)
  const alone = createMemoryCache<true>({ maxEntries: entries, policy: arc })
  let misses = 0
  for (const key of requests) {
    if (alone.get(names[key]!) !== undefined) continue
    misses += 1
    alone.set(names[key]!, true)
  }
  let fetches = 0
  const cache = createMemoryCache<true>({ maxEntries: entries - maxBlocks, policy: arc })
  await using prefetcher = createPrefetcher<true>({
    cache,
    sizeOf: () => 1,
    fetch: () => {
      fetches += 1
      return true
    },
  })
  await using reader = prefetcher.reader()
  for (const key of requests) await reader.read(names[key]!)
  const { demands, prefetches, precision = 0, coverage = 0, workload } = prefetcher.stats()
  const left = demands - prefetches.inTime
  return {
    trace,
    entries,
    misses,
    removed: round3(1 - left / misses),
    traffic: round3(fetches / misses),
    precision: round3(precision),
    coverage: round3(coverage),
    prefetches,
    workload: workload.class,
  }
}
