import { journalOperations } from '@ipfs-kit/journal/operations'
import { expect, test } from 'vitest'
import { printed, servedJournal, textOf } from './served-journal.ts'

const absent = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'
const body = (text: string) => ({ body: Buffer.from(text) })

test('are of fs and journal, need the part journal, and are tools for who asks for that', () => {
  for (const { name, parts, doors } of journalOperations) {
    expect(name).toMatch(/^(fs|journal)\./)
    expect(parts[0]).toBe('journal')
    const isStream = ['fs.read', 'fs.write', 'journal.plot'].includes(name)
    const isForAgents = ['fs.read-file', 'fs.write-file', 'journal.plot-svg'].includes(name)
    expect(doors).toEqual(isStream ? ['cli'] : isForAgents ? ['mcp-opt-in'] : ['cli', 'mcp-opt-in'])
  }
})

test('files are written as a whole, at an offset and at their end, cut and read in ranges', async () => {
  const { call } = await servedJournal()
  expect(await call('fs.write', { path: '/notes/today.txt', parents: true }, body('hello world'))).toEqual({
    path: '/notes/today.txt',
    bytes: 11,
  })
  const at = { path: '/notes/today.txt' }
  await call('fs.write', { ...at, offset: 6 }, body('there, you'))
  await call('fs.write', { ...at, append: true }, body('!'))
  const read = async (range: object = {}) => textOf(await call('fs.read', { ...at, ...range }))
  expect(await read()).toBe('hello there, you!')
  expect(await read({ offset: 6, length: 5 })).toBe('there')
  expect(await read({ offset: 17 })).toBe('')
  await expect(read({ offset: 18 })).rejects.toMatchObject({ code: 'JOURNAL_RANGE', kind: 'range' })
  await call('fs.truncate', { ...at, size: 5 })
  expect(await read()).toBe('hello')
  expect(await call('fs.stat', at)).toMatchObject({ type: 'file', size: 5, dagSize: 5 })
  await call('fs.write', at, body(''))
  expect(await read()).toBe('')
})

test('mode and time of files and folders are set and told', async () => {
  const { call } = await servedJournal()
  await call('fs.write', { path: '/f', mode: '0600', mtimeSeconds: 1.5 }, body('f'))
  expect(await call('fs.stat', { path: '/f' })).toMatchObject({ mode: 0o600, mtimeSeconds: 1.5 })
  await call('fs.chmod', { path: '/f', mode: '4755' })
  await call('fs.touch', { path: '/f', mtimeSeconds: -0.25 })
  const stat = await call('fs.stat', { path: '/f' })
  expect(stat).toMatchObject({ mode: 0o4755, mtimeSeconds: -0.25 })
  expect(printed('fs.stat', stat)).toContain('mode   4755\nmtime  1969-12-31T23:59:59.750Z')
  const from = Date.now() / 1000
  await call('fs.touch', { path: '/' })
  expect((await call('fs.stat', { path: '/' })).mtimeSeconds).toBeGreaterThanOrEqual(from - 0.001)
  for (const wrong of [
    { append: true, mode: '600' },
    { offset: 0, mtimeSeconds: 1 },
  ]) {
    await expect(call('fs.write', { path: '/f', ...wrong }, body('f'))).rejects.toMatchObject({
      code: 'OPERATION_INVALID_INPUT',
    })
  }
})

test('what would be meant in two ways is refused', async () => {
  const { call } = await servedJournal()
  for (const wrong of [
    { offset: 1, append: true },
    { offset: 1, parents: true },
    { append: true, parents: true },
  ]) {
    await expect(call('fs.write', { path: '/f', ...wrong }, body('f'))).rejects.toMatchObject({
      code: 'OPERATION_INVALID_INPUT',
    })
  }
  await expect(call('fs.write', { path: '/f', append: true }, body('f'))).rejects.toMatchObject({
    code: 'JOURNAL_NOT_FOUND',
  })
})

test('a file is made by a write at its end or an offset if that is asked for, with its folders, as one change', async () => {
  const { call, journal } = await servedJournal()
  const log = { path: '/logs/today', append: true, create: true, parents: true }
  await call('fs.write', log, body('one '))
  await call('fs.write', log, body('two'))
  expect(journal.stats().sequence).toBe(2)
  expect(await textOf(await call('fs.read', { path: log.path }))).toBe('one two')
  await call('fs.write', { path: '/gap', offset: 2, create: true }, body('x'))
  expect(await textOf(await call('fs.read', { path: '/gap' }))).toBe('\0\0x')
  const { id } = await call('journal.begin', {})
  await call('fs.write', { path: '/in', append: true, create: true, transaction: id }, body('in'))
  expect((await call('journal.transactions', {})).transactions.map(({ state }) => state)).toContain('open')
  await call('journal.commit', { id })
  expect(await textOf(await call('fs.read', { path: '/in' }))).toBe('in')
})

test('a body that fails leaves the tree as it was', async () => {
  const { call, journal } = await servedJournal()
  await call('fs.write', { path: '/f' }, body('before'))
  const { sequence } = journal.stats()
  const failing = (async function* () {
    yield Buffer.alloc(100_000)
    throw new Error('the sender has gone')
  })()
  await expect(call('fs.write', { path: '/f' }, { body: failing })).rejects.toMatchObject({
    cause: { message: 'the sender has gone' },
  })
  expect(await textOf(await call('fs.read', { path: '/f' }))).toBe('before')
  expect(journal.stats().sequence).toBe(sequence)
})

test('who wants only the head of a file lets go of it', async () => {
  const { call, ipfs } = await servedJournal()
  await call('fs.write', { path: '/f' }, { body: Buffer.alloc(5_000_000, 7) })
  const { body: never } = await call('fs.read', { path: '/f' })
  await (never as AsyncIterableIterator<Uint8Array>).return?.()
  const { body: left } = await call('fs.read', { path: '/f' })
  for await (const piece of left) {
    expect(piece.length).toBeGreaterThan(0)
    break
  }
  expect(ipfs.stats().openLeases).toBe(0)
})

test('folders are made, listed page by page, moved, copied and removed', async () => {
  const { call } = await servedJournal()
  await call('fs.mkdir', { path: '/d/e', parents: true, mode: '750', mtimeSeconds: 1_700_000_000.25 })
  expect(await call('fs.stat', { path: '/d/e' })).toMatchObject({
    type: 'directory',
    mode: 0o750,
    mtimeSeconds: 1_700_000_000.25,
  })
  for (const name of ['a', 'b', 'c']) await call('fs.write', { path: `/d/${name}` }, body(name))
  const first = await call('fs.ls', { path: '/d', limit: 2 })
  expect(first.entries.map(({ name }) => name)).toEqual(['a', 'b'])
  const rest = await call('fs.ls', { path: '/d', after: first.next!, limit: 2 })
  expect(rest).toMatchObject({
    entries: [
      { name: 'c', type: 'file' },
      { name: 'e', type: 'directory' },
    ],
  })
  expect(rest.next).toBeUndefined()
  const long = await call('fs.ls', { path: '/d', long: true })
  expect(long.entries).toMatchObject([
    { name: 'a', size: 1 },
    { name: 'b', size: 1 },
    { name: 'c', size: 1 },
    { name: 'e', mode: 0o750 },
  ])
  expect(printed('fs.ls', first)).toMatch(/^bafk\w+ {2}a\nbafk\w+ {2}b\n… more: --after "[\w-]+"$/)
  const all = await call('fs.ls', { recursive: true })
  expect(all.entries.map(({ name }) => name)).toEqual(['d', 'd/a', 'd/b', 'd/c', 'd/e'])
  expect(printed('fs.ls', long)).toMatch(/0750 +- {2}2023-11-14T22:13:20\.250Z {2}- {2}e\/$/)
  await call('fs.mv', { from: '/d/a', to: '/moved/a', parents: true })
  await call('fs.cp', { from: '/moved', to: '/copied' })
  await expect(call('fs.rm', { path: '/moved' })).rejects.toMatchObject({ code: 'JOURNAL_NOT_EMPTY' })
  await call('fs.rm', { path: '/moved', recursive: true })
  const { entries } = await call('fs.ls', {})
  expect(entries.map(({ name }) => name)).toEqual(['copied', 'd'])
  expect(await textOf(await call('fs.read', { path: '/copied/a' }))).toBe('a')
})

test('copies and moves to a path that ends in a slash go into that folder', async () => {
  const { call } = await servedJournal()
  await call('fs.write', { path: '/f' }, body('f'))
  await call('fs.mkdir', { path: '/d' })
  expect(await call('fs.cp', { from: '/f', to: '/d/' })).toEqual({ path: '/d/f' })
  const { cid } = await call('fs.flush', { path: '/d' })
  expect(await call('fs.cp', { from: `/ipfs/${cid}/f`, to: '/new/', parents: true })).toEqual({
    path: '/new/f',
  })
  expect(await call('fs.mv', { from: '/d', to: '/new/' })).toEqual({ path: '/new/d' })
  await expect(call('fs.mv', { from: '/f', to: '/none/' })).rejects.toMatchObject({
    code: 'JOURNAL_NOT_FOUND',
  })
  // Without the slash it is the place itself.
  await expect(call('fs.mv', { from: '/f', to: '/new' })).rejects.toMatchObject({ code: 'JOURNAL_EXISTS' })
  const { entries } = await call('fs.ls', { recursive: true })
  expect(entries.map(({ name }) => name)).toEqual(['f', 'new', 'new/d', 'new/d/f', 'new/f'])
})

test('wrong input is refused by name', async () => {
  const { call } = await servedJournal()
  for (const input of [{ path: '/m', mode: '9' }, { path: '/m', mtimeSeconds: Number.NaN }, { path: '' }]) {
    await expect(call('fs.mkdir', input)).rejects.toMatchObject({ code: 'OPERATION_INVALID_INPUT' })
  }
  await expect(call('fs.stat', { path: 'notes' })).rejects.toMatchObject({ code: 'JOURNAL_INVALID_PATH' })
  await expect(call('fs.stat', { path: '/a/../b' })).rejects.toMatchObject({ code: 'JOURNAL_INVALID_PATH' })
  await expect(call('fs.ls', { limit: 0 })).rejects.toMatchObject({ code: 'OPERATION_INVALID_INPUT' })
})

test('content comes by its CID, and goes as one that is kept', async () => {
  const { call, ipfs } = await servedJournal()
  const added = ipfs.files.add([{ path: 'd/in/f', content: Buffer.from('f') }], { pin: false })
  let cid = ''
  for await (const item of added) if ('items' in item) cid = String(item.cid)
  expect(await call('fs.put', { path: '/put', cid })).toEqual({ path: '/put', cid })
  await call('fs.cp', { from: `/ipfs/${cid}/in`, to: '/copied/in', parents: true })
  await expect(call('fs.put', { path: '/put', cid })).rejects.toMatchObject({ code: 'JOURNAL_EXISTS' })
  await expect(call('fs.put', { path: '/no', cid: absent })).rejects.toMatchObject({
    code: 'JOURNAL_CONTENT_MISSING',
  })
  await expect(call('fs.put', { path: '/no', cid: 'no' })).rejects.toMatchObject({ code: 'IPFS_INVALID_CID' })
  await ipfs.repo.gc()
  expect(await textOf(await call('fs.read', { path: '/put/in/f' }))).toBe('f')
  expect(await textOf(await call('fs.read', { path: '/copied/in/f' }))).toBe('f')

  const { cid: exported } = await call('fs.export', { path: '/copied', name: 'mine' })
  expect(await call('fs.flush', { path: '/copied' })).toEqual({ path: '/copied', cid: exported })
  await call('fs.rm', { path: '/copied', recursive: true })
  await call('journal.checkpoint', {})
  await ipfs.repo.gc()
  const { body: bytes } = await ipfs.files.cat(`${exported}/in/f`)
  expect(await textOf({ body: bytes })).toBe('f')
})

test('attributes are set and removed, content is mounted and unmounted', async () => {
  const { call, ipfs } = await servedJournal()
  await call('fs.write', { path: '/f' }, body('f'))
  await call('fs.set-attribute', { path: '/f', name: 'licence', value: 'MIT' })
  await call('fs.set-attribute', { path: '/f', name: 'gone', value: '' })
  await call('fs.remove-attribute', { path: '/f', name: 'gone' })
  const stat = await call('fs.stat', { path: '/f' })
  expect(stat.attributes).toEqual({ licence: 'MIT' })
  expect(printed('fs.stat', stat)).toContain('       licence=MIT')
  for (const name of ['', '__proto__', 'x'.repeat(256), 'a\0b']) {
    await expect(call('fs.set-attribute', { path: '/f', name, value: '' })).rejects.toMatchObject({
      code: 'OPERATION_INVALID_INPUT',
    })
  }
  const added = ipfs.files.add([{ path: 'd/in', content: Buffer.from('in') }], { pin: false })
  let cid = ''
  for await (const item of added) if ('items' in item) cid = String(item.cid)
  expect(await call('fs.mount', { path: '/m', cid })).toEqual({ path: '/m', cid })
  const mounted = await call('fs.stat', { path: '/m' })
  expect(mounted.mount).toEqual({ cid, writable: false })
  expect(printed('fs.stat', mounted)).toContain(`mount  ${cid}`)
  await expect(call('fs.rm', { path: '/m/in' })).rejects.toMatchObject({ code: 'JOURNAL_READ_ONLY' })
  await call('fs.unmount', { path: '/m', keep: true })
  await call('fs.rm', { path: '/m/in' })
  await call('fs.mount', { path: '/w', cid, writable: true })
  await call('fs.write', { path: '/w/in' }, body('other'))
  await call('fs.unmount', { path: '/w' })
  await expect(call('fs.stat', { path: '/w' })).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
})

test('a transaction is named by calls, and seen by others when it commits', async () => {
  const { call } = await servedJournal()
  const { id, name } = await call('journal.begin', { name: 'mine', timeoutMs: 60_000 })
  expect(name).toBe('mine')
  await call('fs.write', { path: '/d/f', parents: true, transaction: id }, body('f'))
  await call('fs.cp', { from: '/d', to: '/e', transaction: id })
  expect((await call('fs.ls', { transaction: id })).entries).toHaveLength(2)
  expect((await call('fs.ls', {})).entries).toEqual([])
  const open = await call('journal.transactions', {})
  expect(open.transactions).toMatchObject([{ id, name: 'mine', state: 'open' }])
  expect(printed('journal.transactions', open)).toContain(`${id}  open  `)
  expect(await call('journal.commit', { id })).toMatchObject({ state: 'committed' })
  expect(await textOf(await call('fs.read', { path: '/e/f' }))).toBe('f')
  await expect(call('fs.ls', { transaction: id })).rejects.toMatchObject({
    code: 'JOURNAL_TRANSACTION_ENDED',
  })
  await expect(call('fs.ls', { transaction: 'none' })).rejects.toMatchObject({
    code: 'JOURNAL_TRANSACTION_UNKNOWN',
  })
  const other = await call('journal.begin', {})
  await call('fs.rm', { path: '/e', recursive: true, transaction: other.id })
  expect(await call('journal.rollback', { id: other.id })).toMatchObject({ state: 'rolled-back' })
  expect((await call('fs.ls', {})).entries).toHaveLength(2)
})
