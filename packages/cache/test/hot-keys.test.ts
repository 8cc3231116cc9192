import { createMemoryCache, lru } from '@ipfs-kit/cache'
import { describe, expect, test } from 'vitest'
import { policies } from './policies.ts'

/** Numbers below `end`, the same ones for the same seed. */
function numbers(seed: number): (end: number) => number {
  let state = seed
  return (end) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * end)
  }
}

/** Another string of the same characters. */
const copyOf = (key: string): string => Buffer.from(key).toString()

describe.each(policies)('with %s', (_name, policy) => {
  test('keys that are asked for often have the value that was set last, until they leave', () => {
    const next = numbers(1)
    let time = 0
    const values = new Map<string, { value: number; expiry: number }>()
    const cache = createMemoryCache<number>({
      maxEntries: 40,
      policy,
      now: () => time,
      onEvict: (key, value) => {
        if (values.get(key)?.value === value) values.delete(key)
      },
    })
    const put = (key: string, value: number, ttlMs?: number): void => {
      values.set(key, { value, expiry: ttlMs === undefined ? Infinity : time + ttlMs })
      cache.set(key, value, ttlMs === undefined ? {} : { ttlMs })
    }
    const alive = (key: string): number | undefined => {
      const own = values.get(key)
      return own !== undefined && own.expiry > time ? own.value : undefined
    }
    const wrong: string[] = []
    let hits = 0
    for (; time < 120_000; time += 1) {
      // Times when few keys are asked for, when more than there is room for, and when hardly one comes again.
      const key = `key ${next([8, 20, 60, 20_000][(time >>> 12) & 3]!)}`
      const what = next(10_000)
      const value = alive(key)
      if (what < 9900) {
        if (cache.get(what < 5000 ? key : copyOf(key)) !== value) wrong.push(`get ${key} at ${time}`)
        if (value === undefined) put(key, time)
        else hits += 1
      } else if (what < 9930) put(key, time, 40)
      else if (what < 9985) {
        if (cache.delete(key) !== (value !== undefined)) wrong.push(`delete ${key} at ${time}`)
      } else if (what < 9995) cache.resize({ maxEntries: 1 + next(60) })
      else cache.clear()
      if (time % 500 > 0) continue
      const expected = [...values.keys()].filter((one) => alive(one) !== undefined)
      expect(new Map(cache.entries())).toEqual(new Map(expected.map((one) => [one, alive(one)])))
    }
    expect(wrong.slice(0, 3)).toEqual([])
    expect(cache.stats().hits).toBe(hits)
    expect(hits).toBeGreaterThan(50_000)
  })
})

test('keys that are asked for often leave in the same order as others', () => {
  const cache = createMemoryCache<number>({ maxEntries: 30, policy: lru })
  const order = new Map<string, number>()
  const next = numbers(7)
  const wrong: string[] = []
  for (let at = 0; at < 200_000; at += 1) {
    const key = `key ${next(at % 4000 < 3800 ? 30 : 400)}`
    const value = order.get(key)
    if (cache.get(key) !== value) wrong.push(`${key} at ${at}`)
    if (value === undefined) cache.set(key, at)
    order.delete(key)
    order.set(key, value ?? at)
    if (order.size > 30) order.delete(order.keys().next().value!)
  }
  expect(wrong.slice(0, 3)).toEqual([])
})

test('a cache of more entries than 16 bits can count keeps their order', () => {
  const cache = createMemoryCache<number>({ maxEntries: 70_000, policy: lru })
  for (let at = 0; at < 70_000; at += 1) cache.set(`${at}`, at)
  for (let at = 0; at < 100; at += 1) cache.get(`${at}`)
  for (let at = 70_000; at < 139_900; at += 1) cache.set(`${at}`, at)
  const kept = [...cache.entries()].map(([, value]) => value).sort((a, b) => a - b)
  expect(kept.slice(0, 101)).toEqual([...Array.from({ length: 100 }, (_, at) => at), 70_000])
})
