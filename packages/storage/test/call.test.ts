import {
  checkCondition,
  checkGet,
  checkList,
  checkPut,
  cursorOf,
  keyOfCursor,
  windowOf,
} from '@ipfs-kit/storage'
import { expect, test } from 'vitest'

const code = (expected: string) => expect.objectContaining({ name: 'StorageError', code: expected })
const none = { conditionalPut: false, conditionalReplace: false }
const all = { conditionalPut: true, conditionalReplace: true }
const noCounts = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1' as unknown as number]

test('a put has a size that is a count, or none', () => {
  expect(checkPut({}, none)).toEqual({ size: undefined, ifAbsent: false, ifVersion: undefined })
  expect(checkPut({ size: 0, ifAbsent: true }, all)).toMatchObject({ size: 0, ifAbsent: true })
  for (const size of noCounts) expect(() => checkPut({ size }, all)).toThrow(RangeError)
})

test('a put has one condition at most, and one that the backend can keep', () => {
  expect(checkPut({ ifVersion: 'v' }, all)).toMatchObject({ ifAbsent: false, ifVersion: 'v' })
  expect(checkPut({ ifAbsent: false, ifVersion: 'v' }, all)).toMatchObject({ ifVersion: 'v' })
  expect(() => checkPut({ ifAbsent: true, ifVersion: 'v' }, all)).toThrow(TypeError)
  for (const ifVersion of ['', 5, null]) {
    expect(() => checkPut({ ifVersion: ifVersion as string }, all)).toThrow(TypeError)
  }
  expect(() => checkPut({ ifAbsent: true }, none)).toThrow(code('STORAGE_NOT_SUPPORTED'))
  expect(() => checkPut({ ifVersion: 'v' }, none)).toThrow(code('STORAGE_NOT_SUPPORTED'))
})

test('a condition is kept by the value that is there, or by none', () => {
  const put = (ifAbsent: boolean, ifVersion?: string) => ({ ifAbsent, ifVersion })
  const found = { version: 'v' }
  checkCondition('k', put(false), found)
  checkCondition('k', put(false), undefined)
  checkCondition('k', put(true), undefined)
  checkCondition('k', put(false, 'v'), found)
  expect(() => checkCondition('k', put(true), found)).toThrow(code('STORAGE_EXISTS'))
  expect(() => checkCondition('k', put(false, 'w'), found)).toThrow(code('STORAGE_CONFLICT'))
  expect(() => checkCondition('k', put(false, 'w'), undefined)).toThrow(code('STORAGE_CONFLICT'))
})

test('a get wants everything, or positions', () => {
  expect(windowOf(checkGet({}), 10)).toEqual({ from: 0, to: 10 })
  expect(checkGet({ offset: 3, length: 0 })).toEqual({ offset: 3, length: 0 })
  for (const wrong of noCounts) {
    expect(() => checkGet({ offset: wrong })).toThrow(RangeError)
    expect(() => checkGet({ length: wrong })).toThrow(RangeError)
  }
})

test('a range is cut off at the end, and begins before it', () => {
  expect(windowOf({ offset: 4, length: 3 }, 10)).toEqual({ from: 4, to: 7 })
  expect(windowOf({ offset: 9, length: Number.MAX_SAFE_INTEGER }, 10)).toEqual({ from: 9, to: 10 })
  expect(windowOf({ offset: 0, length: 5 }, 0)).toEqual({ from: 0, to: 0 })
  for (const offset of [10, 11, Number.MAX_SAFE_INTEGER]) {
    expect(() => windowOf({ offset, length: 0 }, 10)).toThrow(code('STORAGE_RANGE'))
  }
  expect(() => windowOf({ offset: 1, length: 1 }, 0)).toThrow(code('STORAGE_RANGE'))
})

test('a page of a list has 1 to 1,000 entries, and a prefix is one of keys', () => {
  expect(checkList({})).toEqual({ prefix: '', limit: 1000 })
  expect(checkList({ prefix: 'a', limit: 1 })).toEqual({ prefix: 'a', limit: 1 })
  for (const limit of [...noCounts, 0, 1001]) expect(() => checkList({ limit })).toThrow(RangeError)
  for (const prefix of ['\0', 'a'.repeat(1025), '\ud800']) {
    expect(() => checkList({ prefix })).toThrow(code('STORAGE_INVALID_KEY'))
  }
})

test('a cursor stands on the key that it was made of', () => {
  for (const key of ['a', 'a/ü', 'x'.repeat(1024)]) expect(keyOfCursor(cursorOf(key), '')).toBe(key)
  expect(keyOfCursor(cursorOf('a/b'), 'a/')).toBe('a/b')
})

test('refuses a cursor of another prefix, of no key, or written otherwise', () => {
  const refused = (cursor: string, prefix = '', isKey?: (text: string) => boolean) =>
    expect(() => keyOfCursor(cursor, prefix, isKey)).toThrow(code('STORAGE_INVALID_CURSOR'))
  refused(cursorOf('b/a'), 'a/')
  for (const key of ['', 'a\0', 'x'.repeat(1025)]) refused(cursorOf(key))
  for (const cursor of ['%', `${cursorOf('a')}=`, 'a', '_w']) refused(cursor)
  refused(cursorOf('a'), '', (text) => text !== 'a')
})
