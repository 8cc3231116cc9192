import { contentFields, contentOf, inlineContent, inlineFields, rangeFields } from '@ipfs-kit/operations'
import { expect, test } from 'vitest'
import { z } from 'zod'

const invalid = (message: string) =>
  expect.objectContaining({ code: 'OPERATION_INVALID_INPUT', message: `notes.set: ${message}` })

test('content is given as text or as base64', () => {
  expect(contentOf('notes.set', { text: 'Grüße' })).toEqual(Buffer.from('Grüße'))
  expect(contentOf('notes.set', { base64: 'AP/+' })).toEqual(Buffer.of(0, 255, 254))
  expect(contentOf('notes.set', { text: '' })).toHaveLength(0)
  expect(contentOf('notes.set', { base64: '' })).toHaveLength(0)
})

test('content that is not there, is there twice, or is none is refused', () => {
  const refused = (input: { text?: string; base64?: string }, message: string) =>
    expect(() => contentOf('notes.set', input)).toThrow(invalid(message))
  refused({}, 'give either text or base64')
  refused({ text: '', base64: '' }, 'give either text or base64')
  refused({ text: 'a\ud800b' }, 'text has a lone surrogate')
  for (const base64 of ['abc', 'ab-_', 'a===', '====', 'YQ==YQ==', 'YQ= ', 'YQ==\n']) {
    refused({ base64 }, 'base64 is not standard base64 with padding')
  }
})

test('content has 1,048,576 bytes at most, however it is given', () => {
  expect(contentOf('notes.set', { text: 'ä'.repeat(524_288) })).toHaveLength(1_048_576)
  const tooLarge = expect.objectContaining({ code: 'OPERATION_BODY_TOO_LARGE' })
  expect(() => contentOf('notes.set', { text: `${'ä'.repeat(524_288)}a` })).toThrow(tooLarge)
  const base64 = Buffer.alloc(1_048_577).toString('base64')
  expect(() => contentOf('notes.set', { base64 })).toThrow(tooLarge)
  const input = z.object(contentFields)
  expect(input.safeParse({ base64: base64.slice(4) }).success).toBe(true)
  expect(input.safeParse({ base64: `${base64}AAAA` }).success).toBe(false)
  expect(input.safeParse({ text: 'a'.repeat(1_048_577) }).success).toBe(false)
})

test('a range is asked for by whole numbers, within the bound', () => {
  const input = z.object(rangeFields)
  expect(input.parse({})).toEqual({ offset: 0, length: 65_536 })
  for (const wrong of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null]) {
    expect(input.safeParse({ offset: wrong }).success).toBe(false)
    expect(input.safeParse({ length: wrong }).success).toBe(false)
  }
  expect(input.safeParse({ length: 0 }).success).toBe(false)
  expect(input.safeParse({ length: 1_048_576 }).success).toBe(true)
  expect(input.safeParse({ length: 1_048_577 }).success).toBe(false)
})

test('UTF-8 without NUL is text, without the character that the range splits', () => {
  const bytes = Buffer.from('a€')
  expect(inlineContent(bytes, true)).toEqual({ length: 4, text: 'a€' })
  expect(inlineContent(bytes.subarray(0, 3), false)).toEqual({ length: 1, text: 'a' })
  expect(inlineContent(Buffer.from('\ufeffa'), true)).toEqual({ length: 4, text: '\ufeffa' })
  expect(inlineContent(new Uint8Array(), true)).toEqual({ length: 0, text: '' })
})

test('what is no text, or not one whole character, is base64 of 65,536 bytes at most', () => {
  const euro = Buffer.from('€')
  expect(inlineContent(euro.subarray(0, 2), false)).toEqual({ length: 2, base64: '4oI=' })
  expect(inlineContent(Buffer.from('a€').subarray(0, 3), true)).toEqual({ length: 3, base64: 'YeKC' })
  expect(inlineContent(euro.subarray(1), true)).toEqual({ length: 2, base64: 'gqw=' })
  expect(inlineContent(Buffer.from('a\0'), true)).toEqual({ length: 2, base64: 'YQA=' })
  const large = inlineContent(Buffer.alloc(65_537, 0xff), true)
  expect(large).toEqual({ length: 65_536, base64: Buffer.alloc(65_536, 0xff).toString('base64') })
  expect(z.object(inlineFields).parse({ size: 65_537, offset: 0, ...large })).toMatchObject(large)
})
