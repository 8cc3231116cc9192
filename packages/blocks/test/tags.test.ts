import { expect, test } from 'vitest'
import { createTagger } from '../src/tags.ts'
import { numbersFrom } from './footers.ts'

const seed = Uint8Array.from({ length: 16 }, (_, at) => at)

function tagOf(kind: 'block' | 'record', key: Uint8Array, by = seed): string {
  const tagger = createTagger(by)
  tagger[kind](key)
  return `${tagger.high.toString(16)} ${tagger.low.toString(16)}`
}

// From an implementation of its own in Python, which gives the published vectors of HalfSipHash-2-4.
test.each([
  [0, 'c37fd937 5c04bae7', '5505f1b1 8d539d67'],
  [1, 'e44ad21b e214a6d4', 'd2176589 bd98c730'],
  [3, '16f1da50 e873ee3e', '6bb743e9 2dda12b6'],
  [4, '15c24640 1f667da5', '80e24aae 71f114a1'],
  [34, 'ff11d845 df8da47', '6f917e11 e27d6c6b'],
  [257, 'cce26c88 e4743e92', '3f8d8434 67c18e55'],
])('is HalfSipHash-1-3 for a key of %i bytes', (length, block, record) => {
  const key = Uint8Array.from({ length }, (_, at) => at * 7 + length)
  expect(tagOf('block', key)).toBe(block)
  expect(tagOf('record', key)).toBe(record)
})

test('depends on every bit of the key and of the seed, and on the length of the key', () => {
  const key = Uint8Array.from({ length: 37 }, (_, at) => at * 5)
  const seen = new Set([tagOf('block', key)])
  let expected = 1
  for (const bytes of [key, seed]) {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >>> 3]! ^= 1 << (bit & 7)
      seen.add(tagOf('block', key))
      bytes[bit >>> 3]! ^= 1 << (bit & 7)
      expected += 1
    }
  }
  for (let length = 0; length < 37; length++) seen.add(tagOf('block', key.subarray(0, length)))
  for (const length of [300, 16_384]) seen.add(tagOf('block', new Uint8Array(length)))
  expect(seen.size).toBe(expected + 37 + 2)
})

test('a key that begins in the middle of its buffer has the same tag', () => {
  const key = Uint8Array.from({ length: 34 }, (_, at) => at)
  const inside = new Uint8Array(50).fill(9)
  inside.set(key, 7)
  expect(tagOf('block', inside.subarray(7, 41))).toBe(tagOf('block', key))
  const seeds = new Uint8Array(20).fill(9)
  seeds.set(seed, 3)
  expect(tagOf('block', key, seeds.subarray(3, 19))).toBe(tagOf('block', key))
})

test.each([1, 2, 3])('spreads counting keys evenly over the bytes of a tag (seed %i)', (by) => {
  const next = numbersFrom(by)
  const tagger = createTagger(Uint8Array.from({ length: 16 }, next))
  const key = new Uint8Array(34)
  const view = new DataView(key.buffer)
  const keys = 65_536
  const counts = new Uint32Array(8 * 256)
  for (let at = 0; at < keys; at++) {
    view.setUint32(20, at)
    tagger.block(key)
    for (let byte = 0; byte < 4; byte++) {
      counts[byte * 256 + ((tagger.high >>> (byte * 8)) & 0xff)]! += 1
      counts[(byte + 4) * 256 + ((tagger.low >>> (byte * 8)) & 0xff)]! += 1
    }
  }
  for (let byte = 0; byte < 8; byte++) {
    let chiSquare = 0
    for (const count of counts.subarray(byte * 256, (byte + 1) * 256)) chiSquare += (count - 256) ** 2 / 256
    // 255 degrees of freedom: between these with probability 0.99999.
    expect(chiSquare).toBeGreaterThan(165)
    expect(chiSquare).toBeLessThan(365)
  }
})

test('half the bits of a tag change when a bit of the key does', () => {
  const next = numbersFrom(4)
  const tagger = createTagger(seed)
  const key = new Uint8Array(34)
  let changed = 0
  for (let round = 0; round < 4_000; round++) {
    for (let at = 0; at < key.length; at++) key[at] = next()
    tagger.block(key)
    const { high, low } = tagger
    key[round % key.length]! ^= 1 << (next() & 7)
    tagger.block(key)
    for (const bits of [high ^ tagger.high, low ^ tagger.low]) {
      for (let bit = 0; bit < 32; bit++) changed += (bits >>> bit) & 1
    }
  }
  expect(changed / 4_000).toBeGreaterThan(31.7)
  expect(changed / 4_000).toBeLessThan(32.3)
})

test('refuses a seed that does not have 16 bytes', () => {
  expect(() => createTagger(new Uint8Array(15))).toThrow(RangeError)
})
