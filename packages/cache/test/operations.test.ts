import { cacheOperations, type CachePart } from '@ipfs-kit/cache/operations'
import { createPrefetcher } from '@ipfs-kit/cache/predictive'
import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import { createCaller, type TableOf } from '@ipfs-kit/operations'
import { createMemoryBackend } from '@ipfs-kit/storage'
import { expect, onTestFinished, test } from 'vitest'

const bytesOf = (text: string) => new TextEncoder().encode(text)

/** Values are texts: the keys that they link to. */
const linksOf = (_key: string, bytes: Uint8Array) =>
  new TextDecoder().decode(bytes).split(' ').filter(Boolean)

async function opened(values: Record<string, string>, more: Partial<CachePart> = {}) {
  const far = createMemoryBackend({ name: 'far', failureDomain: 'far', maxBytes: 1_000_000 })
  for (const [key, links] of Object.entries(values)) await far.put(key, bytesOf(links))
  const store = tiered([createMemoryTier({ maxBytes: 1_000_000 }), far])
  onTestFinished(() => store.close())
  const { signal } = new AbortController()
  const cache: CachePart = { store, linksOf, ...more }
  const caller = createCaller<TableOf<typeof cacheOperations>>({
    operations: cacheOperations,
    borrow: () => ({ parts: { cache }, signal, release() {} }),
  })
  return { call: caller.call, store, far }
}

test('prefetch brings what a value links to near, each value once', async () => {
  const { call, store } = await opened({ root: 'a b', a: 'c c b', b: 'c root', c: '', other: '' })
  expect(await call('cache.prefetch', { key: 'root' })).toEqual({
    ...{ values: 4, bytes: 14, missing: 0, failed: 0, failures: [], isComplete: true },
  })
  for (const key of ['root', 'a', 'b', 'c']) expect(store.inMemory(key)).toBe(true)
  expect(store.inMemory('other')).toBe(false)
})

test('prefetch goes as deep and as far as it is told, and says that there is more', async () => {
  const { call, store } = await opened({ root: 'a b', a: 'c', b: 'c', c: '' })
  expect(await call('cache.prefetch', { key: 'root', depth: 0 })).toMatchObject({
    values: 1,
    isComplete: true,
  })
  expect(await call('cache.prefetch', { key: 'root', depth: 1 })).toMatchObject({
    values: 3,
    isComplete: true,
  })
  expect(store.inMemory('c')).toBe(false)
  expect(await call('cache.prefetch', { key: 'root', maxBytes: 3 })).toMatchObject({
    values: 1,
    isComplete: false,
  })
})

test('prefetch counts what is missing below, and fails where there is no value at all', async () => {
  const { call } = await opened({ root: 'a gone', a: '' })
  expect(await call('cache.prefetch', { key: 'root' })).toMatchObject({
    values: 2,
    missing: 1,
    isComplete: false,
  })
  await expect(call('cache.prefetch', { key: 'gone' })).rejects.toMatchObject({ code: 'CACHE_NO_VALUE' })
})

test('prefetch tells what could not be read, by the key', async () => {
  const { call, far } = await opened({ root: 'a bad', a: '', bad: '' })
  const get = far.get.bind(far)
  far.get = async (key, options) => {
    if (key === 'bad') throw Object.assign(new Error('The disk is gone'), { code: 'EIO' })
    return get(key, options)
  }
  const report = await call('cache.prefetch', { key: 'root' })
  expect(report).toMatchObject({ values: 2, failed: 1, isComplete: false })
  expect(report.failures).toEqual([{ key: 'bad', code: 'CACHE_TIERS_FAILED', message: expect.any(String) }])
})

test('without links a value is read alone', async () => {
  const { call, store } = await opened({ root: 'a', a: '' })
  const alone: CachePart = { store }
  const caller = createCaller<TableOf<typeof cacheOperations>>({
    operations: cacheOperations,
    borrow: () => ({ parts: { cache: alone }, signal: new AbortController().signal, release() {} }),
  })
  expect(await caller.call('cache.prefetch', { key: 'root' })).toMatchObject({ values: 1, isComplete: true })
  expect(await call('cache.explain', { key: 'root' })).toMatchObject({ state: 'present', hits: 1 })
})

test('stats are those of the tiers and of who reads ahead', async () => {
  const prefetcher = createPrefetcher<Uint8Array>({ fetch: async () => bytesOf('x') })
  const { call, store } = await opened({ root: 'a' }, { prefetcher })
  await store.getBytes('root')
  await store.getBytes('root')
  const reader = prefetcher.reader()
  await reader.read('one')
  const stats = await call('cache.stats', {})
  expect(stats.tiers).toMatchObject([
    { tier: 'memory', role: 'cache', hits: 1, misses: 1, promotions: 1, policy: 'lirs' },
    { tier: 'far', role: 'store', hits: 1, breaker: 'closed' },
  ])
  expect(stats.tiers[0]?.usage).toEqual({ entries: 1, bytes: 1, maxBytes: 1_000_000 })
  expect(stats.tiers[0]?.evictions).toMatchObject({ capacity: 0 })
  expect(stats.prefetch).toMatchObject({ readers: 1, demands: 1, workload: { class: 'unknown' } })
  expect(stats.prefetch).not.toHaveProperty('precision')
  await prefetcher.close()
})

test('tiers are listed, moved to and cleared by their names', async () => {
  const { call, store } = await opened({ root: 'a' })
  expect(await call('cache.tiers', {})).toEqual({
    tiers: [
      {
        tier: 'memory',
        role: 'cache',
        usage: { entries: 0, bytes: 0, maxBytes: 1_000_000 },
        breaker: 'closed',
      },
      { tier: 'far', role: 'store', breaker: 'closed' },
    ],
  })
  expect(await call('cache.move', { key: 'root', to: 'memory' })).toEqual({
    ...{ key: 'root', size: 1, to: 'memory', wasThere: false, left: [], stays: [] },
  })
  expect(await call('cache.clear', {})).toEqual({ tiers: [{ tier: 'memory', entries: 1, bytes: 1 }] })
  expect(store.inMemory('root')).toBe(false)
  await expect(call('cache.move', { key: 'gone', to: 'memory' })).rejects.toMatchObject({
    code: 'CACHE_NO_VALUE',
  })
  await expect(call('cache.clear', { tier: 'far' })).rejects.toMatchObject({ code: 'CACHE_TIER_KEEPS' })
})

test('a key that never existed is explained as such', async () => {
  const { call } = await opened({})
  expect(await call('cache.explain', { key: 'never' })).toMatchObject({
    ...{ state: 'absent', heat: 0, hits: 0 },
    tiers: [
      { tier: 'memory', state: 'absent' },
      { tier: 'far', state: 'absent' },
    ],
  })
})

test('each answers what its schema says, and nothing else', async () => {
  const fetch = async () => bytesOf('')
  await using prefetcher = createPrefetcher({ fetch, linksOf })
  const { call, far } = await opened({ root: 'a gone', a: '' }, { prefetcher })
  const answers: { readonly [name: string]: () => Promise<unknown> } = {
    'cache.prefetch': () => call('cache.prefetch', { key: 'root' }),
    'cache.stats': () => call('cache.stats', {}),
    'cache.tiers': () => call('cache.tiers', {}),
    'cache.explain': () => call('cache.explain', { key: 'root' }),
    'cache.move': () => call('cache.move', { key: 'root', to: far.name }),
    'cache.clear': () => call('cache.clear', {}),
  }
  for (const { name, output } of cacheOperations) {
    const answer: unknown = JSON.parse(JSON.stringify(await answers[name]!()))
    expect([name, output.parse(answer)]).toEqual([name, answer])
  }
})
