import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createMemoryCache, lru, type EvictionReason } from '@ipfs-kit/cache'
import { describe, expect, test } from 'vitest'
import { policies } from './policies.ts'

const bytesOf = (length: number): Uint8Array => new Uint8Array(length)

describe.each(policies)('with %s', (_name, policy) => {
  test('has what was set, until it is deleted', () => {
    const cache = createMemoryCache<string>({ maxEntries: 3, policy })
    expect(cache.get('a')).toBeUndefined()
    expect(cache.set('a', 'one')).toBe(true)
    expect(cache.get('a')).toBe('one')
    cache.set('a', 'two')
    expect([cache.get('a'), cache.peek('a'), cache.has('a')]).toEqual(['two', 'two', true])
    expect(cache.delete('a')).toBe(true)
    expect(cache.delete('a')).toBe(false)
    expect([cache.get('a'), cache.peek('a'), cache.has('a')]).toEqual([undefined, undefined, false])
  })

  test('holds one entry if that is all it may', () => {
    const cache = createMemoryCache<number>({ maxEntries: 1, policy })
    for (let at = 0; at < 50; at += 1) {
      cache.set(`key ${at}`, at)
      expect([...cache.entries()]).toEqual([[`key ${at}`, at]])
    }
  })

  test('takes any string as a key', () => {
    const cache = createMemoryCache<number>({ maxEntries: 100, policy })
    const keys = [
      '',
      '\0',
      'a\0b',
      'x'.repeat(10_000),
      'x'.repeat(9_999) + 'y',
      '\ud800',
      '\udc00',
      '__proto__',
      'é',
      '鍵',
    ]
    for (const [at, key] of keys.entries()) cache.set(key, at)
    expect(keys.map((key) => cache.get(key))).toEqual(keys.map((_, at) => at))
    expect(new Set([...cache.entries()].map(([key]) => key))).toEqual(new Set(keys))
  })

  test('a value that is larger than the cache is not taken in, nor does the one before it stay', () => {
    const cache = createMemoryCache<Uint8Array>({ maxBytes: 100, policy })
    cache.set('small', bytesOf(10))
    cache.set('a', bytesOf(50))
    expect(cache.set('a', bytesOf(101))).toBe(false)
    expect([cache.has('a'), cache.has('small')]).toEqual([false, true])
    expect(cache.set('new', bytesOf(101))).toBe(false)
    expect(cache.set('whole', bytesOf(100))).toBe(true)
    expect(cache.stats()).toMatchObject({ entries: 1, bytes: 100, bypassed: 2 })
    expect(cache.stats().evictions).toMatchObject({ bypassed: 1, capacity: 1 })
  })

  test('a value that grows makes room for itself', () => {
    const cache = createMemoryCache<Uint8Array>({ maxBytes: 100, policy })
    for (const key of ['a', 'b', 'c', 'd']) cache.set(key, bytesOf(25))
    for (let size = 26; size <= 100; size += 1) {
      expect(cache.set('b', bytesOf(size))).toBe(true)
      expect(cache.peek('b')).toHaveLength(size)
      expect(cache.stats().bytes).toBeLessThanOrEqual(100)
    }
    expect([...cache.entries()].map(([key]) => key)).toEqual(['b'])
  })

  test('a value that grows is there whatever it pushes out, itself among them', () => {
    for (const grown of ['a', 'b', 'c']) {
      const cache = createMemoryCache<Uint8Array>({ maxBytes: 90, policy })
      for (const key of ['a', 'b', 'c']) cache.set(key, bytesOf(30))
      expect(cache.set(grown, bytesOf(90))).toBe(true)
      expect([...cache.entries()].map(([key, { length }]) => [key, length])).toEqual([[grown, 90]])
      expect(cache.stats()).toMatchObject({ entries: 1, bytes: 90 })
    }
  })

  test('a value counts with the size that was told when it came in, whatever is told later', () => {
    let told = 0
    const cache = createMemoryCache<string>({
      maxBytes: 1000,
      policy,
      sizeOf: () => (told = (told * 7 + 13) % 500),
    })
    const sizes = new Map<string, number>()
    for (let at = 0; at < 2000; at += 1) {
      const key = `${(at * at) % 37}`
      cache.set(key, 'value')
      sizes.set(key, told)
      if (at % 5 === 0) cache.delete(`${at % 37}`)
      const bytes = [...cache.entries()].reduce((sum, [kept]) => sum + sizes.get(kept)!, 0)
      expect(cache.stats().bytes).toBe(bytes)
      expect(bytes).toBeLessThanOrEqual(1000)
    }
    for (const [key] of [...cache.entries()]) cache.delete(key)
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0 })
  })

  test('who is told may make the cache smaller', () => {
    const cache = createMemoryCache<number>({
      maxEntries: 50,
      policy,
      onEvict: () => {
        const { maxEntries } = cache.stats()
        if (maxEntries > 1) cache.resize({ maxEntries: maxEntries - 1 })
      },
    })
    for (let at = 0; at < 200; at += 1) {
      cache.set(`${(at * at) % 97}`, at)
      const { entries, maxEntries } = cache.stats()
      expect(entries).toBeLessThanOrEqual(maxEntries)
    }
    expect(cache.stats()).toMatchObject({ entries: 1, maxEntries: 1 })
  })

  test('values that grow and shrink count for the policy with the bytes that they have', () => {
    const kept = (sizes: readonly number[]): string[] => {
      const cache = createMemoryCache<number>({ maxBytes: 1000, policy })
      for (const bytes of sizes) for (let at = 0; at < 20; at += 1) cache.set(`old ${at}`, at, { bytes })
      for (let at = 0; at < 300; at += 1) {
        const key = `${at % 2 === 0 ? at % 38 : (at * at) % 71}`
        if (cache.get(key) === undefined) cache.set(key, at, { bytes: 40 })
      }
      return [...cache.entries()].map(([key]) => key).sort()
    }
    expect(kept([1, 40, 40])).toEqual(kept([40, 40, 40]))
  })

  test('what has left is not held by its slot', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const cache = createMemoryCache<object>({ maxEntries: 10, policy })
    const held: WeakRef<object>[] = []
    const fill = (): void => {
      for (let at = 0; at < 100; at += 1) {
        const value = { at }
        held.push(new WeakRef(value))
        cache.set(`${at}`, value)
      }
      for (const [key] of [...cache.entries()].slice(0, 5)) cache.delete(key)
    }
    fill()
    await setImmediate()
    collect()
    expect(held.filter((one) => one.deref() !== undefined)).toHaveLength(5)
  })

  test('with ghosts too it takes to hashing whole keys', () => {
    const cache = createMemoryCache<number>({ maxEntries: 100, policy })
    for (let at = 0; at < 3000; at += 1) {
      const key = `${at % 3 === 0 ? at % 60 : (at * at) % 1009}`
      if (cache.get(key) === undefined) cache.set(key, at)
    }
    const { b1 = 0, b2 = 0, ghosts = 0 } = cache.stats().order
    if (policy.ghostShare > 0) expect(b1 + b2 + ghosts).toBeGreaterThan(0)
    for (let at = 0; at < 20; at += 1) cache.set(`k${String(at).padStart(6, '0')}${'-'.repeat(93)}`, at)
    expect(cache.snapshot().whole).toBe(true)
    const { b1: m1 = 0, b2: m2 = 0, ghosts: left = 0 } = cache.stats().order
    expect(m1 + m2 + left).toBeLessThanOrEqual(10)
  })

  test('a smaller limit has fewer ghosts, and a target within it', () => {
    const cache = createMemoryCache<number>({ maxEntries: 200, policy })
    for (let at = 0; at < 4000; at += 1) {
      const key = `${(at * at) % 1009}`
      if (cache.get(key) === undefined) cache.set(key, at)
    }
    cache.resize({ maxEntries: 10 })
    cache.set('next', 1)
    for (let at = 0; at < 100; at += 1) cache.set(`${at}`, at)
    const { b1 = 0, b2 = 0, ghosts = 0, p = 0 } = cache.stats().order
    expect(b1 + b2 + ghosts).toBeLessThanOrEqual(10)
    expect(p).toBeLessThanOrEqual(10)
  })

  test('a smaller limit evicts at once, a larger one is used', () => {
    const cache = createMemoryCache<Uint8Array>({ maxBytes: 1000, maxEntries: 10, policy })
    for (let at = 0; at < 10; at += 1) cache.set(`key ${at}`, bytesOf(100))
    cache.resize({ maxBytes: 250 })
    expect(cache.stats()).toMatchObject({ entries: 2, bytes: 200, maxBytes: 250, maxEntries: 10 })
    expect(cache.stats().evictions.resized).toBe(8)
    cache.resize({ maxEntries: 1 })
    expect(cache.stats()).toMatchObject({ entries: 1, bytes: 100 })
    cache.resize({ maxBytes: 5000, maxEntries: 200 })
    for (let at = 0; at < 50; at += 1) cache.set(`other ${at}`, bytesOf(100))
    expect(cache.stats()).toMatchObject({ entries: 50, bytes: 5000 })
  })

  test('clearing forgets also what the policy has learned', () => {
    const fill = (cache: ReturnType<typeof createMemoryCache<number>>): string[] => {
      for (let at = 0; at < 200; at += 1) {
        for (const key of [`key ${at % 30}`, `key ${(at * 7) % 50}`])
          if (cache.get(key) === undefined) cache.set(key, at)
      }
      return [...cache.entries()].map(([key]) => key).sort()
    }
    const cache = createMemoryCache<number>({ maxEntries: 20, policy })
    const first = fill(cache)
    cache.clear()
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0 })
    expect([...cache.entries()]).toEqual([])
    expect(fill(cache)).toEqual(first)
  })
})

test('keys that agree in most of their characters are told apart, and hashed whole from then on', () => {
  const cache = createMemoryCache<number>({ maxEntries: 5000 })
  // What differs is in the first eighth, which is not sampled.
  const keyOf = (at: number): string => `k${String(at).padStart(6, '0')}${'-'.repeat(93)}`
  for (let at = 0; at < 5000; at += 1) cache.set(keyOf(at), at)
  expect(cache.snapshot().whole).toBe(true)
  expect(cache.stats().order.ghosts).toBe(0)
  for (let at = 0; at < 5000; at += 1) expect(cache.get(keyOf(at))).toBe(at)
  for (let at = 5000; at < 20_000; at += 1) {
    cache.set(keyOf(at), at)
    expect(cache.peek(keyOf(at))).toBe(at)
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
  const alike = (at: number): string => `k${at}${'-'.repeat(93)}`
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

test('tells of each value that leaves, and why', () => {
  let time = 0
  const gone: [string, number, EvictionReason][] = []
  const cache = createMemoryCache<number>({
    maxEntries: 2,
    maxBytes: 100,
    sizeOf: (value) => value,
    now: () => time,
    onEvict: (key, value, reason) => gone.push([key, value, reason]),
  })
  cache.set('a', 1)
  cache.set('a', 2)
  cache.set('a', 101)
  cache.set('b', 3, { ttlMs: 10 })
  time = 10
  cache.get('b')
  cache.set('c', 4)
  cache.delete('c')
  for (const [at, key] of ['d', 'e', 'f'].entries()) cache.set(key, 10 + at)
  cache.resize({ maxEntries: 1 })
  cache.clear()
  expect(gone.map(([key, value, reason]) => `${key} ${value} ${reason}`)).toEqual([
    'a 1 replaced',
    'a 2 bypassed',
    'b 3 expired',
    'c 4 deleted',
    expect.stringMatching(/^[de] 1[01] capacity$/),
    expect.stringMatching(/^[def] 1[012] resized$/),
    expect.stringMatching(/^[def] 1[012] cleared$/),
  ])
  expect(cache.stats().evictions).toEqual({
    capacity: 1,
    resized: 1,
    expired: 1,
    replaced: 1,
    bypassed: 1,
    deleted: 1,
    cleared: 1,
  })
})

test('who is told may call back, and what it throws passes through after the call has done its work', () => {
  const cache = createMemoryCache<number>({
    maxEntries: 2,
    onEvict: (key, value) => {
      if (key === 'thrown') throw new Error('as asked')
      if (value < 3) cache.set(`${key} again`, value + 1)
    },
  })
  cache.set('a', 0)
  cache.set('b', 0)
  cache.set('c', 0)
  expect(cache.stats().entries).toBe(2)
  cache.clear()
  expect(cache.stats().entries).toBeLessThanOrEqual(2)
  const other = createMemoryCache<number>({
    maxEntries: 1,
    onEvict: () => {
      throw new Error('as asked')
    },
  })
  other.set('thrown', 1)
  expect(() => other.set('next', 2)).toThrow('as asked')
  expect([...other.entries()]).toEqual([['next', 2]])
})

test('who is told of many that leave may call back for each of them', () => {
  let told = 0
  const cache = createMemoryCache<number>({
    maxEntries: 150_000,
    onEvict: () => {
      told += 1
      cache.get('nothing')
      cache.delete('nothing')
    },
  })
  for (let at = 0; at < 150_000; at += 1) cache.set(`key ${at}`, at)
  cache.clear()
  expect(told).toBe(150_000)
})

test('what is told after one has thrown is told by the next call', () => {
  const told: string[] = []
  const cache = createMemoryCache<number>({
    maxEntries: 3,
    onEvict: (key) => {
      told.push(key)
      if (key === 'a') throw new Error('as asked')
    },
  })
  for (const key of ['a', 'b', 'c']) cache.set(key, 1)
  expect(() => cache.clear()).toThrow('as asked')
  expect(told).toEqual(['a'])
  cache.get('a')
  expect(told).toEqual(['a', 'b', 'c'])
})

test('who walks the entries while others come gets keys with their own values', () => {
  const cache = createMemoryCache<number>({ maxEntries: 1000 })
  for (let at = 0; at < 60; at += 1) cache.set(`${at}`, at)
  let steps = 0
  for (const [key, value] of cache.entries()) {
    expect(key).toBe(`${value}`)
    steps += 1
    if (steps === 1) for (let at = 60; at < 400; at += 1) cache.set(`${at}`, at)
    if (steps === 30) for (let at = 31; at < 300; at += 1) cache.delete(`${at}`)
  }
  expect(steps).toBeGreaterThanOrEqual(30)
})

test('who listens to the channel may call the cache', () => {
  const cache = createMemoryCache<number>({ name: 'heard', maxEntries: 10, policy: lru })
  const listen = (message: unknown): void => {
    if ((message as { cache: string }).cache === 'heard')
      for (let at = 0; at < 40; at += 1) cache.get(`${at}`)
  }
  subscribe('cache:evict', listen)
  try {
    for (let at = 0; at < 400; at += 1) cache.set(`${(at * 7) % 40}`, at)
  } finally {
    unsubscribe('cache:evict', listen)
  }
  expect(cache.snapshot().order.order).toHaveLength(10)
})

test('publishes evictions, without keys and values', () => {
  const seen: unknown[] = []
  const listen = (message: unknown): number => seen.push(message)
  const cache = createMemoryCache<Uint8Array>({ name: 'mine', maxBytes: 100 })
  subscribe('cache:evict', listen)
  try {
    cache.set('secret', bytesOf(60))
    cache.set('other', bytesOf(70))
    cache.set('other', bytesOf(80))
  } finally {
    unsubscribe('cache:evict', listen)
  }
  expect(seen).toEqual([
    { cache: 'mine', reason: 'capacity', bytes: 60 },
    { cache: 'mine', reason: 'replaced', bytes: 70 },
  ])
})

test('looking is not asking: has, peek and entries count and move nothing', () => {
  const cache = createMemoryCache<number>({ maxEntries: 10 })
  for (let at = 0; at < 10; at += 1) cache.set(`key ${at}`, at)
  const before = cache.snapshot()
  for (let at = 0; at < 12; at += 1) expect(cache.has(`key ${at}`)).toBe(cache.peek(`key ${at}`) === at)
  for (const _ of cache.entries());
  expect(cache.snapshot()).toEqual(before)
  expect(cache.stats()).toMatchObject({ hits: 0, misses: 0 })
  cache.get('key 1')
  cache.get('nothing')
  expect(cache.stats()).toMatchObject({ hits: 1, misses: 1, sets: 10 })
  expect(Object.isFrozen(cache.stats())).toBe(true)
})

describe('refuses', () => {
  test.each([
    [{}, TypeError],
    [undefined, TypeError],
    [{ maxEntries: 0 }, RangeError],
    [{ maxEntries: 1.5 }, RangeError],
    [{ maxEntries: Number.NaN }, RangeError],
    [{ maxEntries: 2 ** 22 + 1 }, RangeError],
    [{ maxBytes: -1 }, RangeError],
    [{ maxBytes: Number.POSITIVE_INFINITY }, RangeError],
    [{ maxEntries: 1, maxSize: 3 }, TypeError],
    [{ maxEntries: 1, ttlMs: 0 }, RangeError],
    [{ maxEntries: 1, ttlMs: -1 }, RangeError],
    [{ maxEntries: 1, ttlMs: Number.NaN }, RangeError],
    [{ maxEntries: 1, negativeTtlMs: -1 }, RangeError],
    [{ maxEntries: 1, maxLoads: 0 }, RangeError],
    [{ maxEntries: 1, maxNegative: 0 }, RangeError],
    [{ maxEntries: 1, policy: 'arc' }, TypeError],
    [{ maxEntries: 1, name: '' }, TypeError],
    [{ maxEntries: 1, onEvict: true }, TypeError],
  ])('the options %j', (options, error) => {
    expect(() => createMemoryCache(options as never)).toThrow(error)
  })

  test('sizes that are none, and values whose size nobody tells', () => {
    const cache = createMemoryCache<unknown>({ maxBytes: 100 })
    for (const bytes of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '5'])
      expect(() => cache.set('a', {}, { bytes: bytes as number })).toThrow(RangeError)
    expect(() => cache.set('a', {})).toThrow(TypeError)
    expect(() => cache.set('a', undefined, { bytes: 1 })).toThrow(TypeError)
    expect(() => cache.set(1 as never, 1, { bytes: 1 })).toThrow(TypeError)
    expect(() => createMemoryCache({ maxBytes: 1, sizeOf: () => -1 }).set('a', 1)).toThrow(RangeError)
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0, sets: 0 })
    expect(cache.set('empty', {}, { bytes: 0 })).toBe(true)
  })

  test('a byte limit for a cache that was made without', () => {
    const cache = createMemoryCache<number>({ maxEntries: 2 })
    expect(() => cache.resize({ maxBytes: 10 })).toThrow(TypeError)
    expect(() => cache.resize({ maxEntries: 0 })).toThrow(RangeError)
    expect(() => cache.resize({ maxSize: 1 } as never)).toThrow(TypeError)
    expect(cache.stats()).toMatchObject({ maxEntries: 2, maxBytes: undefined })
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

test('closed, it has nothing and takes nothing', async () => {
  const cache = createMemoryCache<number>({ maxEntries: 2 })
  cache.set('a', 1)
  await cache.close()
  await cache.close()
  expect(cache.get('a')).toBeUndefined()
  expect(() => cache.set('a', 1)).toThrow(expect.objectContaining({ code: 'CACHE_CLOSED' }))
  await expect(cache.fetch('a', () => 1)).rejects.toMatchObject({ code: 'CACHE_CLOSED', kind: 'temporary' })
})
