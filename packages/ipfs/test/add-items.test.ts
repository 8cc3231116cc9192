import { type AddEntry } from '@ipfs-kit/ipfs'
import { EntryReadError } from '@ipfs-kit/operations'
import { expect, it } from 'vitest'
import {
  added,
  all,
  bytesOf,
  concat,
  drain,
  expectNothingKept,
  failing,
  opened,
  pattern,
  pinned,
  read,
  rejection,
} from './opened.ts'

it('yields an item for each file and folder, then the summary', async () => {
  const { ipfs } = await opened()
  const { items, failures, summary } = await added(ipfs, [
    { path: 'top/a.txt', content: bytesOf('aaa') },
    { path: 'top/sub/b.txt', content: bytesOf('bb') },
  ])
  expect(items.map(({ path, bytes }) => [path, bytes])).toEqual([
    ['top/a.txt', 3],
    ['top/sub/b.txt', 2],
    ['top/sub', 2],
    ['top', 5],
  ])
  expect(failures).toEqual([])
  expect(summary).toEqual({ cid: items.at(-1)?.cid, bytes: 5, items: 4, failed: 0 })
  expect(await read(ipfs, `${summary.cid}/sub/b.txt`)).toEqual(Buffer.from('bb'))
  expect(await pinned(ipfs)).toEqual([summary.cid?.toString()])
})

it('keeps a failed entry out and the rest in', async () => {
  const { ipfs } = await opened()
  const failed = { code: 'EACCES', message: 'may not be read' }
  const { items, failures, summary } = await added(ipfs, [
    { path: 'top/a', content: bytesOf('a') },
    { path: 'top/secret', failed },
    { path: 'top/b', content: bytesOf('b') },
  ])
  expect(failures).toEqual([{ path: 'top/secret', failed }])
  expect(items.map((item) => item.path)).toEqual(['top/a', 'top/b', 'top'])
  expect(summary).toMatchObject({ items: 3, failed: 1, bytes: 2 })
})

it.each([0, 10, 3_000_000])(
  'leaves out a file that cannot be read beyond byte %i, and keeps the rest',
  async (at) => {
    const { ipfs } = await opened()
    const error = new EntryReadError('EIO', 'the disk is bad')
    const { items, failures, cid } = await added(ipfs, [
      { path: 'top/before', content: bytesOf('before') },
      { path: 'top/broken', content: failing(error, pattern(at)) },
      { path: 'top/after', content: bytesOf('after') },
    ])
    expect(failures).toEqual([{ path: 'top/broken', failed: { code: 'EIO', message: 'the disk is bad' } }])
    expect(items.map((item) => item.path).sort()).toEqual(['top', 'top/after', 'top/before'])
    const names = (await all(ipfs.files.ls(cid.toString()))).map((entry) => entry.name)
    expect(names).toEqual(['after', 'before'])
  },
)

it('answers without a root and keeps nothing when every item failed', async () => {
  const { ipfs } = await opened()
  const { items, failures, summary } = await added(ipfs, [
    { path: 'gone', failed: { code: 'ENOENT', message: 'gone' } },
    { path: 'broken', content: failing(new EntryReadError('EIO', 'bad'), pattern(3_000_000)) },
  ])
  expect(items).toEqual([])
  expect(failures.map((item) => item.path)).toEqual(['gone', 'broken'])
  expect(summary).toEqual({ bytes: 0, items: 0, failed: 2 })
  await expectNothingKept(ipfs)
})

it.each<[what: string, path: string]>([
  ['an empty path', ''],
  ['an absolute path', '/etc/passwd'],
  ['a trailing slash', 'a/'],
  ['an empty name', 'a//b'],
  ['the name .', './a'],
  ['the name ..', 'a/../../b'],
  ['a NUL', 'a\0b'],
  ['a lone surrogate', 'a\ud800'],
  ['a backslash at the end of a name', 'a\\/b'],
  ['20,000 characters', 'x'.repeat(20_000)],
])('makes %s a failed item', async (_what, path) => {
  const { ipfs } = await opened()
  const { failures, items, summary } = await added(ipfs, [
    { path, content: bytesOf('evil') },
    { path: 'good', content: bytesOf('good') },
  ])
  expect(failures).toEqual([{ path, failed: { code: 'IPFS_INVALID_PATH', message: expect.any(String) } }])
  expect(items.map((item) => item.path)).toEqual(['good'])
  expect(summary).toMatchObject({ items: 1, failed: 1 })
})

it.each<[what: string, entries: AddEntry[], failed: string[], kept: string[]]>([
  [
    'a file given twice',
    [
      { path: 'd/a', content: bytesOf('first') },
      { path: 'd/a', content: bytesOf('second') },
    ],
    ['d/a'],
    ['d/a', 'd'],
  ],
  [
    'a file below a file',
    [
      { path: 'd/a', content: bytesOf('first') },
      { path: 'd/a/b', content: bytesOf('second') },
    ],
    ['d/a/b'],
    ['d/a', 'd'],
  ],
  [
    'a file where a folder is',
    [
      { path: 'd/a/b', content: bytesOf('first') },
      { path: 'd/a', content: bytesOf('second') },
    ],
    ['d/a'],
    ['d/a/b', 'd/a', 'd'],
  ],
  [
    'a folder where a file is',
    [{ path: 'd/a', content: bytesOf('first') }, { path: 'd/a' }],
    ['d/a'],
    ['d/a', 'd'],
  ],
])('makes %s a failed item and keeps the first', async (_what, entries, failed, kept) => {
  const { ipfs } = await opened()
  const { failures, items, cid } = await added(ipfs, entries)
  expect(failures.map((item) => [item.path, item.failed.code])).toEqual(
    failed.map((path) => [path, 'IPFS_INVALID_PATH']),
  )
  expect(items.map((item) => item.path)).toEqual(kept)
  expect(await read(ipfs, `${cid}/${kept[0]?.slice(2)}`)).toEqual(Buffer.from('first'))
})

it.each<[when: string, entries: AddEntry[]]>([
  ['after', [{ path: 'd/sub/a', content: bytesOf('a') }, { path: 'd/sub' }, { path: 'd' }]],
  ['before', [{ path: 'd' }, { path: 'd/sub' }, { path: 'd/sub/a', content: bytesOf('a') }]],
])('keeps the entries of a folder that is named %s them, and stores no empty one', async (_when, entries) => {
  const { ipfs } = await opened()
  const { items, failures, cid } = await added(ipfs, entries)
  expect(failures).toEqual([])
  expect(items.map((item) => item.path)).toEqual(['d/sub/a', 'd/sub', 'd'])
  expect(await read(ipfs, `${cid}/sub/a`)).toEqual(Buffer.from('a'))
  expect((await ipfs.repo.gc()).removedBlocks).toBe(0)
})

it('puts several top-level names into one folder, which is the root', async () => {
  const { ipfs } = await opened()
  const { items, summary } = await added(ipfs, [
    { path: 'a', content: bytesOf('a') },
    { path: 'b/c', content: bytesOf('c') },
    { path: 'empty' },
  ])
  expect(items.map((item) => item.path).sort()).toEqual(['', 'a', 'b', 'b/c', 'empty'])
  expect(summary.cid).toEqual(items.find((item) => item.path === '')?.cid)
  const entries = await all(ipfs.files.ls(String(summary.cid)))
  expect(entries.map((entry) => entry.name)).toEqual(['a', 'b', 'empty'])
  expect((await ipfs.repo.gc()).removedBlocks).toBe(0)
})

it('leaves a single top-level name unwrapped, and wraps it when asked', async () => {
  const { ipfs } = await opened()
  const entries = [{ path: 'one', content: bytesOf('one') }]
  const plain = await added(ipfs, entries)
  expect(plain.items).toHaveLength(1)
  expect(plain.cid).toEqual(plain.items[0]?.cid)
  expect((await ipfs.repo.gc()).removedBlocks).toBe(0)
  const wrapped = await added(ipfs, entries, { wrap: true })
  expect(wrapped.items.map((item) => item.path)).toEqual(['one', ''])
  expect(await read(ipfs, `${wrapped.cid}/one`)).toEqual(Buffer.from('one'))
})

it('refuses an add of nothing', async () => {
  const { ipfs } = await opened()
  expect(await rejection(added(ipfs, []))).toMatchObject({ code: 'IPFS_NOTHING_ADDED', kind: 'invalid' })
  expect(ipfs.stats().openLeases).toBe(0)
})

it('reads a content that is a stream before it asks for the next entry', async () => {
  const { ipfs } = await opened()
  const log: string[] = []
  async function* content(name: string) {
    for (let at = 0; at < 3; at += 1) yield pattern(700_000, at)
    log.push(`read ${name}`)
  }
  async function* entries(): AsyncGenerator<AddEntry> {
    for (const name of ['a', 'b', 'c']) {
      log.push(`give ${name}`)
      yield { path: `top/${name}`, content: content(name) }
    }
  }
  const { summary } = await added(ipfs, entries())
  expect(log).toEqual(['give a', 'read a', 'give b', 'read b', 'give c', 'read c'])
  expect(summary.bytes).toBe(3 * 3 * 700_000)
})

it('answers what is stored before it reads a stream that follows', async () => {
  const { ipfs } = await opened()
  const go = Promise.withResolvers<void>()
  async function* slow() {
    await go.promise
    yield bytesOf('slow')
  }
  const lines = ipfs.files.add([
    { path: 'top/quick', content: bytesOf('quick') },
    { path: 'top/slow', content: slow() },
  ])
  expect((await lines.next()).value).toMatchObject({ path: 'top/quick' })
  go.resolve()
  expect((await lines.next()).value).toMatchObject({ path: 'top/slow' })
  await drain(lines)
})

it('reports the bytes taken in and the items stored, never backwards, in the end all of them', async () => {
  const { ipfs } = await opened()
  const seen: { bytes: number; items: number }[] = []
  const entries = Array.from({ length: 100 }, (_, at) => ({ path: `d/${at}`, content: pattern(100, at) }))
  await added(ipfs, entries, { onProgress: (progress) => seen.push(progress) })
  // The hundred files and their folder.
  expect(seen.at(-1)).toEqual({ bytes: 10_000, items: 101 })
  expect(seen).toEqual(seen.toSorted((left, right) => left.bytes - right.bytes || left.items - right.items))
})

it('names the pin', async () => {
  const { ipfs } = await opened()
  const { cid } = await added(ipfs, [{ path: 'a', content: bytesOf('a') }], { name: 'mine' })
  const pin = await ipfs.pins.get(cid)
  expect(pin).toMatchObject({ depth: Number.POSITIVE_INFINITY, metadata: { name: 'mine' } })
  expect(pin.cid.equals(cid)).toBe(true)
})

it('pins nothing when asked not to, and what is stored goes with the garbage', async () => {
  const { ipfs } = await opened()
  const { cid } = await added(ipfs, [{ path: 'a', content: bytesOf('a') }], { pin: false })
  expect(await pinned(ipfs)).toEqual([])
  expect(await concat((await ipfs.files.cat(cid.toString())).body)).toEqual(Buffer.from('a'))
  expect((await ipfs.repo.gc()).removedBlocks).toBe(1)
})

it.each<[what: string, options: object, error: typeof Error]>([
  ['a profile that does not exist', { profile: 'unixfs-v9' }, TypeError],
  ['a chunk of no bytes', { chunkBytes: 0 }, RangeError],
  ['a chunk of half a byte', { chunkBytes: 0.5 }, RangeError],
  ['a chunk larger than 1 MiB', { chunkBytes: 1_048_577 }, RangeError],
  ['a name of 256 characters', { name: 'x'.repeat(256) }, RangeError],
])('refuses %s at the call', async (_what, options, error) => {
  const { ipfs } = await opened()
  expect(() => ipfs.files.add([], options)).toThrow(error)
})

it('refuses content that is not made of bytes, instead of storing an empty file', async () => {
  const { ipfs } = await opened()
  for (const content of ['text', ['text'], [1, 2]]) {
    const entries = [{ path: 'a', content }] as unknown as AddEntry[]
    expect(await rejection(added(ipfs, entries))).toBeInstanceOf(TypeError)
  }
  expect((await ipfs.repo.stat()).blocks).toBe(0)
})
