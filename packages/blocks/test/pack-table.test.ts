import fc from 'fast-check'
import { expect, it } from 'vitest'
import { frameKinds, type FrameKind } from '../src/frame.ts'
import { PackTable, type TableEntry } from '../src/pack-table.ts'
import { placeKind, placeOffset } from '../src/place.ts'

/** Tags from a few values, so that many are equal in one or both halves. */
const word = fc.oneof(fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
const entries = fc
  .array(
    fc.record({
      high: word,
      low: word,
      gap: fc.integer({ min: 1, max: 1000 }),
      payloadBytes: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      kind: fc.constantFrom<FrameKind>(1, 2, 3, 4),
      key: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 255, maxLength: 16_384 })),
    }),
    { maxLength: 120 },
  )
  .map((list) => {
    let offset = 64
    return list.map(({ gap, key, ...rest }): TableEntry => {
      offset += gap * 8
      return { ...rest, key: Buffer.from(key), offset }
    })
  })

function tableOf(list: readonly TableEntry[]): PackTable {
  const table = new PackTable()
  for (const { high, low, offset, payloadBytes, kind, key } of list)
    table.add(high, low, offset, payloadBytes, kind, key)
  return table
}

it('gives the frames back in their order', () => {
  fc.assert(
    fc.property(entries, (list) => {
      const table = tableOf(list)
      expect(table.count).toBe(list.length)
      expect([...table]).toEqual(list)
      expect(table.keyBytes).toBe(list.reduce((sum, { key }) => sum + 2 + key.length, 0))
    }),
    { numRuns: 60 },
  )
})

it('sorts a copy by tag, then by offset, with the keys in the same order', async () => {
  await fc.assert(
    fc.asyncProperty(entries, async (list) => {
      const table = tableOf(list)
      const { rows, keys } = await table.rowsAndKeys()
      const sorted = list.toSorted((a, b) => a.high - b.high || a.low - b.low || a.offset - b.offset)
      const found: TableEntry[] = []
      let at = 0
      for (let row = 0; row < rows.count; row++) {
        const [high, low, place, payloadBytes] = rows.numbers.subarray(
          row * 4,
          row * 4 + 4,
        ) as unknown as number[]
        const key = keys.subarray(at + 2, at + 2 + keys.readUInt16LE(at))
        at += 2 + key.length
        const [offset, kind] = [placeOffset(place!), placeKind(place!)]
        found.push({ high: high!, low: low!, offset, payloadBytes: payloadBytes!, kind, key })
      }
      expect(at).toBe(keys.length)
      expect(found).toEqual(sorted)
      expect(await table.rows()).toEqual(rows)
      expect([...table]).toEqual(list)
    }),
    { numRuns: 60 },
  )
})

it('forgets what is cut off, and goes on behind what is left', () => {
  fc.assert(
    fc.property(entries, entries, fc.nat(), (list, more, cut) => {
      const table = tableOf(list)
      const count = cut % (list.length + 1)
      table.truncate(count)
      const left = list.slice(0, count)
      expect([...table]).toEqual(left)
      const begin = left.at(-1)?.offset ?? 64
      const added = more.map((entry) => ({ ...entry, offset: entry.offset + begin }))
      for (const { high, low, offset, payloadBytes, kind, key } of added) {
        table.add(high, low, offset, payloadBytes, kind, key)
      }
      expect([...table]).toEqual([...left, ...added])
      expect(table.keyBytes).toBe([...left, ...added].reduce((sum, { key }) => sum + 2 + key.length, 0))
    }),
    { numRuns: 60 },
  )
})

it('refuses places that no frame can have, keys that are too long, and indexes that there are not', () => {
  const table = new PackTable()
  table.add(0, 0, 64, 0, frameKinds.block, Buffer.alloc(0))
  for (const offset of [64, 8, 73, 2 ** 26, -8, Number.NaN]) {
    expect(() => table.add(0, 0, offset, 0, frameKinds.block, Buffer.alloc(0)), String(offset)).toThrow(
      RangeError,
    )
  }
  expect(() => table.add(0, 0, 128, 0, frameKinds.record, Buffer.alloc(16_385))).toThrow(RangeError)
  for (const count of [-1, 2, 0.5, Number.NaN]) expect(() => table.truncate(count)).toThrow(RangeError)
  expect(() => table.at(1)).toThrow(RangeError)
  expect([...table]).toHaveLength(1)
})

it('sorts half a million frames, of which many have one key, with others having their turn in between', async () => {
  const table = new PackTable()
  const count = 500_000
  const key = Buffer.alloc(34)
  let random = 1
  for (let index = 0; index < count; index++) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
    const [high, low] = index % 2 === 0 ? [7, 9] : [random, random ^ index]
    key.writeUInt32LE(index, 2)
    table.add(high, low >>> 0, 64 + index * 64, 0, frameKinds.block, key)
  }
  let turns = 0
  const turn = (): void => {
    turns += 1
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  const { rows, keys } = await table.rowsAndKeys()
  clearImmediate(next)
  const { numbers } = rows
  for (let at = 4; at < numbers.length; at += 4) {
    const [high, former] = [numbers[at]!, numbers[at - 4]!]
    const inOrder =
      high > former ||
      (high === former &&
        (numbers[at + 1]! > numbers[at - 3]! ||
          (numbers[at + 1]! === numbers[at - 3]! && numbers[at + 2]! > numbers[at - 2]!)))
    if (!inOrder) expect.unreachable(`row ${at / 4} is not in order`)
  }
  for (let row = 0; row < count; row++) {
    const index = keys.readUInt32LE(row * 36 + 4)
    if (placeOffset(numbers[row * 4 + 2]!) !== 64 + index * 64)
      expect.unreachable(`key of row ${row} is another's`)
  }
  // In one piece it takes some 300 ms, in slices of some 5.
  expect(turns).toBeGreaterThan(10)
})
