import { createMemoryCache } from '@ipfs-kit/cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ask } from './ground.ts'
import { policies } from './policies.ts'
import { PlainArc } from './reference/plain-arc.ts'
import { arc } from '@ipfs-kit/cache/arc'

/** Requests that come back: few keys, some often, with loops and scans between. */
const requests = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.nat(12).map((key) => [key]) },
    { weight: 3, arbitrary: fc.nat(40).map((key) => [key]) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.nat(60), fc.integer({ min: 1, max: 30 }))
        .map(([from, count]) => Array.from({ length: count }, (_, at) => from + at)),
    },
  ),
  { maxLength: 120 },
)

describe.each(policies)('%s', (_name, policy, Plain) => {
  test('keeps what the plain policy keeps, request for request', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), requests, fc.nat(9), (maxEntries, steps, deleting) => {
        const cache = createMemoryCache<number>({ maxEntries, policy })
        const plain = new Plain(maxEntries)
        for (const [at, key] of steps.flat().entries()) {
          const name = `key ${key}`
          if (deleting > 6 && at % 7 === deleting - 6) {
            cache.delete(name)
            plain.remove(name)
            continue
          }
          const hit = cache.get(name) !== undefined
          if (!hit) cache.set(name, key)
          expect(hit).toBe(plain.request(name))
          expect([...cache.entries()].map(([kept]) => kept).sort()).toEqual([...plain.resident()].sort())
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('keeps of entries of one size what it keeps without sizes', () => {
    // A power of two, so that a target in bytes is exactly that in entries, times it.
    const bytes = 64
    const capacity = fc.integer({ min: 1, max: 3 }).map((tens) => 10 * tens)
    fc.assert(
      fc.property(capacity, requests, (maxEntries, steps) => {
        const cache = createMemoryCache<number>({ maxBytes: bytes * maxEntries, policy })
        const plain = new Plain(maxEntries)
        for (const [at, key] of steps.flat().entries()) {
          const name = `key ${key}`
          if (at % 11 === 10) {
            cache.delete(name)
            plain.remove(name)
            continue
          }
          const hit = cache.get(name) !== undefined
          if (!hit) cache.set(name, key, { bytes })
          expect(hit).toBe(plain.request(name))
          expect([...cache.entries()].map(([kept]) => kept).sort()).toEqual([...plain.resident()].sort())
        }
      }),
      { numRuns: 500 },
    )
  })

  test('is never above either limit, counted entry by entry', () => {
    const step = fc.record({
      key: fc.nat(30),
      bytes: fc.oneof(fc.nat(50), fc.nat(1200), fc.constant(0)),
      what: fc.constantFrom('get', 'get', 'set', 'set', 'set', 'delete', 'resize', 'clear'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const cache = createMemoryCache<number>({ maxEntries: 12, maxBytes: 1000, policy })
        let limits = { maxEntries: 12, maxBytes: 1000 }
        for (const { key, bytes, what } of steps) {
          const name = `key ${key}`
          if (what === 'get') cache.get(name)
          else if (what === 'delete') cache.delete(name)
          else if (what === 'clear' && key === 0) cache.clear()
          else if (what === 'set') {
            const kept = cache.set(name, bytes, { bytes })
            expect(kept).toBe(bytes <= limits.maxBytes)
            expect(cache.peek(name)).toBe(kept ? bytes : undefined)
          } else if (what === 'resize') {
            limits = { maxEntries: 1 + (key % 12), maxBytes: 1 + bytes }
            cache.resize(limits)
          }
          const values = [...cache.entries()].map(([, value]) => value)
          const sum = values.reduce((total, value) => total + value, 0)
          expect(sum).toBe(cache.stats().bytes)
          expect(values.length).toBe(cache.stats().entries)
          expect(sum).toBeLessThanOrEqual(limits.maxBytes)
          expect(values.length).toBeLessThanOrEqual(limits.maxEntries)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('goes on from a snapshot as if nothing had happened', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), requests, requests, (maxEntries, before, after) => {
        const cache = createMemoryCache<number>({ maxEntries, policy })
        const ask = (asked: typeof cache, key: number): boolean => {
          const hit = asked.get(`key ${key}`) !== undefined
          if (!hit) asked.set(`key ${key}`, key)
          return hit
        }
        for (const key of before.flat()) ask(cache, key)
        const snapshot = JSON.parse(JSON.stringify(cache.snapshot()))
        const other = createMemoryCache<number>({ maxEntries, policy, snapshot })
        for (const key of after.flat()) expect(ask(other, key)).toBe(ask(cache, key))
      }),
      { numRuns: 200 },
    )
  })
})

test('ARC has the lists and the target of the paper', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 24 }), requests, (maxEntries, steps) => {
      const cache = createMemoryCache<number>({ maxEntries, policy: arc })
      const plain = new PlainArc(maxEntries)
      for (const key of steps.flat()) {
        const name = `key ${key}`
        ask(cache, name, key)
        plain.request(name)
        const { t1, t2, b1, b2, p } = plain
        expect(cache.stats().order).toMatchObject({
          t1: t1.length,
          t2: t2.length,
          b1: b1.length,
          b2: b2.length,
          p,
        })
      }
    }),
    { numRuns: 2000 },
  )
})

test('ARC takes what was asked for into account when a value grows', () => {
  const cache = createMemoryCache<number>({ maxBytes: 30, maxEntries: 30, policy: arc })
  for (const key of ['a', 'b', 'c']) cache.set(key, 1, { bytes: 10 })
  cache.get('a')
  cache.set('b', 2, { bytes: 20 })
  expect(new Map(cache.entries())).toEqual(
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  )
})

test('ARC keeps a target with values of no bytes', () => {
  const cache = createMemoryCache<number>({ maxBytes: 100, maxEntries: 4, policy: arc })
  for (let at = 0; at < 500; at += 1) {
    ask(cache, `${(at * at) % 23}`, at, at % 3 === 0 ? 5 : 0)
    const { p } = cache.stats().order
    expect(p).toBeGreaterThanOrEqual(0)
    expect(p).toBeLessThanOrEqual(100)
  }
  expect(cache.stats().order.ghostHits).toBeGreaterThan(0)
})

test('ARC has ghosts for no more bytes than the cache once again, also of values that have grown', () => {
  const cache = createMemoryCache<number>({ maxBytes: 1000, maxEntries: 1000, policy: arc })
  for (const bytes of [1, 40]) for (let at = 0; at < 20; at += 1) cache.set(`${at}`, at, { bytes })
  for (let at = 0; at < 3000; at += 1) {
    ask(cache, `${at >> 1}`, at, 40)
    const { t1, t2, b1, b2 } = cache.stats().order
    expect(t1! + t2! + b1! + b2!).toBeLessThanOrEqual(50)
  }
})

test('ARC remembers what went to make room for a value that has grown, whatever came in before', () => {
  const cache = createMemoryCache<number>({ maxBytes: 100, policy: arc })
  cache.set('grows', 1, { bytes: 30 })
  cache.get('grows')
  cache.set('new', 1, { bytes: 60 })
  cache.set('grows', 1, { bytes: 60 })
  expect(cache.stats().order).toMatchObject({ t1: 0, t2: 1, b1: 1, b2: 0 })
  cache.set('new', 1, { bytes: 60 })
  expect(cache.stats().order.ghostHits).toBe(1)
})
