import { expect, test } from 'vitest'
import { type Catalog, entryFlags, type Handle, none } from '../src/catalog.ts'
import { createCatalog } from '../src/open-catalog.ts'
import { numbersFrom, rowsOf } from './footers.ts'

const entry = { high: 0, low: 0, pack: 1, offset: 64, length: 5, mark: 0, stamp: 0 }

function handles(catalog: Catalog, high: number, low: number): Handle[] {
  const found = []
  for (let at = catalog.find(high, low); at !== none; at = catalog.findNext(at, high, low)) found.push(at)
  return found
}

test.each([
  [0, 0],
  [0xffff_ffff, 0xffff_ffff],
  [0x8000_0000, 0x7fff_ffff],
  [0, 0xffff_ffff],
])('keeps every field of an entry with tag %i %i at its largest and smallest', (high, low) => {
  const catalog = createCatalog()
  expect(catalog.find(high, low)).toBe(none)
  const largest = { pack: 2 ** 22 - 1, offset: 2 ** 26 - 8, length: 2 ** 32 - 1, mark: 3, stamp: 255 }
  for (const fields of [largest, { pack: 0, offset: 0, length: 0, mark: 0, stamp: 0 }]) {
    catalog.insert({ high, low, ...fields })
  }
  const [first, second] = handles(catalog, high, low) as [Handle, Handle]
  catalog.setFlags(first, entryFlags.damaged | entryFlags.read)
  const read = (at: Handle) => ({
    pack: catalog.pack(at),
    offset: catalog.offset(at),
    length: catalog.length(at),
    mark: catalog.mark(at),
    stamp: catalog.stamp(at),
    flags: catalog.flags(at),
  })
  expect(read(first)).toEqual({ ...largest, flags: 3 })
  expect(read(second)).toEqual({ pack: 0, offset: 0, length: 0, mark: 0, stamp: 0, flags: 0 })
  catalog.setMark(first, 1)
  catalog.setStamp(first, 128)
  expect(read(first)).toEqual({ ...largest, mark: 1, stamp: 128, flags: 3 })
  expect(catalog.move(first, high, low, 7, 8, 9)).toBe(true)
  expect(read(first)).toEqual({ pack: 7, offset: 8, length: 9, mark: 1, stamp: 128, flags: 0 })
  expect(catalog.locate(high, low, 7, 8)).toBe(first)
  expect(catalog.locate(high, low, 7, 16)).toBe(none)
  catalog.remove(first)
  expect(handles(catalog, high, low)).toHaveLength(1)
  expect(catalog.entries).toBe(1)
})

test('a thousand entries share the largest tag, and go again', () => {
  const catalog = createCatalog()
  for (let at = 0; at < 1_000; at++)
    catalog.insert({ ...entry, high: 2 ** 32 - 1, low: 2 ** 32 - 1, offset: at * 8 })
  const offsets = handles(catalog, 2 ** 32 - 1, 2 ** 32 - 1).map((at) => catalog.offset(at))
  expect(new Set(offsets).size).toBe(1_000)
  expect(catalog.bytes).toBeLessThan(400_000)
  for (let left = 1_000; left > 0; left--) catalog.remove(catalog.find(2 ** 32 - 1, 2 ** 32 - 1))
  expect(catalog.find(2 ** 32 - 1, 2 ** 32 - 1)).toBe(none)
  expect(catalog.entries).toBe(0)
})

test('takes at most 32 bytes an entry, from 200,000 to 3,000,000 entries', () => {
  const next = numbersFrom(5)
  const catalog = createCatalog()
  let worst = 0
  for (let at = 1; at <= 3_000_000; at++) {
    catalog.insert({ ...entry, high: next(), low: next() })
    if (at >= 200_000 && at % 50_000 === 0) worst = Math.max(worst, catalog.bytes / at)
  }
  expect(worst).toBeLessThanOrEqual(32)
})

test('finds each of 300,000 entries, and gives the memory back when they go', () => {
  const count = 300_000
  const catalog = createCatalog()
  const empty = catalog.bytes
  const next = numbersFrom(6)
  for (let at = 0; at < count; at++) catalog.insert({ ...entry, high: next(), low: next(), length: at })
  const again = numbersFrom(6)
  let wrong = 0
  for (let at = 0; at < count; at++) if (catalog.length(catalog.find(again(), again())) !== at) wrong += 1
  expect(wrong).toBe(0)
  const third = numbersFrom(6)
  for (let at = 0; at < count; at++) catalog.remove(catalog.find(third(), third()))
  expect(catalog.entries).toBe(0)
  expect(catalog.bytes - empty).toBeLessThan(250_000)
})

test('with room reserved, the memory that the first pack takes is enough for all, at most 32 bytes an entry', async () => {
  const next = numbersFrom(8)
  const catalog = createCatalog()
  catalog.reserve(500_000)
  let first = 0
  for (let pack = 0; pack < 10; pack++) {
    const frames = Array.from({ length: 50_000 }, (_, at) => [next(), next(), at * 8, pack] as const)
    await catalog.absorb(pack, rowsOf(frames), (_row, present) => present === none)
    first ||= catalog.bytes
  }
  expect(catalog.entries).toBe(500_000)
  expect(catalog.bytes / first).toBeLessThan(1.02)
  expect(catalog.bytes / 500_000).toBeLessThan(32)
})

test('absorb tells what is there, and leaves out what is not admitted', async () => {
  const catalog = createCatalog()
  await catalog.absorb(
    5,
    rowsOf([
      [1, 1, 64, 10],
      [1, 1, 128, 11],
      [9, 9, 192, 12],
    ]),
    () => true,
  )
  const told: unknown[] = []
  await catalog.absorb(
    4,
    rowsOf([
      [9, 8, 8, 1],
      [1, 1, 16, 2],
      [9, 9, 24, 3],
      [9, 9, 32, 4],
    ]),
    (row, present) => {
      told.push([row, present === none ? none : [catalog.pack(present), catalog.offset(present)]])
      return row === 1 || row === 2
    },
  )
  expect(told).toEqual([
    [0, [5, 64]],
    [1, none],
    [2, [5, 192]],
    [3, [5, 192]],
  ])
  expect(handles(catalog, 9, 9).map((at) => catalog.pack(at))).toEqual([5, 4])
  expect(handles(catalog, 9, 8).map((at) => [catalog.offset(at), catalog.length(at)])).toEqual([[8, 1]])
  expect(catalog.entries).toBe(5)
})

test('absorbs rows that all have the same tag, into an empty index', async () => {
  const catalog = createCatalog()
  const asked: number[] = []
  const rows = rowsOf(Array.from({ length: 300 }, (_, at) => [2 ** 32 - 1, 4, at * 8, at] as const))
  await catalog.absorb(1, rows, (row) => asked.push(row) > 0)
  expect(asked).toEqual(Array.from({ length: 300 }, (_, at) => at))
  expect(handles(catalog, 2 ** 32 - 1, 4)).toHaveLength(300)
})

test('refuses limits that are none', () => {
  for (const maxIndexedEntries of [0, -1, 1.5, NaN, 2 ** 29]) {
    expect(() => createCatalog({ maxIndexedEntries })).toThrow(RangeError)
  }
  expect(() => createCatalog({ sliceEntries: 0 })).toThrow(RangeError)
})
