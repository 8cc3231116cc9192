import { createMemoryCache } from '@ipfs-kit/cache'
import { createPrefetcher } from '@ipfs-kit/cache/predictive'
import { moveOnAfter, run, shield, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { rejection } from './ground.ts'
import { begun, chain, fileDag, prefetcherOver, quiet, Tier } from './predictive-tier.ts'

const onBoth = forEachBackend(test, { seeds: 50 })

onBoth(
  'a file that is read in order is there before it is asked for',
  async () => {
    const dag = fileDag(10, 20)
    const tier = new Tier(dag, 20)
    await using prefetcher = prefetcherOver(tier)
    await using reader = prefetcher.reader()
    for (const key of dag.order) expect(await reader.read(key)).toEqual(tier.valueOf(key))
    const { precision, coverage, prefetches, stallMs, savedMs, addedBytes } = prefetcher.stats()
    expect([precision, addedBytes]).toEqual([1, 0])
    expect(coverage).toBeGreaterThan(0.98)
    expect(prefetches).toMatchObject({ never: 0, cancelled: 0, failed: 0, started: dag.order.length - 1 })
    expect(stallMs).toBeLessThan(0.3 * 20 * dag.order.length)
    expect(savedMs + stallMs).toBeGreaterThan(0.9 * 20 * dag.order.length)
    expect(tier.fetched).toBe(dag.order.length)
    expect(tier.mostRunning).toBeLessThanOrEqual(33)
    expect(prefetcher.stats().workload.class).toBe('sequential')
  },
  { seeds: 10, only: 'sim' },
)

onBoth('a demand for what is on its way waits for that fetch, and counts as late', async () => {
  const dag = chain(3)
  const tier = new Tier(dag, 10)
  const mayEnd = tier.hold('block 1')
  await using prefetcher = prefetcherOver(tier)
  await using reader = prefetcher.reader()
  await reader.read('block 0')
  await begun(tier, 'block 1')
  const reading = run(reader.read('block 1'))
  await waitAllTasksBlocked()
  mayEnd.set()
  await reading
  expect(tier.log.filter((key) => key === 'block 1')).toHaveLength(1)
  expect(tier.purposes.slice(0, 2)).toEqual(['demand block 0', 'prefetch block 1'])
  expect(prefetcher.stats()).toMatchObject({ prefetches: { late: 1, inTime: 0 }, demands: 2 })
})

onBoth('two reads of one block at once are one fetch', async () => {
  const tier = new Tier(chain(1), 10)
  await using prefetcher = prefetcherOver(tier)
  await using reader = prefetcher.reader()
  const values = await Promise.all([reader.read('block 0'), reader.read('block 0')])
  expect(values[0]).toBe(values[1])
  expect(tier.fetched).toBe(1)
})

onBoth(
  'a reader that leaves has everything cancelled that is on its way, and waits for its end',
  async () => {
    const dag = fileDag(4, 20)
    const tier = new Tier(dag, 20)
    await using prefetcher = prefetcherOver(tier)
    const reader = prefetcher.reader()
    for (const key of dag.order.slice(0, 12)) await reader.read(key)
    const { started, inTime, late } = prefetcher.stats().prefetches
    expect(started).toBeGreaterThan(inTime + late)
    const before = tier.fetched
    await reader.close()
    expect([tier.running, tier.fetched]).toEqual([0, before])
    await sleep(100)
    expect(tier.fetched).toBe(before)
    const { prefetches, runningBytes, waitingBytes, readers } = prefetcher.stats()
    const { started: all, ...ended } = prefetches
    expect(Object.values(ended).reduce((sum, count) => sum + count, 0)).toBe(all)
    expect([runningBytes, waitingBytes, readers]).toEqual([0, 0, 0])
    expect(await rejection(reader.read('root'))).toMatchObject({ code: 'CACHE_CLOSED' })
  },
)

onBoth('a scope that ends takes the prefetches of its readers with it', async () => {
  const dag = fileDag(4, 20)
  const tier = new Tier(dag, 20)
  await using prefetcher = prefetcherOver(tier)
  await moveOnAfter(150, async () => {
    await using reader = prefetcher.reader()
    for (const key of dag.order) await reader.read(key)
    await sleep(Number.POSITIVE_INFINITY)
  })
  expect(tier.running).toBe(0)
  expect(prefetcher.stats()).toMatchObject({ readers: 0, waitingBytes: 0, runningBytes: 0 })
})

onBoth('what waits for a reader goes with its scope, also if nobody closes it', async () => {
  const dag = fileDag(4, 20)
  const tier = new Tier(dag, 2)
  await using prefetcher = prefetcherOver(tier)
  await moveOnAfter(150, async () => {
    const reader = prefetcher.reader()
    for (const key of dag.order.slice(0, 20)) await reader.read(key)
    await quiet(prefetcher)
    expect(prefetcher.stats().waitingBytes).toBeGreaterThan(0)
    await sleep(Number.POSITIVE_INFINITY)
  })
  expect(prefetcher.stats()).toMatchObject({ readers: 0, waitingBytes: 0, runningBytes: 0 })
})

onBoth('fetches that heed no cancellation count as blocks ahead until they end', async () => {
  const dag = fileDag(8, 40)
  let running = 0
  let most = 0
  await using prefetcher = createPrefetcher<Uint8Array>({
    maxBlocks: 4,
    linksOf: (key) => dag.get(key) ?? [],
    fetch: (_key, { purpose }) =>
      shield(async () => {
        if (purpose === 'demand') return new Uint8Array(10)
        running += 1
        most = Math.max(most, running)
        await sleep(5)
        running -= 1
        return new Uint8Array(10)
      }),
  })
  await using reader = prefetcher.reader()
  for (let node = 0; node < 8; node += 1) {
    for (const key of ['root', `node ${node}`, `leaf ${node}.0`, `leaf ${node}.1`, `leaf ${node}.2`])
      await reader.read(key)
  }
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(4)
})

onBoth('steps of a generator that run in scopes of their own share one reader', async () => {
  const dag = fileDag(2, 20)
  const tier = new Tier(dag, 5)
  await using prefetcher = prefetcherOver(tier)
  await taskGroup(async (whole) => {
    async function* blocks(): AsyncGenerator<Uint8Array> {
      await using reader = prefetcher.reader({ scope: whole })
      for (const key of dag.order) yield await reader.read(key)
    }
    const reading = blocks()
    let count = 0
    for (;;) {
      const step = await taskGroup(async () => reading.next(), { name: 'step' })
      if (step.done === true) break
      count += 1
    }
    expect(count).toBe(dag.order.length)
  })
  expect(prefetcher.stats()).toMatchObject({ precision: 1, readers: 0 })
})

onBoth('a reader that goes elsewhere has what it left cancelled, and goes on ahead from there', async () => {
  const dag = fileDag(8, 40)
  const tier = new Tier(dag, 20)
  await using prefetcher = prefetcherOver(tier)
  await using reader = prefetcher.reader()
  for (const key of dag.order.slice(0, 30)) await reader.read(key)
  const wanted = ['node 6', 'leaf 6.11', 'leaf 6.12', 'leaf 6.13', 'leaf 6.14', 'leaf 6.15']
  tier.log.length = 0
  for (const key of wanted) await reader.read(key)
  const elsewhere = tier.log.filter((key) => !key.includes(' 6') && !key.includes(' 7'))
  expect(elsewhere).toEqual([])
  expect(prefetcher.stats().prefetches.inTime + prefetcher.stats().prefetches.late).toBeGreaterThan(25)
})

onBoth(
  "a prefetch that fails is nobody's failure, and the block is fetched anew when it is asked for",
  async () => {
    const tier = new Tier(chain(3), 5)
    tier.failNext.add('block 1')
    await using prefetcher = prefetcherOver(tier)
    await using reader = prefetcher.reader()
    await reader.read('block 0')
    await quiet(prefetcher)
    expect(prefetcher.stats().prefetches.failed).toBe(1)
    expect(await reader.read('block 1')).toEqual(tier.valueOf('block 1'))
  },
)

onBoth('a prefetch that fails while it is waited for fails the read', async () => {
  const tier = new Tier(chain(2), 10)
  const mayEnd = tier.hold('block 1')
  tier.failNext.add('block 1')
  await using prefetcher = prefetcherOver(tier)
  await using reader = prefetcher.reader()
  await reader.read('block 0')
  await begun(tier, 'block 1')
  const failing = run(rejection(reader.read('block 1')))
  await waitAllTasksBlocked()
  mayEnd.set()
  expect(await failing).toMatchObject({ message: 'the tier fails at block 1' })
  expect(await reader.read('block 1')).toEqual(tier.valueOf('block 1'))
})

onBoth('a prefetch that hangs holds up nothing, until its block is asked for', async () => {
  const dag = fileDag(1, 6)
  const tier = new Tier(dag, 5)
  tier.hang.add('leaf 0.3')
  await using prefetcher = prefetcherOver(tier)
  const reader = prefetcher.reader()
  for (const key of dag.order.slice(0, 5)) await reader.read(key)
  const asked = await moveOnAfter(50, async () => reader.read('leaf 0.3'))
  expect(asked).toBeUndefined()
  expect(await reader.read('leaf 0.4')).toEqual(tier.valueOf('leaf 0.4'))
  tier.hang.clear()
  expect(await reader.read('leaf 0.3')).toEqual(tier.valueOf('leaf 0.3'))
  await reader.close()
  expect(tier.running).toBe(0)
})

onBoth(
  'no more blocks and bytes are ahead than may be',
  async () => {
    const dag = fileDag(4, 50)
    const tier = new Tier(dag, 50)
    await using prefetcher = prefetcherOver(tier, { maxBlocks: 8, maxBytes: 500 })
    await using reader = prefetcher.reader()
    for (const key of dag.order) {
      await reader.read(key)
      const { runningBytes, waitingBytes } = prefetcher.stats()
      expect(runningBytes + waitingBytes).toBeLessThanOrEqual(500)
      expect(tier.running).toBeLessThanOrEqual(8)
    }
    expect(tier.mostRunning).toBeGreaterThan(2)
    expect(prefetcher.stats().precision).toBe(1)
  },
  { seeds: 10 },
)

onBoth(
  'a block that is larger than the room for it is given up, and fetched when it is asked for',
  async () => {
    const tier = new Tier(chain(3), 5)
    await using prefetcher = prefetcherOver(tier, { maxBytes: 10 })
    await using reader = prefetcher.reader()
    await reader.read('block 0')
    await quiet(prefetcher)
    expect(prefetcher.stats()).toMatchObject({ waitingBytes: 0, prefetches: { never: 1 } })
    expect(await reader.read('block 1')).toEqual(tier.valueOf('block 1'))
  },
)

onBoth('what the cache has is not fetched, and what was read goes into it', async () => {
  const dag = fileDag(1, 10)
  const tier = new Tier(dag, 5)
  await using cache = createMemoryCache<Uint8Array>({ maxEntries: 100 })
  await using prefetcher = prefetcherOver(tier, { cache })
  cache.set('leaf 0.4', tier.valueOf('leaf 0.4'))
  await using reader = prefetcher.reader()
  for (const key of dag.order) await reader.read(key)
  expect(tier.log).not.toContain('leaf 0.4')
  expect(dag.order.every((key) => cache.has(key))).toBe(true)
  expect(prefetcher.stats()).toMatchObject({ cached: 1, demands: dag.order.length - 1 })
  await using again = prefetcher.reader()
  for (const key of dag.order) await again.read(key)
  expect(tier.fetched).toBe(dag.order.length - 1)
})

onBoth('links that lie cost what they add, and no more than the budgets', async () => {
  const tier = new Tier(new Map([['self', ['self', 'self', 'gone', 'self']]]), 1)
  await using prefetcher = prefetcherOver(tier)
  await using reader = prefetcher.reader()
  for (let at = 0; at < 50; at += 1) await reader.read('self')
  expect(tier.fetched).toBeLessThanOrEqual(100)
  expect(tier.log.filter((key) => key === 'gone').length).toBeLessThanOrEqual(50)
})

onBoth('a signal ends the read with its own reason, and its fetch with it', async () => {
  const tier = new Tier(chain(1), 1)
  tier.hang.add('block 0')
  await using prefetcher = prefetcherOver(tier)
  await using reader = prefetcher.reader()
  const abort = new AbortController()
  const asked = run(rejection(reader.read('block 0', { signal: abort.signal })))
  await sleep(5)
  abort.abort('enough')
  expect(await asked).toBe('enough')
  while (tier.running > 0) await sleep(1)
})

onBoth('closing tells the reads that wait', async () => {
  const tier = new Tier(chain(2), 1)
  tier.hang.add('block 0')
  const prefetcher = prefetcherOver(tier)
  const reader = prefetcher.reader()
  const asked = run(rejection(reader.read('block 0')))
  await sleep(1)
  await prefetcher.close()
  expect(await asked).toMatchObject({ code: 'CACHE_CLOSED' })
  expect(tier.running).toBe(0)
  expect(() => prefetcher.reader()).toThrow(expect.objectContaining({ code: 'CACHE_CLOSED' }))
})

test('a reader can be cancelled at every step and leaves nothing behind', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const dag = fileDag(2, 4)
      const tier = new Tier(dag, 3)
      tier.failNext.add('leaf 1.1')
      const prefetcher = prefetcherOver(tier, { maxBlocks: 4 })
      await victim(async () => {
        await using reader = prefetcher.reader()
        for (const key of ['root', 'node 0', 'leaf 0.0', 'leaf 0.1', 'leaf 0.2', 'node 1', 'leaf 1.2']) {
          await reader.read(key)
          await sleep(1)
        }
      })
      expect(tier.running).toBe(0)
      const { prefetches, runningBytes, waitingBytes, readers } = prefetcher.stats()
      const { started, ...ended } = prefetches
      expect(Object.values(ended).reduce((sum, count) => sum + count, 0)).toBe(started)
      expect([runningBytes, waitingBytes, readers]).toEqual([0, 0, 0])
    },
    { seeds: 5 },
  )
})
