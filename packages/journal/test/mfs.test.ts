import { createMfs, type Mfs } from '@ipfs-kit/journal/mfs'
import { code as dagPbCode } from '@ipld/dag-pb'
import { expect, test } from 'vitest'
import { servedJournal, textOf } from './served-journal.ts'

const bytes = (text: string) => Buffer.from(text)

async function served() {
  const opened = await servedJournal()
  const mfs = createMfs(opened)
  return { ...opened, mfs, read: (path: string) => textOf({ body: mfs.read(path) }) }
}

async function namesIn(mfs: Mfs, path: string): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of mfs.ls(path)) names.push(name)
  return names.sort()
}

test('a write needs create for a file that is not there, and leaves what it does not write over', async () => {
  const { mfs, read } = await served()
  await expect(mfs.write('/f', bytes('f'))).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
  await expect(mfs.write('/d/f', bytes('f'), { create: true })).rejects.toMatchObject({
    code: 'JOURNAL_NOT_FOUND',
  })
  await mfs.write('/d/f', bytes('hello world'), { create: true, parents: true })
  await mfs.write('/d/f', bytes('J'))
  expect(await read('/d/f')).toBe('Jello world')
  await mfs.write('/d/f', bytes('there and more'), { offset: 6, length: 5 })
  expect(await read('/d/f')).toBe('Jello there')
  await mfs.write('/d/f', bytes('new'), { truncate: true })
  expect(await read('/d/f')).toBe('new')
  await mfs.write('/d/f', bytes('new'), { truncate: true, offset: 2 })
  expect(await read('/d/f')).toBe('\0\0new')
  await mfs.write('/gap', bytes('x'), { create: true, offset: 3 })
  expect(await read('/gap')).toBe('\0\0\0x')
  await mfs.write('/d/f', bytes('none'), { length: 0 })
  expect(await read('/d/f')).toBe('\0\0new')
  expect(await textOf({ body: mfs.read('/d/f', { offset: 2, length: 2 }) })).toBe('ne')
  await expect(mfs.write('/d', bytes(''), { create: true })).rejects.toMatchObject({
    code: 'JOURNAL_NOT_A_FILE',
  })
  for (const wrong of [{ offset: -1 }, { offset: Number.NaN }, { length: -1 }, { length: 0.5 }]) {
    await expect(mfs.write('/d/f', bytes('f'), wrong)).rejects.toThrow(RangeError)
  }
  expect(await read('/d/f')).toBe('\0\0new')
})

test('a write of so many bytes waits for no others', async () => {
  const { mfs, read } = await served()
  let isAsked = false
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes('abc')
    yield bytes('def')
    isAsked = true
    throw new Error('nobody needs more')
  }
  await mfs.write('/f', pieces(), { create: true, length: 6 })
  await mfs.write('/g', pieces(), { create: true, length: 4 })
  await mfs.write('/h', pieces(), { create: true, length: 0 })
  expect([await read('/f'), await read('/g'), await read('/h')]).toEqual(['abcdef', 'abcd', ''])
  expect(isAsked).toBe(false)
})

test('a write whose bytes fail changes nothing, with truncate too', async () => {
  const { mfs, read, journal } = await served()
  await mfs.write('/f', bytes('before'), { create: true })
  const failing = async function* () {
    yield Buffer.alloc(2_000_000)
    throw new Error('the sender has gone')
  }
  for (const [path, options] of [
    ['/f', {}],
    ['/f', { truncate: true }],
    ['/new', { create: true }],
    ['/new', { create: true, offset: 5 }],
  ] as const) {
    await expect(mfs.write(path, failing(), options)).rejects.toThrow('the sender has gone')
  }
  expect(await read('/f')).toBe('before')
  expect(await namesIn(mfs, '/')).toEqual(['f'])
  expect(journal.transactions().map(({ state }) => state)).toEqual(['rolled-back', 'rolled-back'])
})

test('a folder is described as it is when it is written', async () => {
  const { mfs, ipfs } = await served()
  await mfs.mkdir('/d/e', { parents: true })
  await mfs.write('/d/f', Buffer.alloc(3_000_000, 1), { create: true })
  const stat = await mfs.stat('/d')
  expect(stat).toMatchObject({ type: 'directory', size: 0, blocks: 2 })
  expect(stat.cid.code).toBe(dagPbCode)
  expect(stat.cumulativeSize).toBeGreaterThan(3_000_000)
  expect(String(await mfs.flush('/d'))).toBe(String(stat.cid))
  expect((await ipfs.files.stat(String(stat.cid))).dagSize).toBe(stat.cumulativeSize)
  expect(await mfs.stat('/d/f')).toMatchObject({ type: 'file', size: 3_000_000, blocks: 3 })
  const root = await mfs.stat('/')
  expect(String(await mfs.flush())).toBe(String(root.cid))
})

test('content that is not in the tree is described by its CID', async () => {
  const { mfs } = await served()
  await mfs.write('/d/f', bytes('hello'), { create: true, parents: true })
  const { cid } = await mfs.stat('/d')
  await mfs.rm('/d', { recursive: true })
  expect(await mfs.stat(`/ipfs/${cid}`)).toMatchObject({ type: 'directory', size: 0, cid })
  expect(await mfs.stat(`/ipfs/${cid}/f`)).toMatchObject({ type: 'file', size: 5, blocks: 0 })
  await expect(mfs.stat(`/ipfs/${cid}/g`)).rejects.toMatchObject({ code: 'IPFS_PATH_NOT_FOUND' })
})

test('a list tells names, and with long what they are, folders that have changed with their CIDs', async () => {
  const { mfs } = await served()
  await mfs.write('/d/in/f', bytes('f'), { create: true, parents: true })
  await mfs.write('/d/g', bytes('gg'), { create: true })
  expect(await namesIn(mfs, '/d')).toEqual(['g', 'in'])
  const long = []
  for await (const entry of mfs.ls('/d', { long: true })) long.push(entry)
  expect(long).toEqual([
    { name: 'g', type: 'file', size: 2, cid: (await mfs.stat('/d/g')).cid },
    { name: 'in', type: 'directory', size: 0, mode: 0o755, cid: (await mfs.stat('/d/in')).cid },
  ])
  expect(await namesIn(mfs, '/d/g')).toEqual(['g'])
  await expect(namesIn(mfs, '/none')).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
})

test('copies and moves go into a folder that is named with a slash, moves into one that is there', async () => {
  const { mfs, read } = await served()
  await mfs.write('/f', bytes('f'), { create: true })
  await mfs.mkdir('/d')
  await mfs.cp('/f', '/d/')
  await mfs.cp('/d', '/deep/copy', { parents: true })
  await expect(mfs.cp('/f', '/d')).rejects.toMatchObject({ code: 'JOURNAL_EXISTS' })
  await mfs.mv('/f', '/deep')
  expect(await namesIn(mfs, '/')).toEqual(['d', 'deep'])
  expect(await read('/deep/f')).toBe('f')
  await mfs.mv('/deep/f', '/d/f')
  expect(await namesIn(mfs, '/deep')).toEqual(['copy'])
  const { cid } = await mfs.stat('/d')
  await mfs.cp(`/ipfs/${cid}`, '/back')
  await mfs.cp(`/ipfs/${cid}/f`, '/deep/')
  expect(await read('/back/f')).toBe('f')
  expect(await read('/deep/f')).toBe('f')
})

test('paths are removed all or none, and with force whatever is there', async () => {
  const { mfs } = await served()
  for (const path of ['/a', '/b', '/d/f']) await mfs.write(path, bytes(path), { create: true, parents: true })
  await expect(mfs.rm(['/a', '/d'])).rejects.toMatchObject({ code: 'JOURNAL_NOT_EMPTY' })
  expect(await namesIn(mfs, '/')).toEqual(['a', 'b', 'd'])
  await mfs.rm(['/a', '/none', '/d'], { force: true })
  await mfs.rm('/b')
  expect(await namesIn(mfs, '/')).toEqual([])
  await expect(mfs.rm('/')).rejects.toMatchObject({ code: 'JOURNAL_INTO_ITSELF' })
})

test('mode and time are set, by writes too, and stay when a file is changed', async () => {
  const { mfs, read } = await served()
  const mtime = { secs: 1_700_000_000n, nsecs: 5 }
  await mfs.write('/f', bytes('hello'), { create: true, mode: 0o600, mtime })
  expect(await mfs.stat('/f')).toMatchObject({ mode: 0o600, mtime })
  await mfs.write('/f', bytes('J'), { mtime })
  expect(await mfs.stat('/f')).toMatchObject({ mode: 0o600, mtime })
  expect(await read('/f')).toBe('Jello')
  await mfs.chmod('/f', 0o640)
  await mfs.write('/f', bytes('new'), { truncate: true })
  expect(await mfs.stat('/f')).toMatchObject({ mode: 0o640, size: 3 })
  const from = Math.floor(Date.now() / 1000)
  await mfs.touch('/f')
  const { mtime: touched } = await mfs.stat('/f')
  expect(Number(touched!.secs)).toBeGreaterThanOrEqual(from)
  await mfs.mkdir('/d', { mode: 0o700 })
  await mfs.touch('/d', { mtime })
  for await (const entry of mfs.ls('/', { long: true })) {
    if (entry.name === 'd') expect(entry).toMatchObject({ mode: 0o700, mtime })
  }
  await expect(mfs.chmod('/none', 0o600)).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
  await expect(mfs.chmod('/f', 0o10000)).rejects.toThrow(RangeError)
})
