import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createMemoryCache } from '@ipfs-kit/cache'
import { arc } from '@ipfs-kit/cache/arc'
import { createPredictor, createPrefetcher, type PrefetchCounts } from '@ipfs-kit/cache/predictive'
import { checkpoint, createEvent, type Event, now, shield, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chain, fileDag, prefetcherOver, quiet, Tier } from './predictive-tier.ts'

const onBoth = forEachBackend(test, { seeds: 30 })

/** Prefetches that began, and how many have ended somehow. */
function ended(prefetches: PrefetchCounts): [started: number, ended: number] {
  const { started, ...outcomes } = prefetches
  return [started, Object.values(outcomes).reduce((sum, count) => sum + count, 0)]
}

onBoth('a loop that no cache can hold is fetched ahead from its second round on', async () => {
  const tier = new Tier(new Map(), 10)
  await using cache = createMemoryCache<Uint8Array>({ maxEntries: 5, policy: arc })
  await using prefetcher = prefetcherOver(tier, { cache })
  await using reader = prefetcher.reader()
  for (let at = 0; at < 200; at += 1) {
    expect(await reader.read(`key ${at % 20}`)).toEqual(tier.valueOf(`key ${at % 20}`))
    await quiet(prefetcher)
  }
  const { precision, coverage, bySource, workload } = prefetcher.stats()
  expect(workload.class).toBe('loop')
  expect(precision).toBeGreaterThan(0.95)
  expect(coverage).toBeGreaterThan(0.8)
  expect(bySource.successor.inTime).toBeGreaterThan(150)
  expect(cache.stats().entries).toBeLessThanOrEqual(5)
})

onBoth('a run of positions is fetched ahead, with its stride', async () => {
  const tier = new Tier(new Map(), 5)
  await using prefetcher = prefetcherOver(tier)
  await using reader = prefetcher.reader({ keyAt: (at) => (at < 120 ? `chunk ${at}` : undefined) })
  for (let position = 0; position < 120; position += 3) await reader.read(`chunk ${position}`, { position })
  const { precision, bySource } = prefetcher.stats()
  expect(precision).toBe(1)
  expect(bySource.run.inTime + bySource.run.late).toBeGreaterThan(35)
})

onBoth(
  'random reads cause next to no traffic',
  async () => {
    const dag = fileDag(20, 50)
    const tier = new Tier(dag, 1)
    await using prefetcher = prefetcherOver(tier)
    let seed = 7
    const next = (): number => (seed = (seed * 48_271) % 2_147_483_647)
    for (let at = 0; at < 200; at += 1) {
      await using reader = prefetcher.reader()
      const node = next() % 20
      for (const key of ['root', `node ${node}`, `leaf ${node}.${next() % 50}`]) await reader.read(key)
    }
    expect(tier.log.length).toBeLessThanOrEqual(600 * 1.02)
  },
  { seeds: 10, only: 'sim' },
)

onBoth('guesses that nobody uses stop, whatever they were trusted with', async () => {
  const tier = new Tier(new Map(), 1)
  const predictor = createPredictor()
  // It learns that one key follows the other, three times; then it never does again.
  await using prefetcher = prefetcherOver(tier, { predictor, maxAddedShare: 0.05 })
  const stream = predictor.stream()
  for (let round = 0; round < 4; round += 1) {
    for (let at = 0; at < 100; at += 1) for (const key of [`key ${at}`, `never ${at}`]) stream.observe(key)
  }
  await using reader = prefetcher.reader()
  for (let at = 0; at < 100; at += 1) {
    await reader.read(`key ${at}`)
    await quiet(prefetcher)
  }
  const { prefetches, addedBytes, demandedBytes } = prefetcher.stats()
  expect(prefetches.started).toBeLessThanOrEqual(8 + 100 * 0.05 + 1)
  expect(addedBytes).toBeLessThanOrEqual(0.05 * demandedBytes + 8 * 50)
})

onBoth('without a share for traffic nothing is guessed beyond the first eight', async () => {
  const tier = new Tier(new Map(), 1)
  await using prefetcher = prefetcherOver(tier, { maxAddedShare: 0 })
  await using reader = prefetcher.reader()
  for (let at = 0; at < 100; at += 1) {
    await reader.read(`key ${at % 2 === 0 ? 0 : at}`)
    await quiet(prefetcher)
  }
  expect(prefetcher.stats().prefetches.started).toBeLessThanOrEqual(9)
})

onBoth(
  'a slow reader has few blocks waiting, a fast one many on their way',
  async () => {
    const dag = fileDag(1, 100)
    const slow = new Tier(dag, 2)
    await using leisurely = prefetcherOver(slow)
    {
      await using reader = leisurely.reader()
      for (const key of dag.order.slice(0, 30)) {
        await reader.read(key)
        await sleep(20)
      }
      const { prefetches } = leisurely.stats()
      expect(prefetches.started - prefetches.inTime - prefetches.late).toBeLessThanOrEqual(3)
    }
    const fast = new Tier(dag, 20)
    await using hasty = prefetcherOver(fast)
    await using reader = hasty.reader()
    for (const key of dag.order) await reader.read(key)
    expect(fast.mostRunning).toBeGreaterThan(8)
  },
  { seeds: 10, only: 'sim' },
)

onBoth(
  'what is saved is as long as the fetches took, without what was still waited',
  async () => {
    const tier = new Tier(chain(3), 100)
    await using prefetcher = prefetcherOver(tier)
    await using reader = prefetcher.reader()
    await reader.read('block 0')
    await sleep(60)
    await reader.read('block 1')
    await sleep(150)
    const began = now()
    await reader.read('block 2')
    const { stallMs, savedMs, prefetches } = prefetcher.stats()
    expect(prefetches).toMatchObject({ late: 1, inTime: 1 })
    expect(now() - began).toBeLessThan(90)
    // 100 and 40 of waiting; 60 and 100 of none.
    expect(Math.abs(stallMs - 140)).toBeLessThan(30)
    expect(Math.abs(savedMs - 160)).toBeLessThan(30)
  },
  { seeds: 10, only: 'sim' },
)

onBoth(
  'readers share the bytes that may be ahead',
  async () => {
    const dag = fileDag(2, 40)
    const tier = new Tier(dag, 5)
    await using prefetcher = prefetcherOver(tier, { maxBytes: 600 })
    await taskGroup((group) => {
      for (let at = 0; at < 4; at += 1) {
        group.spawn(async () => {
          await using reader = prefetcher.reader()
          for (const key of dag.order) {
            expect(await reader.read(key)).toEqual(tier.valueOf(key))
            const { runningBytes, waitingBytes } = prefetcher.stats()
            expect(runningBytes + waitingBytes).toBeLessThanOrEqual(600)
          }
        })
      }
    })
    expect(prefetcher.stats()).toMatchObject({ runningBytes: 0, waitingBytes: 0, readers: 0 })
  },
  { seeds: 10 },
)

onBoth('a reader with links of its own is not read ahead of beyond them', async () => {
  const dag = fileDag(3, 5)
  const tier = new Tier(dag, 3)
  await using prefetcher = prefetcherOver(tier)
  const wanted = new Set(['node 1', 'leaf 1.0', 'leaf 1.1'])
  await using reader = prefetcher.reader({
    linksOf: (key) => tier.linksOf(key).filter((link) => wanted.has(link)),
  })
  for (const key of ['root', 'node 1', 'leaf 1.0', 'leaf 1.1']) await reader.read(key)
  await quiet(prefetcher)
  expect(tier.log.toSorted()).toEqual(['leaf 1.0', 'leaf 1.1', 'node 1', 'root'])
})

onBoth('links that cannot be read fail the read of their block, and no other', async () => {
  const tier = new Tier(chain(3), 2)
  const linksOf = (key: string): readonly string[] => {
    if (key === 'block 1') throw new Error('no links in here')
    return tier.linksOf(key)
  }
  await using prefetcher = prefetcherOver(tier, { linksOf })
  await using reader = prefetcher.reader()
  await reader.read('block 0')
  await quiet(prefetcher)
  expect(prefetcher.stats().prefetches.failed).toBe(1)
  await expect(reader.read('block 1')).rejects.toThrow('no links in here')
  expect(await reader.read('block 2')).toEqual(tier.valueOf('block 2'))
})

onBoth(
  'bytes that arrive for a prefetch whose links cannot be read are added traffic, and bounded',
  async () => {
    const dag = fileDag(1, 100)
    const tier = new Tier(dag, 2)
    const asked = new Set<string>()
    const linksOf = (key: string): readonly string[] => {
      if (asked.has(key) || !key.startsWith('leaf')) return tier.linksOf(key)
      asked.add(key)
      throw new Error('not at first')
    }
    await using prefetcher = prefetcherOver(tier, { linksOf, maxBytes: 600 })
    await using reader = prefetcher.reader()
    for (const key of dag.order) {
      await reader.read(key).catch(() => {})
      await quiet(prefetcher)
    }
    const { addedBytes, demandedBytes, prefetches } = prefetcher.stats()
    expect(prefetches.failed).toBeGreaterThan(5)
    expect(addedBytes).toBe(50 * prefetches.failed)
    expect(addedBytes).toBeLessThanOrEqual(0.1 * demandedBytes + 600 + 600)
  },
)

onBoth(
  'what a reader asked for and did not wait for is no added traffic, and no answer of a prefetch',
  async () => {
    const mayEnd: Record<string, Event> = { first: createEvent(), next: createEvent() }
    const deaf = async (key: string): Promise<Uint8Array> => {
      await shield(() => mayEnd[key]!.wait())
      return new Uint8Array(50)
    }
    await using prefetcher = createPrefetcher<Uint8Array>({ fetch: deaf, linksOf: () => ['next'] })
    await using reader = prefetcher.reader()
    const leave = (key: string) =>
      taskGroup(async (group) => {
        const reading = group.spawn(async () => void (await reader.read(key)))
        await waitAllTasksBlocked()
        reading.cancel()
      })
    await leave('first')
    mayEnd['first']!.set()
    await waitAllTasksBlocked()
    expect(prefetcher.stats()).toMatchObject({ demands: 1, addedBytes: 0, coverage: 0 })
    await reader.read('first')
    await leave('next')
    mayEnd['next']!.set()
    await waitAllTasksBlocked()
    expect(prefetcher.stats()).toMatchObject({ demands: 3, addedBytes: 50, coverage: 0 })
  },
)

onBoth('a cache that is closed fails the reads, not what is ahead of them', async () => {
  const tier = new Tier(chain(3), 2)
  const cache = createMemoryCache<Uint8Array>({ maxEntries: 10 })
  await using prefetcher = prefetcherOver(tier, { cache })
  await using reader = prefetcher.reader()
  await reader.read('block 0')
  await quiet(prefetcher)
  await cache.close()
  await expect(reader.read('block 1')).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
  await reader.close()
  const [started, over] = ended(prefetcher.stats().prefetches)
  expect(over).toBe(started)
})

onBoth('who listens is told how each prefetch ended, without keys', async () => {
  const told: unknown[] = []
  const listen = (message: unknown): unknown => told.push(message)
  subscribe('cache:prefetch', listen)
  try {
    const tier = new Tier(chain(2), 5)
    await using prefetcher = prefetcherOver(tier, { name: 'mine' })
    await using reader = prefetcher.reader()
    await reader.read('block 0')
    await quiet(prefetcher)
    await reader.read('block 1')
  } finally {
    unsubscribe('cache:prefetch', listen)
  }
  expect(told).toEqual([{ prefetcher: 'mine', source: 'links', outcome: 'inTime', bytes: 50 }])
})

test('whatever is read, in whatever order, with whatever failures: values are right and counts add up', async () => {
  const dag = fileDag(3, 4)
  const step = fc.record({
    key: fc.constantFrom(...dag.order, 'elsewhere 1', 'elsewhere 2'),
    what: fc.constantFrom('read', 'read', 'read', 'along', 'fail', 'pause', 'leave', 'together'),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 20, max: 400 }),
      async (steps, maxBlocks, maxBytes) => {
        const tier = new Tier(dag, 0)
        const prefetcher = prefetcherOver(tier, { maxBlocks, maxBytes })
        let reader = prefetcher.reader()
        let at = 0
        let reads = 0
        const read = async (key: string): Promise<void> => {
          reads += 1
          try {
            expect(await reader.read(key)).toEqual(tier.valueOf(key))
          } catch (error) {
            expect((error as Error).message).toBe(`the tier fails at ${key}`)
          }
          const { runningBytes, waitingBytes, prefetches } = prefetcher.stats()
          expect(runningBytes + waitingBytes).toBeLessThanOrEqual(maxBytes)
          const [started, over] = ended(prefetches)
          expect(started - over).toBeLessThanOrEqual(maxBlocks)
        }
        for (const { key, what } of steps) {
          if (what === 'fail') tier.failNext.add(key)
          else if (what === 'pause') await checkpoint()
          else if (what === 'along') await read(dag.order[(at += 1) % dag.order.length]!)
          else if (what === 'together') await Promise.all([read(key), read(key)])
          else if (what === 'leave') {
            await reader.close()
            reader = prefetcher.reader()
          } else await read(key)
        }
        await prefetcher.close()
        const { prefetches, demands, cached, runningBytes, waitingBytes, readers } = prefetcher.stats()
        const [started, over] = ended(prefetches)
        expect(over).toBe(started)
        expect([demands + cached, runningBytes, waitingBytes, readers, tier.running]).toEqual([
          reads,
          0,
          0,
          0,
          0,
        ])
      },
    ),
    { numRuns: 150 },
  )
})

test('bad options are refused', () => {
  const fetch = async (): Promise<Uint8Array> => new Uint8Array()
  // @ts-expect-error no options
  expect(() => createPrefetcher()).toThrow(TypeError)
  // @ts-expect-error no fetch
  expect(() => createPrefetcher({})).toThrow('fetch is a function')
  // @ts-expect-error an option that is none
  expect(() => createPrefetcher({ fetch, maxBlock: 1 })).toThrow('has no option maxBlock')
  const wrong = [
    { maxBlocks: 0 },
    { maxBlocks: 4097 },
    { maxBytes: 0 },
    { maxBytes: Number.POSITIVE_INFINITY },
    { maxAddedShare: -1 },
    { maxAddedShare: Number.NaN },
    { maxAddedShare: 2 },
  ]
  for (const option of wrong) expect(() => createPrefetcher({ fetch, ...option })).toThrow(RangeError)
  for (const option of [
    { name: '' },
    { has: 1 },
    { linksOf: 1 },
    { sizeOf: 1 },
    { cache: {} },
    { predictor: {} },
  ])
    // @ts-expect-error of a wrong type
    expect(() => createPrefetcher({ fetch, ...option })).toThrow(TypeError)
  const prefetcher = createPrefetcher({ fetch })
  // @ts-expect-error an option that is none
  expect(() => prefetcher.reader({ position: 1 })).toThrow('has no option position')
  // @ts-expect-error no function
  expect(() => prefetcher.reader({ linksOf: 1 })).toThrow('linksOf is a function')
  expect(Object.isFrozen(prefetcher.stats())).toBe(true)
})

onBoth('sizes that are none, and values without a size, fail their read', async () => {
  for (const sizeOf of [() => -1, () => Number.NaN, () => 0.5]) {
    await using prefetcher = createPrefetcher<string>({ fetch: () => 'value', sizeOf })
    await using reader = prefetcher.reader()
    await expect(reader.read('key')).rejects.toThrow(RangeError)
  }
  await using prefetcher = createPrefetcher<string>({ fetch: () => 'value' })
  await using reader = prefetcher.reader()
  await expect(reader.read('key')).rejects.toThrow('give sizeOf')
  // @ts-expect-error no key
  await expect(reader.read(7)).rejects.toThrow(TypeError)
  await expect(reader.read('key', { position: -1 })).rejects.toThrow(RangeError)
})
