import { createMemoryCache } from '@ipfs-kit/cache'
import { describe, expect, test } from 'vitest'

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
