import { createMemoryCache } from '@ipfs-kit/cache'
import { expect, test } from 'vitest'

function clocked(ttlMs?: number) {
  const clock = { time: 1000 }
  const cache = createMemoryCache<string>({
    maxEntries: 100,
    now: () => clock.time,
    ...(ttlMs === undefined ? {} : { ttlMs }),
  })
  return { clock, cache }
}

test('an entry counts until its time is over, to the millisecond', () => {
  const { clock, cache } = clocked(10)
  cache.set('a', 'value')
  clock.time += 9.5
  expect([cache.get('a'), cache.has('a'), cache.peek('a')]).toEqual(['value', true, 'value'])
  clock.time += 0.5
  expect([cache.has('a'), cache.peek('a'), [...cache.entries()], cache.get('a')]).toEqual([
    false,
    undefined,
    [],
    undefined,
  ])
  expect(cache.stats()).toMatchObject({ entries: 0, hits: 1, misses: 1 })
  expect(cache.stats().evictions.expired).toBe(1)
})

test('a call can say another time than the cache, and Infinity is never', () => {
  const { clock, cache } = clocked(10)
  cache.set('short', 'value', { ttlMs: 1 })
  cache.set('ever', 'value', { ttlMs: Number.POSITIVE_INFINITY })
  cache.set('usual', 'value')
  clock.time += 1
  expect(['short', 'usual', 'ever'].map((key) => cache.has(key))).toEqual([false, true, true])
  clock.time = Number.MAX_SAFE_INTEGER
  expect(['short', 'usual', 'ever'].map((key) => cache.has(key))).toEqual([false, false, true])
})

test('entries without a time are not ended by those that get one later', () => {
  const { clock, cache } = clocked()
  for (let at = 0; at < 10; at += 1) cache.set(`early ${at}`, 'value')
  cache.set('timed', 'value', { ttlMs: 5 })
  for (let at = 0; at < 89; at += 1) cache.set(`late ${at}`, 'value')
  clock.time += 1e9
  expect(cache.has('timed')).toBe(false)
  expect([...cache.entries()]).toHaveLength(99)
})

test('a new value has a new time, and none if that is what it gets', () => {
  const { clock, cache } = clocked()
  cache.set('a', 'one', { ttlMs: 5 })
  clock.time += 4
  cache.set('a', 'two', { ttlMs: 5 })
  clock.time += 4
  expect(cache.get('a')).toBe('two')
  cache.set('a', 'three')
  clock.time += 1e9
  expect(cache.get('a')).toBe('three')
})

test('what has expired is not replaced or deleted but gone', () => {
  const { clock, cache } = clocked(5)
  cache.set('a', 'one')
  cache.set('b', 'one')
  clock.time += 5
  expect(cache.delete('a')).toBe(false)
  cache.set('b', 'two')
  expect(cache.stats().evictions).toMatchObject({ expired: 2, deleted: 0, replaced: 0 })
})

test('a clock that goes back makes nothing expire early, one that jumps ahead all of it', () => {
  const { clock, cache } = clocked(10)
  cache.set('a', 'value')
  clock.time -= 1e6
  expect(cache.get('a')).toBe('value')
  clock.time += 1e9
  expect(cache.get('a')).toBeUndefined()
})

test('what is remembered to be absent is asked again when its time is over, however the clock jumps', async () => {
  let time = 1e6
  let calls = 0
  const cache = createMemoryCache<string>({ maxEntries: 10, negativeTtlMs: 10, now: () => time })
  const ask = async (jump: number): Promise<number> => {
    time += jump
    await cache.fetch('a', () => void (calls += 1))
    return calls
  }
  expect([await ask(0), await ask(9), await ask(-1e5), await ask(1e9), await ask(5)]).toEqual([1, 1, 1, 2, 2])
})

test.each([0, -1, Number.NaN, Number.NEGATIVE_INFINITY, '5'])('a time of %s is none', (ttlMs) => {
  const { cache } = clocked()
  expect(() => cache.set('a', 'value', { ttlMs: ttlMs as number })).toThrow(RangeError)
  expect(cache.has('a')).toBe(false)
})

test('a snapshot takes the times along that are left', () => {
  const { clock, cache } = clocked()
  cache.set('short', 'value', { ttlMs: 10 })
  cache.set('ever', 'value')
  cache.set('long', 'value', { ttlMs: 100 })
  clock.time += 10
  const snapshot = JSON.parse(JSON.stringify(cache.snapshot()))
  let time = 5
  const other = createMemoryCache<string>({ maxEntries: 10, now: () => time, snapshot })
  expect([...other.entries()].map(([key]) => key)).toEqual(['ever', 'long'])
  time += 89
  expect(other.has('long')).toBe(true)
  time += 1
  expect([...other.entries()].map(([key]) => key)).toEqual(['ever'])
})
