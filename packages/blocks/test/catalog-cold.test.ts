import { expect, test } from 'vitest'
import { entryFlags, none, type Handle } from '../src/catalog.ts'
import { createCatalog } from '../src/open-catalog.ts'
import { footerOf, type Frame, numbersFrom, rowsOf } from './footers.ts'

function framesFrom(seed: number, count: number): Frame[] {
  const next = numbersFrom(seed)
  return Array.from({ length: count }, (_, at) => [next(), next(), at * 8, at])
}

test('a pack beyond the limit, and every older one, is answered from its footer in about 2.4 bytes a row', async () => {
  const catalog = createCatalog({ maxIndexedEntries: 150_000 })
  const absorb = async (pack: number, count: number) => {
    const rows = rowsOf(framesFrom(pack, count))
    const before = catalog.bytes
    await catalog.absorb(pack, rows, () => true, footerOf(rows).readRows)
    return catalog.bytes - before
  }
  await absorb(9, 100_000)
  expect(catalog.hasCold).toBe(false)
  expect((await absorb(8, 100_000)) / 100_000).toBeLessThan(2.5)
  expect(catalog.hasCold).toBe(true)
  await absorb(7, 1_000)
  expect(catalog.indexed).toBe(100_000)
  expect(catalog.entries).toBe(201_000)
  catalog.drop(8)
  catalog.drop(7)
  expect(catalog.entries).toBe(100_000)
  expect(catalog.hasCold).toBe(false)
})

test('without a way to read its rows a pack goes into memory, limit or not', async () => {
  const catalog = createCatalog({ maxIndexedEntries: 10 })
  await catalog.absorb(1, rowsOf(framesFrom(1, 100)), () => true)
  expect(catalog.indexed).toBe(100)
})

test('finds each row by one read of one row, and reads for fewer than 1 in 500 tags that are not there', async () => {
  const catalog = createCatalog({ maxIndexedEntries: 1 })
  const frames = framesFrom(1, 20_000)
  const rows = rowsOf(frames)
  const footer = footerOf(rows)
  await catalog.absorb(1, rows, () => true, footer.readRows)
  let wrong = 0
  for (const [high, low, offset, length] of frames) {
    const [handle] = (await catalog.findCold(high, low)) as [Handle]
    if (catalog.offset(handle) !== offset || catalog.length(handle) !== length) wrong += 1
  }
  expect(wrong).toBe(0)
  expect(footer.reads).toBeLessThan(20_000 * 1.002)
  expect(footer.rowsRead).toBe(footer.reads)
  const before = footer.reads
  const next = numbersFrom(2)
  let found = 0
  for (let at = 0; at < 20_000; at++) found += (await catalog.findCold(next(), next())).length
  expect(found).toBe(0)
  expect(footer.reads - before).toBeLessThan(40)
})

test('asks a footer nothing about rows that are dead', async () => {
  const catalog = createCatalog({ maxIndexedEntries: 1 })
  const frames = framesFrom(1, 500)
  const rows = rowsOf(frames)
  const footer = footerOf(rows)
  await catalog.absorb(1, rows, (row) => row % 2 === 0, footer.readRows)
  for (const [high, low] of frames) for (const at of await catalog.findCold(high, low)) catalog.remove(at)
  expect(catalog.entries).toBe(0)
  footer.reads = 0
  for (const [high, low] of frames) expect(await catalog.findCold(high, low)).toEqual([])
  for await (const _part of catalog.sweep(() => expect.unreachable()));
  expect(footer.reads).toBe(0)
})

test('an entry takes its mark, stamp and flags out of memory, and mark and stamp back into it', async () => {
  const catalog = createCatalog()
  const rows = rowsOf([[7, 8, 64, 100]])
  catalog.insert({ high: 7, low: 8, pack: 3, offset: 64, length: 100, mark: 2, stamp: 200 })
  catalog.setFlags(catalog.find(7, 8), entryFlags.read)
  await catalog.chill(3, rows, footerOf(rows).readRows)
  expect([catalog.find(7, 8), catalog.indexed, catalog.entries]).toEqual([none, 0, 1])
  const [cold] = (await catalog.findCold(7, 8)) as [Handle]
  expect([catalog.mark(cold), catalog.stamp(cold), catalog.flags(cold)]).toEqual([2, 200, entryFlags.read])
  expect([catalog.pack(cold), catalog.offset(cold), catalog.length(cold)]).toEqual([3, 64, 100])
  catalog.setMark(cold, 1)
  expect(catalog.move(cold, 7, 8, 4, 72, 100)).toBe(true)
  const warm = catalog.find(7, 8)
  expect([catalog.pack(warm), catalog.offset(warm)]).toEqual([4, 72])
  expect([catalog.mark(warm), catalog.stamp(warm), catalog.flags(warm)]).toEqual([1, 200, 0])
  expect(await catalog.findCold(7, 8)).toEqual([])
})

test('through the handle of an entry that is gone nothing is changed', async () => {
  const catalog = createCatalog({ maxIndexedEntries: 1 })
  const absorb = async () => {
    const rows = rowsOf([
      [7, 8, 64, 100],
      [9, 9, 72, 5],
    ])
    await catalog.absorb(3, rows, () => true, footerOf(rows).readRows)
  }
  await absorb()
  const [moved] = (await catalog.findCold(7, 8)) as [Handle]
  expect(catalog.move(moved, 7, 8, 4, 0, 100)).toBe(true)
  expect(catalog.move(moved, 7, 8, 5, 0, 100)).toBe(false)
  catalog.remove(moved)
  catalog.setMark(moved, 3)
  expect([catalog.mark(moved), catalog.entries]).toEqual([0, 2])
  expect(catalog.pack(catalog.find(7, 8))).toBe(4)
  // The place of the pack is given to another one: a handle of the former does not lead there.
  const [dropped] = (await catalog.findCold(9, 9)) as [Handle]
  catalog.drop(3)
  await absorb()
  catalog.remove(dropped)
  catalog.setStamp(dropped, 9)
  catalog.setFlags(dropped, 1)
  const [fresh] = (await catalog.findCold(9, 9)) as [Handle]
  expect([catalog.stamp(fresh), catalog.flags(fresh)]).toEqual([0, 0])
})

test('answers the newest pack first, by the age it is told', async () => {
  const ids = [10, 40, 20, 30]
  const catalog = createCatalog({ maxIndexedEntries: 1, packId: (pack) => ids[pack]! })
  const rows = rowsOf([
    [1, 2, 64, 3],
    [4, 4, 72, 3],
  ])
  for (const pack of [0, 1, 2, 3]) await catalog.absorb(pack, rows, () => true, footerOf(rows).readRows)
  expect((await catalog.findCold(1, 2)).map((at) => catalog.pack(at))).toEqual([1, 3, 2, 0])
})

test('remembers where the latest 4,096 entries lie, and says so about others', async () => {
  const catalog = createCatalog({ maxIndexedEntries: 1 })
  const frames = framesFrom(3, 4_097)
  const rows = rowsOf(frames)
  await catalog.absorb(1, rows, () => true, footerOf(rows).readRows)
  const handles: Handle[] = []
  for (const [high, low] of frames) handles.push(...(await catalog.findCold(high, low)))
  expect(catalog.offset(handles[1]!)).toBe(8)
  expect(() => catalog.offset(handles[0]!)).toThrow(RangeError)
})

test('a footer that cannot be read fails the question, unless its pack was dropped meanwhile', async () => {
  const catalog = createCatalog({ maxIndexedEntries: 1 })
  let onRead = () => {}
  const readRows = async () => {
    onRead()
    throw new Error('input/output error')
  }
  await catalog.absorb(
    1,
    rowsOf([
      [1, 2, 64, 3],
      [4, 4, 72, 3],
    ]),
    () => true,
    readRows,
  )
  await expect(catalog.findCold(1, 2)).rejects.toThrow('input/output error')
  await expect(catalog.locate(1, 2, 1, 64)).rejects.toThrow('input/output error')
  await expect(catalog.sweep(() => {}).next()).rejects.toThrow('input/output error')
  onRead = () => catalog.drop(1)
  expect(await catalog.findCold(1, 2)).toEqual([])
})
