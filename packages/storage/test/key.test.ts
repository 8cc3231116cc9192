import { checkKey, compareKeys } from '@ipfs-kit/storage'
import { expect, test } from 'vitest'

test('keys compare as their bytes in UTF-8 do', () => {
  const keys = [
    '',
    'a',
    'aa',
    'b',
    'B',
    'é',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '😀',
    '\u{10ffff}',
    '😀a',
    '😁',
    'a\uffff',
    'a😀',
  ]
  for (const a of keys) {
    for (const b of keys) {
      expect(Math.sign(compareKeys(a, b)), `${a} and ${b}`).toBe(
        Buffer.compare(Buffer.from(a), Buffer.from(b)),
      )
    }
  }
})

test('a refused key is named, but not at full length', () => {
  expect(() => checkKey('a\0b')).toThrow('The key "a\\u0000b" has a NUL')
  const long = 'x'.repeat(100_000)
  expect(() => checkKey(long)).toThrow(/longer than 1024 bytes/)
  expect(() => checkKey(long)).not.toThrow('x'.repeat(100))
  // @ts-expect-error not a text
  expect(() => checkKey(5)).toThrow(expect.objectContaining({ code: 'STORAGE_INVALID_KEY' }))
  checkKey('a'.repeat(1024))
})
