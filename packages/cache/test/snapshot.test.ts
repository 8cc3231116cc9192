import { createMemoryCache, type CacheSnapshot } from '@ipfs-kit/cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { policies } from './policies.ts'

function used(policy: (typeof policies)[number][1]): CacheSnapshot<number> {
  const cache = createMemoryCache<number>({ maxEntries: 40, maxBytes: 4000, policy })
  for (let at = 0; at < 500; at += 1) {
    const key = `key ${(at * at) % 97}`
    if (cache.get(key) === undefined) cache.set(key, at, { bytes: 1 + ((at * 37) % 300) })
  }
  return cache.snapshot()
}

describe.each(policies)('with %s', (_name, policy) => {
  test('a snapshot brings entries, sizes and limits along', () => {
    const snapshot = used(policy)
    const cache = createMemoryCache<number>({ maxEntries: 40, maxBytes: 4000, policy, snapshot })
    expect(Object.fromEntries(cache.entries())).toEqual(
      Object.fromEntries(snapshot.entries.map(({ key, value }) => [key, value])),
    )
    const bytes = snapshot.entries.reduce((sum, entry) => sum + entry.bytes, 0)
    expect(cache.stats()).toMatchObject({
      bytes,
      entries: snapshot.entries.length,
      hits: 0,
      misses: 0,
      sets: 0,
    })
  })

  test('a smaller cache takes what it has room for, and goes on', () => {
    const snapshot = used(policy)
    const cache = createMemoryCache<number>({ maxEntries: 10, maxBytes: 900, policy, snapshot })
    expect(cache.stats().entries).toBeGreaterThan(0)
    for (let at = 0; at < 300; at += 1) {
      if (cache.get(`key ${at % 30}`) === undefined)
        cache.set(`key ${at % 30}`, at, { bytes: 1 + (at % 200) })
      const { bytes, entries } = cache.stats()
      expect(bytes).toBeLessThanOrEqual(900)
      expect(entries).toBeLessThanOrEqual(10)
    }
  })

  test('an order that was made up does no harm', () => {
    const snapshot = used(policy)
    const names = Object.keys(snapshot.order)
    const numbers = fc.array(fc.integer({ min: -50, max: 60 }), { maxLength: 80 })
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...names, 's3', 'q3'), fc.oneof(numbers, fc.nat(50))),
        (changes) => {
          const order = { ...snapshot.order, ...changes }
          const make = () =>
            createMemoryCache<number>({
              maxEntries: 40,
              maxBytes: 4000,
              policy,
              snapshot: { ...snapshot, order },
            })
          let cache: ReturnType<typeof make>
          try {
            cache = make()
          } catch (error) {
            expect(error).toMatchObject({ code: 'CACHE_BAD_SNAPSHOT' })
            return
          }
          for (let at = 0; at < 200; at += 1) {
            const key = `key ${(at * 31) % 120}`
            if (cache.get(key) === undefined) cache.set(key, at, { bytes: 1 + (at % 300) })
            if (at % 17 === 0) cache.delete(key)
          }
          const walked = [...cache.entries()].length
          expect(walked).toBe(cache.stats().entries)
          cache.resize({ maxEntries: 1 })
          expect(cache.stats().entries).toBe(1)
        },
      ),
      { numRuns: 300 },
    )
  })
})

test('another policy takes the entries without the order', () => {
  const snapshot = used(policies[1]![1])
  const cache = createMemoryCache<number>({ maxEntries: 40, maxBytes: 4000, snapshot })
  expect(cache.stats()).toMatchObject({ policy: 'lirs', entries: snapshot.entries.length })
})

test.each([
  [null],
  ['snapshot'],
  [{}],
  [{ version: 2, policy: 'lirs', seed: 1, entries: [], order: {} }],
  [{ version: 1, policy: 'lirs', seed: -1, entries: [], order: {} }],
  [{ version: 1, policy: 'lirs', seed: 1, entries: [{}], order: {} }],
  [{ version: 1, policy: 'lirs', seed: 1, entries: [{ key: 'a', value: 1, bytes: -1 }], order: {} }],
  [
    {
      version: 1,
      policy: 'lirs',
      seed: 1,
      entries: [
        { key: 'a', value: 1, bytes: 1 },
        { key: 'a', value: 1, bytes: 1 },
      ],
      order: {},
    },
  ],
  [{ version: 1, policy: 'lirs', seed: 1, entries: [], order: { ghosts: ['x'] } }],
  [{ version: 1, policy: 'lirs', seed: 1, entries: [], order: null }],
])('%j is no snapshot', (snapshot) => {
  const make = () => createMemoryCache({ maxEntries: 1, snapshot: snapshot as never })
  expect(make).toThrow(expect.objectContaining({ code: 'CACHE_BAD_SNAPSHOT' }))
})
