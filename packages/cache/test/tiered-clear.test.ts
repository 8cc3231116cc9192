import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { bytesOf } from './tiered-cids.ts'
import { faultyMemory } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const failed = (code: string) => expect.objectContaining({ name: 'CacheError', code })

function withCaches() {
  const [near, far] = [faultyMemory('near'), faultyMemory('far')]
  const memory = createMemoryTier({ maxBytes: 1_000_000 })
  return { near, far, memory, store: tiered([memory, near, far], { tiers: { near: { role: 'cache' } } }) }
}

onBoth('clearing empties what may forget, and what is kept is read as before', async () => {
  const { near, memory, store } = withCaches()
  await using _ = store
  for (const key of ['a', 'b']) await store.put(key, bytesOf(1))
  expect(await store.clear()).toEqual([
    { tier: 'memory', entries: 2, bytes: 200 },
    { tier: 'near', entries: 2, bytes: 200 },
  ])
  expect(store.stats().tiers[0]?.usage).toEqual({ entries: 0, bytes: 0, maxBytes: 1_000_000 })
  expect([await memory.stat('a'), await near.good.stat('b')]).toEqual([undefined, undefined])
  const { tiers } = await store.explain('a')
  expect(tiers.map(({ state }) => state)).toEqual(['absent', 'absent', 'present'])
  expect(await store.getBytes('a')).toEqual(bytesOf(1))
})

onBoth('a tier is cleared by its name, a store not at all', async () => {
  const { near, far, store } = withCaches()
  await using _ = store
  await store.put('a', bytesOf(1))
  expect(await store.clear({ tier: 'near' })).toEqual([{ tier: 'near', entries: 1, bytes: 100 }])
  expect(store.inMemory('a')).toBe(true)
  await expect(store.clear({ tier: 'far' })).rejects.toThrow(failed('CACHE_TIER_KEEPS'))
  await expect(store.clear({ tier: 'nowhere' })).rejects.toThrow(failed('CACHE_NO_TIER'))
  expect((await far.good.stat('a'))?.size).toBe(100)
  expect(near.calls.delete).toBe(1)
})

onBoth('what a tier fails with fails the call', async () => {
  const { near, store } = withCaches()
  await using _ = store
  await store.put('a', bytesOf(1))
  near.fault = { failsDeletes: true }
  await expect(store.clear()).rejects.toMatchObject({ code: 'EIO' })
  await expect(store.clear({ signal: AbortSignal.abort('a reason') })).rejects.toBe('a reason')
})
