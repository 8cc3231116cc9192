import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import { sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { rejection } from './ground.ts'
import { bytesOf, keyOf } from './tiered-cids.ts'
import { faultyMemory } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const maxBytes = 16 * 1024 * 1024
const halfLife = 1000

function cooling(policy: Parameters<typeof tiered>[1] = {}) {
  const hands = { time: 0 }
  const [near, far] = [faultyMemory('near'), faultyMemory('far')]
  const store = tiered([createMemoryTier({ maxBytes }), near, far], {
    now: () => hands.time,
    heatHalfLifeMs: halfLife,
    tiers: { near: { demoteBelow: 0.5 } },
    ...policy,
  })
  return { hands, near, far, store }
}

onBoth('a sweep takes what has gone cold out of a tier, and leaves what is hot', async () => {
  const { hands, near, far, store } = cooling()
  await using _ = store
  for (const one of ['cold', 'hot']) await store.put(one, bytesOf(1))
  hands.time += 1.5 * halfLife
  await store.getBytes('hot')
  expect(await store.demote()).toEqual({ keys: 2, demoted: 1, demotedBytes: 100, kept: 0, failures: [] })
  expect(await near.good.stat('cold')).toBe(undefined)
  expect(await near.good.stat('hot')).toMatchObject({ key: 'hot', size: 100 })
  expect((await far.good.stat('cold'))?.size).toBe(100)
  expect(store.stats().tiers[1]).toMatchObject({ demotions: 1 })
})

onBoth('what no store below has stays until one of them takes it', async () => {
  const { hands, near, far, store } = cooling()
  await using _ = store
  far.fault = { failsPuts: true }
  for (const one of ['a', 'b']) await store.put(one, bytesOf(1))
  hands.time += 5 * halfLife
  expect(await store.demote()).toMatchObject({ demoted: 0, failures: [{ tier: 'near', why: 'EIO' }] })
  expect((await near.good.stat('a'))?.size).toBe(100)
  far.fault = {}
  expect(await store.demote()).toMatchObject({ demoted: 2, kept: 0 })
  expect((await far.good.stat('a'))?.size).toBe(100)
})

onBoth('of a block that only the tier has, the store below gets a copy before it goes', async () => {
  const { hands, near, far, store } = cooling()
  await using _ = store
  const bytes = bytesOf(1)
  await near.good.put(keyOf(bytes), bytes)
  hands.time += halfLife
  expect(await store.demote()).toMatchObject({ demoted: 1, kept: 0 })
  expect((await far.good.stat(keyOf(bytes)))?.size).toBe(100)
  expect(await near.good.stat(keyOf(bytes))).toBe(undefined)
  expect((await store.explain(keyOf(bytes))).tiers[2]).toMatchObject({ reason: 'demoted' })
})

onBoth('what lies below with other bytes stays', async () => {
  const { hands, near, far, store } = cooling()
  await using _ = store
  await store.put('a', bytesOf(1))
  await far.good.put('a', bytesOf(2))
  hands.time += 5 * halfLife
  expect(await store.demote()).toMatchObject({ keys: 1, demoted: 0, kept: 1 })
  expect((await near.good.stat('a'))?.size).toBe(100)
})

onBoth('what may be older than what was below comes to no store below', async () => {
  const { hands, near, far, store } = cooling()
  await using _ = store
  await store.put('a', bytesOf(1))
  near.fault = { failsPuts: true, failsDeletes: true }
  await store.put('a', bytesOf(2))
  expect(await rejection(store.delete('a'))).toMatchObject({ code: 'CACHE_DELETE_PARTIAL' })
  near.fault = {}
  hands.time += 5 * halfLife
  expect(await store.demote()).toMatchObject({ keys: 1, demoted: 0, kept: 1 })
  expect(await far.good.stat('a')).toBe(undefined)
  expect(await rejection(store.getBytes('a'))).toMatchObject({ code: 'CACHE_TIERS_FAILED' })
})

onBoth('what fewer stores below have than minCopies stays', async () => {
  const { hands, near, store } = cooling({ minCopies: 2 })
  await using _ = store
  await store.put('a', bytesOf(1))
  hands.time += 5 * halfLife
  expect(await store.demote()).toMatchObject({ keys: 1, demoted: 0, kept: 1 })
  expect((await near.good.stat('a'))?.size).toBe(100)
})

onBoth('what is not remembered is cold only after a half life', async () => {
  const { hands, near, far, store } = cooling()
  await using _ = store
  for (const tier of [near, far]) await tier.good.put('old', bytesOf(1))
  expect(await store.demote()).toMatchObject({ keys: 1, demoted: 0, kept: 0 })
  hands.time += halfLife
  expect(await store.demote()).toMatchObject({ keys: 1, demoted: 1 })
})

onBoth('sweeps run by themselves with demoteEveryMs, and end with close', async () => {
  const { hands, near, store } = cooling({ demoteEveryMs: 10 })
  await store.put('cold', bytesOf(1))
  hands.time += 5 * halfLife
  while ((await near.good.stat('cold')) !== undefined) await sleep(1)
  await store.close()
  const lists = near.calls.list
  await sleep(50)
  expect(near.calls.list).toBe(lists)
})
