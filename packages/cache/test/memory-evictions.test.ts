import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createMemoryCache, lru, type EvictionReason } from '@ipfs-kit/cache'
import { expect, test } from 'vitest'

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
    cache.set('secret', new Uint8Array(60))
    cache.set('other', new Uint8Array(70))
    cache.set('other', new Uint8Array(80))
  } finally {
    unsubscribe('cache:evict', listen)
  }
  expect(seen).toEqual([
    { cache: 'mine', reason: 'capacity', bytes: 60 },
    { cache: 'mine', reason: 'replaced', bytes: 70 },
  ])
})
