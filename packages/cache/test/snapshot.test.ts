import { createMemoryCache, type CacheSnapshot } from '@ipfs-kit/cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ask } from './ground.ts'
import { policies } from './policies.ts'

function used(policy: (typeof policies)[number][1]): CacheSnapshot<number> {
  const cache = createMemoryCache<number>({ maxEntries: 40, maxBytes: 4000, policy })
  for (let at = 0; at < 500; at += 1) {
    ask(cache, `key ${(at * at) % 97}`, at, 1 + ((at * 37) % 300))
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
    const bytes = snapshot.entries.reduce((sum, entry) => sum + entry.bytes!, 0)
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
      ask(cache, `key ${at % 30}`, at, 1 + (at % 200))
      const { bytes, entries } = cache.stats()
      expect(bytes).toBeLessThanOrEqual(900)
      expect(entries).toBeLessThanOrEqual(10)
    }
  })

  test('a snapshot with few entries and many ghosts is one', () => {
    const cache = createMemoryCache<number>({ maxEntries: 1000, policy })
    for (let at = 0; at < 1000; at += 1) cache.set(`often ${at}`, at)
    for (let round = 0; round < 3; round += 1)
      for (let at = 0; at < 1000; at += 1) ask(cache, `often ${at}`, at)
    for (let at = 0; at < 1500; at += 1) cache.set(`${at}`, at)
    for (const [key] of [...cache.entries()].slice(3)) cache.delete(key)
    const { b1 = 0, b2 = 0, ghosts = 0 } = cache.stats().order
    if (policy.ghostShare > 0) expect(b1 + b2 + ghosts).toBeGreaterThan(50)
    const other = createMemoryCache<number>({ maxEntries: 1000, policy, snapshot: cache.snapshot() })
    expect(other.stats().entries).toBe(3)
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
            ask(cache, key, at, 1 + (at % 300))
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

test('a snapshot of a cache without byte limit is measured by one that has it', () => {
  const cache = createMemoryCache<Uint8Array>({ maxEntries: 10 })
  for (let at = 0; at < 10; at += 1) cache.set(`${at}`, new Uint8Array(100))
  const snapshot = cache.snapshot()
  const other = createMemoryCache<Uint8Array>({ maxBytes: 250, snapshot })
  expect(other.stats()).toMatchObject({ entries: 2, bytes: 200 })
  const sized = createMemoryCache<Uint8Array>({ maxBytes: 250, snapshot, sizeOf: () => 50 })
  expect(sized.stats()).toMatchObject({ entries: 5, bytes: 250 })
})

test('ghosts whose weights were made up leave ARC with a target', () => {
  const arc = policies[1]![1]
  const order = { b1: [1, 1e308, 2, 1e308, 3, -5], b2: [4, 1e308, 5, 0.5], p: 1e308 }
  const snapshot = { version: 1, policy: 'arc', seed: 1, whole: false, entries: [], order } as const
  const cache = createMemoryCache<number>({ maxBytes: 100, maxEntries: 10, policy: arc, snapshot })
  for (let at = 0; at < 300; at += 1) {
    ask(cache, `${(at * at) % 23}`, at, at % 20)
    const { p } = cache.stats().order
    expect(p).toBeGreaterThanOrEqual(0)
    expect(p).toBeLessThanOrEqual(100)
  }
})

test('LIRS goes on when the numbers of its requests begin again', () => {
  const lirs = policies[3]![1]
  const run = (shift: number): string[] => {
    const warm = createMemoryCache<number>({ maxEntries: 20, policy: lirs })
    const askAll = (cache: typeof warm, from: number, to: number): void => {
      for (let at = from; at < to; at += 1) {
        ask(cache, `${at % 3 === 0 ? at % 17 : (at * at) % 43}`, at)
      }
    }
    askAll(warm, 0, 300)
    const { order, ...rest } = warm.snapshot()
    const moved = Object.entries(order).map(([name, value]) => {
      if (typeof value === 'number') return [name, name === 'now' ? (value + shift) | 0 : value]
      const [of, at] = name === 'ghosts' ? [2, 1] : [4, 2]
      return [name, value.map((one, index) => (index % of === at ? (one + shift) | 0 : one))]
    })
    const cache = createMemoryCache<number>({
      maxEntries: 20,
      policy: lirs,
      snapshot: { ...rest, order: Object.fromEntries(moved) },
    })
    const seen: string[] = []
    for (let at = 300; at < 3000; at += 50) {
      askAll(cache, at, at + 50)
      seen.push(
        [...cache.entries()]
          .map(([key]) => key)
          .sort()
          .join(),
      )
    }
    return seen
  }
  const usual = run(0)
  for (const before of [20, 100, 250, 500]) expect(run(2 ** 31 - before)).toEqual(usual)
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
  [{ version: 1, policy: 'lirs', seed: 1, whole: false, entries: [], order: { ghosts: ['x'] } }],
  [{ version: 1, policy: 'lirs', seed: 1, whole: false, entries: [], order: { ghosts: new Array(4) } }],
  [{ version: 1, policy: 'lirs', seed: 1, entries: [], order: null }],
])('%j is no snapshot', (snapshot) => {
  const make = () => createMemoryCache({ maxEntries: 1, snapshot: snapshot as never })
  expect(make).toThrow(expect.objectContaining({ code: 'CACHE_BAD_SNAPSHOT' }))
})
