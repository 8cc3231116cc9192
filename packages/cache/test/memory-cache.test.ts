import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createMemoryCache } from '@ipfs-kit/cache'
import { describe, expect, test } from 'vitest'
import { ask } from './ground.ts'
import { policies } from './policies.ts'

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

  test('clearing forgets also what the policy has learned', () => {
    const fill = (cache: ReturnType<typeof createMemoryCache<number>>): string[] => {
      for (let at = 0; at < 200; at += 1) {
        for (const key of [`key ${at % 30}`, `key ${(at * 7) % 50}`]) ask(cache, key, at)
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

test('closed, it has nothing and takes nothing', async () => {
  const cache = createMemoryCache<number>({ maxEntries: 2 })
  cache.set('a', 1)
  await cache.close()
  await cache.close()
  expect(cache.get('a')).toBeUndefined()
  expect(() => cache.set('a', 1)).toThrow(expect.objectContaining({ code: 'CACHE_CLOSED' }))
  await expect(cache.fetch('a', () => 1)).rejects.toMatchObject({ code: 'CACHE_CLOSED', kind: 'temporary' })
})
