import { expect, test } from 'vitest'
import { servedJournal, textOf } from './served-journal.ts'

const invalid = { code: 'OPERATION_INVALID_INPUT' }

test('a file is written as text or base64: as a whole, at an offset and at its end', async () => {
  const { call } = await servedJournal()
  const at = { path: '/notes/today.md' }
  expect(await call('fs.write-file', { ...at, text: 'Grüße', parents: true, mode: '600' })).toEqual({
    path: '/notes/today.md',
    bytes: 7,
  })
  expect(await call('fs.stat', at)).toMatchObject({ size: 7, mode: 0o600 })
  await call('fs.write-file', { ...at, base64: 'IQ==', append: true })
  await call('fs.write-file', { ...at, text: 'g', offset: 0 })
  const { cid } = await call('fs.stat', at)
  expect(await call('fs.read-file', at)).toEqual({
    path: '/notes/today.md',
    cid,
    size: 8,
    offset: 0,
    length: 8,
    text: 'grüße!',
  })
  await call('fs.write-file', { ...at, text: '' })
  expect(await call('fs.read-file', at)).toMatchObject({ size: 0, length: 0, text: '' })
})

test('a file is made by a write at its end, with its folders, as one change', async () => {
  const { call, journal } = await servedJournal()
  const log = { path: '/logs/today', append: true, create: true, parents: true }
  await call('fs.write-file', { ...log, text: 'one ' })
  await call('fs.write-file', { ...log, text: 'two' })
  expect(journal.stats().sequence).toBe(2)
  expect(await call('fs.read-file', { path: log.path })).toMatchObject({ text: 'one two' })
  await expect(call('fs.write-file', { path: '/none', append: true, text: 'x' })).rejects.toMatchObject({
    code: 'JOURNAL_NOT_FOUND',
  })
})

test('a text is read in ranges that end at the borders of characters', async () => {
  const { call } = await servedJournal()
  const text = 'aä€😀'.repeat(50)
  await call('fs.write-file', { path: '/f', text })
  for (const length of [4, 7, 100]) {
    let read = ''
    let [offset, left] = [0, 1]
    while (left > 0) {
      const part = await call('fs.read-file', { path: '/f', offset, length })
      expect(part.length).toBeGreaterThan(0)
      read += part.text
      offset += part.length
      left = part.size - offset
    }
    expect(read).toBe(text)
  }
})

test('what is binary is read as base64, 65,536 bytes at once, whatever is asked for', async () => {
  const { call } = await servedJournal()
  const bytes = Buffer.from(Array.from({ length: 150_000 }, (_, at) => at * 7))
  await call('fs.write-file', { path: '/photo.png', base64: bytes.toString('base64') })
  const read: Buffer[] = []
  for (let offset = 0; offset < bytes.length;) {
    const part = await call('fs.read-file', { path: '/photo.png', offset, length: 1_048_576 })
    expect(part).not.toHaveProperty('text')
    expect(part.length).toBe(Math.min(65_536, bytes.length - offset))
    read.push(Buffer.from(part.base64!, 'base64'))
    offset += part.length
  }
  expect(Buffer.concat(read).equals(bytes)).toBe(true)
})

test('a range of a large file is read, which no single answer has', async () => {
  const { call } = await servedJournal()
  const text = Array.from({ length: 300_000 }, (_, at) => `${at}\n`).join('')
  await call('fs.write', { path: '/lines' }, { body: Buffer.from(text) })
  const part = await call('fs.read-file', { path: '/lines', offset: 1_200_000, length: 100 })
  expect(part).toMatchObject({ text: text.slice(1_200_000, 1_200_100), size: text.length })
  expect(await call('fs.read-file', { path: '/lines', length: 1_048_576 })).toMatchObject({
    length: 1_048_576,
  })
})

test('writes of a transaction are read in it, and by others when it commits', async () => {
  const { call } = await servedJournal()
  const { id } = await call('journal.begin', {})
  await call('fs.write-file', { path: '/d/f', text: 'f', parents: true, transaction: id })
  await call('fs.write-file', { path: '/d/f', text: '!', append: true, transaction: id })
  expect(await call('fs.read-file', { path: '/d/f', transaction: id })).toMatchObject({ text: 'f!' })
  await expect(call('fs.read-file', { path: '/d/f' })).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
  await call('journal.commit', { id })
  expect(await call('fs.read-file', { path: '/d/f' })).toMatchObject({ text: 'f!' })
  for (const [transaction, code] of [
    [id, 'JOURNAL_TRANSACTION_ENDED'],
    ['none', 'JOURNAL_TRANSACTION_UNKNOWN'],
  ] as const) {
    const at = { path: '/d/f', transaction }
    await expect(call('fs.read-file', at)).rejects.toMatchObject({ code })
    await expect(call('fs.write-file', { ...at, text: 'x' })).rejects.toMatchObject({ code })
  }
})

test('what cannot be read or written is refused, and changes nothing', async () => {
  const { call, journal } = await servedJournal()
  await call('fs.write-file', { path: '/d/f', text: 'abc', parents: true })
  const { cid } = await call('fs.flush', { path: '/d' })
  await call('fs.mount', { path: '/m', cid })
  const { sequence } = journal.stats()
  for (const [path, code] of [
    ['/d', 'JOURNAL_NOT_A_FILE'],
    ['/none/f', 'JOURNAL_NOT_FOUND'],
    ['/d/f/g', 'JOURNAL_NOT_A_FOLDER'],
    ['/d/../f', 'JOURNAL_INVALID_PATH'],
    ['/a\0', 'JOURNAL_INVALID_PATH'],
    ['f', 'JOURNAL_INVALID_PATH'],
    [`/${'x'.repeat(10_000)}`, 'JOURNAL_INVALID_PATH'],
    ['', invalid.code],
  ] as const) {
    await expect(call('fs.read-file', { path })).rejects.toMatchObject({ code })
    await expect(call('fs.write-file', { path, text: 'x' })).rejects.toMatchObject({ code })
  }
  await expect(call('fs.write-file', { path: '/m/f', text: 'x' })).rejects.toMatchObject({
    code: 'JOURNAL_READ_ONLY',
  })
  expect(await call('fs.read-file', { path: '/m/f' })).toMatchObject({ text: 'abc' })
  for (const wrong of [
    {},
    { text: 'x', base64: 'eA==' },
    { base64: 'x' },
    { text: '\ud800' },
    { text: 'x', offset: 1, append: true },
    { text: 'x', offset: -1 },
    { text: 'x', offset: Number.NaN },
    { text: 'x', offset: 1, parents: true },
    { text: 'x', append: true, mode: '600' },
    { text: 'x'.repeat(1_048_577) },
  ]) {
    await expect(call('fs.write-file', { path: '/d/f', ...wrong })).rejects.toMatchObject(invalid)
  }
  await expect(call('fs.write-file', { path: '/d/f', text: 'ä'.repeat(524_289) })).rejects.toMatchObject({
    code: 'OPERATION_BODY_TOO_LARGE',
  })
  for (const wrong of [{ offset: -1 }, { offset: Number.NaN }, { length: 0 }, { length: 1_048_577 }]) {
    await expect(call('fs.read-file', { path: '/d/f', ...wrong })).rejects.toMatchObject(invalid)
  }
  expect(await call('fs.read-file', { path: '/d/f', offset: 3 })).toMatchObject({ length: 0, text: '' })
  await expect(call('fs.read-file', { path: '/d/f', offset: 4 })).rejects.toMatchObject({
    code: 'JOURNAL_RANGE',
    kind: 'range',
  })
  expect(await textOf(await call('fs.read', { path: '/d/f' }))).toBe('abc')
  expect(journal.stats().sequence).toBe(sequence)
})
