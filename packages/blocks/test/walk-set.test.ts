import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { expect, it } from 'vitest'
import { createVisited } from '../src/visited.ts'
import { createWalkSet } from '../src/walk-set.ts'

const word = fc.oneof(
  fc.nat({ max: 3 }),
  fc.nat({ max: 0xffff_ffff }),
  fc.constantFrom(0xffff_ffff, 0x8000_0000),
)

it('answers as an exact set does', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 300 }), (tags) => {
      const set = createWalkSet()
      const exact = new Set<string>()
      for (const [high, low] of tags) {
        const isNew = !exact.has(`${high}:${low}`)
        expect(set.has(high, low)).toBe(!isNew)
        expect(set.add(high, low)).toBe(isNew)
        expect(set.has(high, low)).toBe(true)
        exact.add(`${high}:${low}`)
      }
      expect(set.size).toBe(exact.size)
    }),
  )
})

it('holds 200,000 tags in at most 22 bytes each, and knows each of them and no other', () => {
  const set = createWalkSet()
  const tagAt = (at: number) => [Math.imul(at, 0x9e37_79b1) >>> 0, Math.imul(at, 0x85eb_ca6b) >>> 0] as const
  const count = 200_000
  for (let at = 0; at < count; at += 1) set.add(...tagAt(at))
  expect(set.size).toBe(count)
  expect(set.bytes).toBeLessThan(22 * count)
  let wrong = 0
  for (let at = 0; at < count; at += 1) {
    if (!set.has(...tagAt(at)) || set.add(...tagAt(at)) || set.has(...tagAt(at + count))) wrong += 1
  }
  expect(wrong).toBe(0)
})

it('takes no memory for tables before it has tags', () => {
  expect(createWalkSet().bytes).toBe(0)
})

it('knows a CID under both versions, and apart under each codec', () => {
  const digest = createDigest(0x12, new Uint8Array(32).fill(7))
  const visited = createVisited()
  expect(visited.add(CID.createV0(digest as never))).toBe(true)
  expect(visited.add(CID.createV1(0x70, digest))).toBe(false)
  expect(visited.has(CID.createV1(0x71, digest))).toBe(false)
  expect(visited.add(CID.createV1(0x71, digest))).toBe(true)
  expect(visited.size).toBe(2)
})
