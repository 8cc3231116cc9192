import { createArrivals } from '@ipfs-kit/storage'
import { expect, test } from 'vitest'

const full = expect.objectContaining({ name: 'StorageError', code: 'STORAGE_FULL' })

test('counts what bodies take, and gives it back when they are disposed of', () => {
  const arrivals = createArrivals({ maxBytes: 100 })
  {
    using first = arrivals.open()
    using second = arrivals.open()
    first.growTo(10)
    second.growTo(40)
    first.growTo(30)
    expect(arrivals.bytes).toBe(70)
    first.growTo(20)
    expect(arrivals.bytes).toBe(70)
    second[Symbol.dispose]()
    expect(arrivals.bytes).toBe(30)
  }
  expect(arrivals.bytes).toBe(0)
})

test('lets all bodies together have exactly so many bytes, and takes nothing of what is more', () => {
  const arrivals = createArrivals({ maxBytes: 100 })
  using first = arrivals.open()
  using second = arrivals.open()
  first.growTo(60)
  expect(() => second.growTo(41)).toThrow(full)
  expect(arrivals.bytes).toBe(60)
  second.growTo(40)
  expect(() => first.growTo(61)).toThrow(full)
  expect(arrivals.bytes).toBe(100)
})

test('lets one body have so many bytes at most', () => {
  const arrivals = createArrivals({ maxBytes: 100, maxBodyBytes: 50 })
  using one = arrivals.open()
  one.growTo(50)
  expect(() => one.growTo(51)).toThrow(full)
  expect(arrivals.bytes).toBe(50)
})

test('refuses limits that are none', () => {
  for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => createArrivals({ maxBytes: wrong })).toThrow(RangeError)
    expect(() => createArrivals({ maxBytes: 1, maxBodyBytes: wrong })).toThrow(RangeError)
  }
})
