import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { bytesOf, keyOf } from './tiered-cids.ts'
import { faultyMemory } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const maxBytes = 16 * 1024 * 1024
const bytes = bytesOf(1, 5000)
const key = keyOf(bytes)
const halfLife = 1000

/** A clock that stands where it is set. */
function clock() {
  const made = { time: 5000, now: () => made.time }
  return made
}

onBoth('explain says where a key is, since when, and why', async () => {
  const [disk, far] = [faultyMemory('disk'), faultyMemory('far')]
  const hands = clock()
  await using store = tiered([createMemoryTier({ maxBytes }), disk, far], {
    now: hands.now,
    tiers: { memory: { maxValueBytes: 4000 } },
  })
  await far.good.put(key, bytes)
  await store.put('put', bytesOf(2))
  hands.time += 250
  await store.getBytes(key)
  while (store.stats().tiers[1]!.promotions === 0) await store.stat(key)
  hands.time += 1000
  const explained = await store.explain(key)
  expect(explained).toMatchObject({ key, state: 'present', hits: 1, promoteAfterHits: 1 })
  expect(explained.tiers).toMatchObject([
    { tier: 'memory', role: 'cache', state: 'absent', isAdmitted: false },
    {
      tier: 'disk',
      role: 'store',
      state: 'present',
      size: 5000,
      reason: 'promoted',
      sinceMs: 5250,
      ageMs: 1000,
    },
    { tier: 'far', state: 'present', reason: 'found', sinceMs: 5250, breaker: 'closed', isAdmitted: true },
  ])
  expect(explained.why).toBe('It is in disk, far; reads ask disk first.')
  expect((await store.explain('put')).tiers).toMatchObject([
    { state: 'present', reason: 'put', sinceMs: 5000, ageMs: 1250 },
    { state: 'present', reason: 'put' },
    { state: 'present', reason: 'put' },
  ])
})

onBoth('explain of a key that never was says so, and remembers nothing', async () => {
  await using store = tiered([createMemoryTier({ maxBytes }), faultyMemory('far')])
  const { state, heat, hits, tiers, why } = await store.explain('never')
  expect([state, heat, hits]).toEqual(['absent', 0, 0])
  expect(tiers.map((tier) => tier.state)).toEqual(['absent', 'absent'])
  expect(why).toContain('never put or found')
  expect(await store.getBytes('never')).toBe(undefined)
  expect(store.stats().knownKeys).toBe(0)
})

onBoth('explain says which tier it could not ask, and why', async () => {
  const [near, far] = [faultyMemory('near', { fails: true }), faultyMemory('far', { hangs: true })]
  await using store = tiered([near, far], { breaker: { failures: 2 }, tiers: { far: { timeoutMs: 10 } } })
  const first = await store.explain('a')
  expect(first.state).toBe('unknown')
  expect(first.tiers).toMatchObject([
    { state: 'unknown', why: 'It did not answer: EIO.' },
    { state: 'unknown', why: 'It did not answer: TimeoutError.' },
  ])
  await store.explain('a')
  const third = await store.explain('a')
  expect(third.tiers).toMatchObject([
    { state: 'unknown', breaker: 'open', why: 'It is not asked: its circuit breaker is open.' },
    { state: 'unknown', breaker: 'open' },
  ])
})

onBoth('heat halves in each half life, in memory and below', async () => {
  const hands = clock()
  await using store = tiered([createMemoryTier({ maxBytes }), faultyMemory('far')], {
    now: hands.now,
    heatHalfLifeMs: halfLife,
    tiers: { memory: { maxValueBytes: 1000 } },
  })
  await store.put('large', bytes)
  await store.put('small', bytesOf(1))
  for (let reads = 0; reads < 7; reads += 1) await store.getBytes('large')
  for (let reads = 0; reads < 7; reads += 1) store.peek('small')
  for (const one of ['large', 'small']) {
    expect(await store.explain(one)).toMatchObject({ heat: 8, hits: 7, heatHalfLifeMs: halfLife })
  }
  hands.time += halfLife
  for (const one of ['large', 'small']) expect((await store.explain(one)).heat).toBeCloseTo(4, 9)
  await store.getBytes('large')
  hands.time += 2 * halfLife
  expect((await store.explain('large')).heat).toBeCloseTo(1.25, 9)
})

onBoth(
  'the heat of reads from memory is that of their time to a hundredth, and outlives eviction',
  async () => {
    const hands = clock()
    const memory = createMemoryTier({ maxBytes: 1000 })
    await using store = tiered([memory, faultyMemory('far')], { now: hands.now, heatHalfLifeMs: halfLife })
    await store.put('a', bytesOf(1, 600))
    for (let round = 0; round < 10; round += 1) {
      for (let reads = 0; reads < 160; reads += 1) store.peek('a')
      hands.time += halfLife
    }
    await store.put('b', bytesOf(2, 600))
    await store.put('c', bytesOf(3, 600))
    expect(store.peek('a')).toBe(undefined)
    const { heat, hits } = await store.explain('a')
    expect(hits).toBe(1600)
    // 160 in each of ten rounds, each half as hot as the next.
    expect(Math.abs(heat - 160)).toBeLessThan(160 * 0.11)
  },
)

onBoth('a clock that jumps makes no nonsense of heat and ages', async () => {
  const hands = clock()
  await using store = tiered([createMemoryTier({ maxBytes }), faultyMemory('far')], {
    now: hands.now,
    heatHalfLifeMs: halfLife,
    tiers: { memory: { maxValueBytes: 1000 } },
  })
  for (const one of ['large', 'small']) await store.put(one, one === 'large' ? bytes : bytesOf(1))
  hands.time = -1e12
  for (const one of ['large', 'small']) {
    await store.getBytes(one)
    const { heat, tiers } = await store.explain(one)
    expect(heat).toBe(2)
    expect(tiers.at(-1)!.ageMs).toBe(0)
  }
  hands.time = 1e15
  for (const one of ['large', 'small']) await store.getBytes(one)
  expect((await store.explain('large')).heat).toBe(1)
  // Up to 15 reads from memory count as early as the last that looked at the clock.
  expect((await store.explain('small')).heat).toBe(0)
  for (let reads = 0; reads < 16; reads += 1) store.peek('small')
  expect((await store.explain('small')).heat).toBeGreaterThanOrEqual(1)
})

onBoth(
  'of keys beyond maxKeys the coldest are forgotten',
  async () => {
    await using store = tiered([faultyMemory('far')], { maxKeys: 100 })
    await store.put('hot', bytesOf(1))
    for (let reads = 0; reads < 50; reads += 1) await store.getBytes('hot')
    for (let count = 0; count < 400; count += 1) await store.put(`cold ${count}`, bytesOf(2))
    expect(store.stats().knownKeys).toBe(100)
    expect((await store.explain('hot')).hits).toBe(50)
  },
  { seeds: 3 },
)
