import { createMemoryCache, lru } from '@ipfs-kit/cache'
import { describe, expect, test } from 'vitest'
import { ask, ghostsOf } from './ground.ts'
import { policies } from './policies.ts'

/** Keys that differ in the first eighth alone, which is not sampled. */
const alike = (at: number): string => `k${String(at).padStart(6, '0')}${'-'.repeat(93)}`

describe.each(policies)('with %s', (_name, policy) => {
  test('with ghosts too it takes to hashing whole keys', () => {
    const cache = createMemoryCache<number>({ maxEntries: 100, policy })
    for (let at = 0; at < 3000; at += 1) {
      ask(cache, `${at % 3 === 0 ? at % 60 : (at * at) % 1009}`, at)
    }
    if (policy.ghostShare > 0) expect(ghostsOf(cache)).toBeGreaterThan(0)
    for (let at = 0; at < 20; at += 1) cache.set(alike(at), at)
    expect(cache.snapshot().whole).toBe(true)
    expect(ghostsOf(cache)).toBeLessThanOrEqual(10)
  })
})

test('keys that agree in most of their characters are told apart, and hashed whole from then on', () => {
  const cache = createMemoryCache<number>({ maxEntries: 5000 })
  for (let at = 0; at < 5000; at += 1) cache.set(alike(at), at)
  expect(cache.snapshot().whole).toBe(true)
  expect(cache.stats().order.ghosts).toBe(0)
  for (let at = 0; at < 5000; at += 1) expect(cache.get(alike(at))).toBe(at)
  for (let at = 5000; at < 20_000; at += 1) {
    cache.set(alike(at), at)
    expect(cache.peek(alike(at))).toBe(at)
  }
  expect(cache.stats()).toMatchObject({ entries: 5000, hits: 5000, misses: 0 })
  const other = createMemoryCache<number>({ maxEntries: 5000, snapshot: cache.snapshot() })
  for (const [key, value] of cache.entries()) expect(other.get(key)).toBe(value)
  const usual = createMemoryCache<number>({ maxEntries: 5000 })
  for (let at = 0; at < 20_000; at += 1) usual.set(`objects/${Math.imul(at, 0x9e3779b1) >>> 0}`, at)
  expect(usual.snapshot().whole).toBe(false)
})

test('keys of which two agree now and then are not hashed whole because there were many of them', () => {
  const cache = createMemoryCache<number>({ maxEntries: 10, policy: lru })
  for (let round = 0; round < 20; round += 1) {
    for (let pair = 0; pair < 10; pair += 1) {
      cache.set(alike(0), 0)
      cache.set(alike(1), 1)
      cache.delete(alike(0))
      cache.delete(alike(1))
    }
    for (let at = 0; at < 66_000; at += 1) cache.set(`${at}`, at)
  }
  expect(cache.snapshot().whole).toBe(false)
  for (let pair = 0; pair < 140; pair += 1) {
    cache.set(alike(0), 0)
    cache.set(alike(1), 1)
    cache.delete(alike(1))
  }
  expect(cache.snapshot().whole).toBe(true)
})
