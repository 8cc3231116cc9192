import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PackedRows } from '../../src/catalog/packed-rows.ts'
import { decodeRow, encodeRow } from '../../src/catalog/row.ts'
import { cidOf, rowOf } from './open-on.ts'

test('rows are those of a map, whatever is set and deleted, and each has one slot', () => {
  const step = fc.record({ key: fc.nat(40), copies: fc.nat(30), isDeletion: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(), (steps, seed) => {
      const rows = new PackedRows(seed)
      const model = new Map<number, unknown>()
      for (const { key, copies, isDeletion } of steps) {
        const cid = cidOf(key).bytes
        if (isDeletion) {
          expect(rows.delete(cid)).toBe(model.delete(key))
        } else {
          const row = rowOf(key, copies)
          rows.set(encodeRow(cid, row))
          model.set(key, row)
        }
        expect(rows.count).toBe(model.size)
      }
      for (let key = 0; key <= 40; key += 1) {
        const record = rows.get(cidOf(key).bytes)
        expect(record && decodeRow(record, 0)).toEqual(model.get(key))
      }
      const slots = Array.from({ length: rows.slots }, (_, slot) => rows.at(slot))
      const bytes = slots.flatMap((record) =>
        record === undefined ? [] : [decodeRow(record, 0)!.content.bytes],
      )
      expect(new Set(bytes)).toEqual(new Set(model.keys()))
      expect(bytes).toHaveLength(model.size)
    }),
    { numRuns: 300 },
  )
})

test('finds each of 20,000 rows while the table grows', () => {
  const rows = new PackedRows(7)
  for (let key = 0; key < 20_000; key += 1) rows.set(encodeRow(cidOf(key).bytes, rowOf(key)))
  for (let key = 0; key < 20_000; key += 3) rows.delete(cidOf(key).bytes)
  for (let key = 0; key < 20_000; key += 1) {
    const record = rows.get(cidOf(key).bytes)
    expect(record && decodeRow(record, 0)).toEqual(key % 3 === 0 ? undefined : rowOf(key))
  }
  const slots = rows.slots
  for (let key = 0; key < 20_000; key += 3) rows.set(encodeRow(cidOf(key).bytes, rowOf(key)))
  expect(rows.slots).toBe(slots)
})

test('takes 200 bytes for a CID with three copies at most', () => {
  const rows = new PackedRows(7)
  for (let key = 0; key < 100_000; key += 1) rows.set(encodeRow(cidOf(key).bytes, rowOf(key, 3)))
  expect(rows.bytes / rows.count).toBeLessThan(200)
})
