import { createMemoryCache } from '@ipfs-kit/cache'
import { describe, expect, test } from 'vitest'
import { ask, ghostsOf } from './ground.ts'
import { policies } from './policies.ts'

describe.each(policies)('with %s', (_name, policy) => {
  test('a value that is larger than the cache is not taken in, nor does the one before it stay', () => {
    const cache = createMemoryCache<Uint8Array>({ maxBytes: 100, policy })
    cache.set('small', new Uint8Array(10))
    cache.set('a', new Uint8Array(50))
    expect(cache.set('a', new Uint8Array(101))).toBe(false)
    expect([cache.has('a'), cache.has('small')]).toEqual([false, true])
    expect(cache.set('new', new Uint8Array(101))).toBe(false)
    expect(cache.set('whole', new Uint8Array(100))).toBe(true)
    expect(cache.stats()).toMatchObject({ entries: 1, bytes: 100, bypassed: 2 })
    expect(cache.stats().evictions).toMatchObject({ bypassed: 1, capacity: 1 })
  })

  test('a value that grows makes room for itself', () => {
    const cache = createMemoryCache<Uint8Array>({ maxBytes: 100, policy })
    for (const key of ['a', 'b', 'c', 'd']) cache.set(key, new Uint8Array(25))
    for (let size = 26; size <= 100; size += 1) {
      expect(cache.set('b', new Uint8Array(size))).toBe(true)
      expect(cache.peek('b')).toHaveLength(size)
      expect(cache.stats().bytes).toBeLessThanOrEqual(100)
    }
    expect([...cache.entries()].map(([key]) => key)).toEqual(['b'])
  })

  test('a value that grows is there whatever it pushes out, itself among them', () => {
    for (const grown of ['a', 'b', 'c']) {
      const cache = createMemoryCache<Uint8Array>({ maxBytes: 90, policy })
      for (const key of ['a', 'b', 'c']) cache.set(key, new Uint8Array(30))
      expect(cache.set(grown, new Uint8Array(90))).toBe(true)
      expect([...cache.entries()].map(([key, { length }]) => [key, length])).toEqual([[grown, 90]])
      expect(cache.stats()).toMatchObject({ entries: 1, bytes: 90 })
    }
  })

  test('values that grow and shrink count for the policy with the bytes that they have', () => {
    const kept = (sizes: readonly number[]): string[] => {
      const cache = createMemoryCache<number>({ maxBytes: 1000, policy })
      for (const bytes of sizes) for (let at = 0; at < 20; at += 1) cache.set(`old ${at}`, at, { bytes })
      for (let at = 0; at < 300; at += 1) {
        ask(cache, `${at % 2 === 0 ? at % 38 : (at * at) % 71}`, at, 40)
      }
      return [...cache.entries()].map(([key]) => key).sort()
    }
    expect(kept([1, 40, 40])).toEqual(kept([40, 40, 40]))
  })

  test('a smaller limit has fewer ghosts, and a target within it', () => {
    const cache = createMemoryCache<number>({ maxEntries: 200, policy })
    for (let at = 0; at < 4000; at += 1) {
      ask(cache, `${(at * at) % 1009}`, at)
    }
    cache.resize({ maxEntries: 10 })
    cache.set('next', 1)
    for (let at = 0; at < 100; at += 1) cache.set(`${at}`, at)
    expect(ghostsOf(cache)).toBeLessThanOrEqual(10)
    expect(cache.stats().order.p ?? 0).toBeLessThanOrEqual(10)
  })

  test('a smaller limit evicts at once, a larger one is used', () => {
    const cache = createMemoryCache<Uint8Array>({ maxBytes: 1000, maxEntries: 10, policy })
    for (let at = 0; at < 10; at += 1) cache.set(`key ${at}`, new Uint8Array(100))
    cache.resize({ maxBytes: 250 })
    expect(cache.stats()).toMatchObject({ entries: 2, bytes: 200, maxBytes: 250, maxEntries: 10 })
    expect(cache.stats().evictions.resized).toBe(8)
    cache.resize({ maxEntries: 1 })
    expect(cache.stats()).toMatchObject({ entries: 1, bytes: 100 })
    cache.resize({ maxBytes: 5000, maxEntries: 200 })
    for (let at = 0; at < 50; at += 1) cache.set(`other ${at}`, new Uint8Array(100))
    expect(cache.stats()).toMatchObject({ entries: 50, bytes: 5000 })
  })
})

test('with bytes alone as a limit the entries have one too', () => {
  for (const [maxBytes, maxEntries] of [
    [1, 1024],
    [256_000, 2000],
  ] as const) {
    const cache = createMemoryCache<number>({ maxBytes })
    for (let at = 0; at < 3000; at += 1) cache.set(`key ${at}`, at, { bytes: 0 })
    expect(cache.stats()).toMatchObject({ entries: maxEntries, maxEntries, bytes: 0 })
  }
})

test('a limit of the entries that nobody said follows the bytes', () => {
  const cache = createMemoryCache<number>({ maxBytes: 10 })
  cache.resize({ maxBytes: 256_000 })
  expect(cache.stats()).toMatchObject({ maxBytes: 256_000, maxEntries: 2000 })
  cache.resize({ maxEntries: 50 })
  cache.resize({ maxBytes: 512_000 })
  expect(cache.stats()).toMatchObject({ maxBytes: 512_000, maxEntries: 50 })
})
