import { type AddEntry } from '@ipfs-kit/ipfs'
import { describe, expect, it } from 'vitest'
import { absent, putNode } from './nodes.ts'
import { added, all, addFile, bytesOf, drain, opened, pattern, read, rejection } from './opened.ts'

/** So many files with names that are long enough for a HAMT folder from 4,096 on. */
function many(count: number): AddEntry[] {
  return Array.from({ length: count }, (_, at) => ({
    path: `many/file number ${String(at).padStart(6, '0')}.text`,
    content: bytesOf(`content ${at % 50}`),
  }))
}

describe('ls', () => {
  it('lists a plain folder with names, CIDs and sizes', async () => {
    const { ipfs } = await opened()
    const { items, cid } = await added(ipfs, [
      { path: 'd/b', content: bytesOf('bb') },
      { path: 'd/a', content: bytesOf('a') },
      { path: 'd/sub/c', content: bytesOf('ccc') },
    ])
    const byPath = new Map(items.map((item) => [item.path, item.cid.toString()]))
    const entries = await all(ipfs.files.ls(cid.toString()))
    expect(entries.map(({ name, cid: entry }) => [name, entry.toString()])).toEqual(
      ['a', 'b', 'sub'].map((name) => [name, byPath.get(`d/${name}`)]),
    )
    expect(entries.map((entry) => entry.size).slice(0, 2)).toEqual([1, 2])
    expect(await all(ipfs.files.ls(`/ipfs/${cid}/sub/`))).toHaveLength(1)
  })

  it('lists each entry of a HAMT folder once', async () => {
    const { ipfs } = await opened()
    const entries = many(5000)
    const { cid } = await added(ipfs, entries)
    const names = (await all(ipfs.files.ls(cid.toString()))).map((entry) => `many/${entry.name}`)
    expect(names.toSorted()).toEqual(entries.map((entry) => entry.path))
    expect(await ipfs.files.stat(cid.toString())).toMatchObject({ type: 'directory' })
  })

  it('lists an empty folder as empty', async () => {
    const { ipfs } = await opened()
    const { cid } = await added(ipfs, [{ path: 'nothing' }])
    expect(await all(ipfs.files.ls(cid.toString()))).toEqual([])
  })

  it('refuses files and nodes', async () => {
    const { ipfs } = await opened()
    for (const cid of [
      await addFile(ipfs, 'raw'),
      await addFile(ipfs, 'wrapped', { profile: 'unixfs-v0-2015' }),
      await addFile(ipfs, pattern(100), { chunkBytes: 10 }),
      await ipfs.dag.put({ a: 1 }),
    ]) {
      expect(await rejection(drain(ipfs.files.ls(cid.toString())))).toMatchObject({
        code: 'IPFS_NOT_A_DIRECTORY',
      })
    }
  })

  it('aborted in the middle rejects with the reason', async () => {
    const { ipfs } = await opened()
    const { cid } = await added(ipfs, [
      { path: 'd/a', content: bytesOf('a') },
      { path: 'd/b', content: bytesOf('b') },
    ])
    const abort = new AbortController()
    const listing = async () => {
      for await (const _ of ipfs.files.ls(cid.toString(), { signal: abort.signal })) abort.abort('enough')
    }
    expect(await rejection(listing())).toBe('enough')
  })
})

describe('stat', () => {
  it('tells files, folders and nodes apart, with their sizes', async () => {
    const { ipfs } = await opened()
    const { items, cid } = await added(ipfs, [
      { path: 'd/raw', content: pattern(100) },
      { path: 'd/chunks', content: pattern(100) },
    ])
    const { cid: rawCid, ...raw } = await ipfs.files.stat(`${cid}/raw`)
    expect(rawCid.toString()).toBe(items.find((item) => item.path === 'd/raw')?.cid.toString())
    expect(raw).toEqual({ type: 'file', size: 100, dagSize: 100 })
    const chunked = await addFile(ipfs, pattern(100), { chunkBytes: 10 })
    const { cid: same, ...rest } = await ipfs.files.stat(chunked.toString())
    expect(same.equals(chunked)).toBe(true)
    const dagSize = 100 + (await ipfs.blocks.stat(chunked)).size
    expect(rest).toEqual({ type: 'file', size: 100, dagSize, mode: 0o644 })
    expect(await ipfs.files.stat(cid.toString())).toMatchObject({ type: 'directory', size: 200 })
    const node = await ipfs.dag.put({ a: 1 })
    expect(await ipfs.files.stat(node.toString())).toMatchObject({ type: 'node', size: 4 })
  })

  it('tells mode and time where the node carries them', async () => {
    const { ipfs } = await opened()
    const cid = await putNode(ipfs, { data: bytesOf('x'), mode: 0o755, mtime: { secs: 1234n } })
    expect(await ipfs.files.stat(cid.toString())).toMatchObject({
      type: 'file',
      size: 1,
      mode: 0o755,
      mtimeSeconds: 1234,
    })
  })

  it('says what was tried for content that is not here', async () => {
    const { ipfs } = await opened()
    expect(await rejection(ipfs.files.stat(absent.toString()))).toMatchObject({
      code: 'IPFS_BLOCK_NOT_FOUND',
      kind: 'not-found',
      message: `The block ${absent} is not here; tried: the local block store. The network is offline`,
    })
  })
})

describe('resolve', () => {
  it('follows names through folders and HAMT folders', async () => {
    const { ipfs } = await opened()
    const { cid } = await added(ipfs, [
      ...many(4500),
      { path: 'many/sub/deep/leaf', content: bytesOf('leaf') },
    ])
    expect((await read(ipfs, `${cid}/file number 000077.text`)).toString()).toBe('content 27')
    expect((await read(ipfs, `${cid}/sub/deep/leaf`)).toString()).toBe('leaf')
    for (const at of [0, 1, 999, 2500, 4499]) {
      const name = `file number ${String(at).padStart(6, '0')}.text`
      expect((await read(ipfs, `${cid}/${name}`)).toString()).toBe(`content ${at % 50}`)
    }
    expect(await rejection(ipfs.files.resolve(`${cid}/file number 4500.text`))).toMatchObject({
      code: 'IPFS_PATH_NOT_FOUND',
    })
  })

  it('follows links and lists inside dag-cbor and dag-json into folders', async () => {
    const { ipfs } = await opened()
    const { cid } = await added(ipfs, [{ path: 'd/sub/a', content: bytesOf('in cbor') }])
    for (const codec of ['dag-cbor', 'dag-json'] as const) {
      const node = await ipfs.dag.put(
        { sites: [{ name: 'x' }, { album: cid }], bytes: Uint8Array.of(1) },
        { codec },
      )
      const outer = await ipfs.dag.put({ inner: node }, { codec })
      expect((await read(ipfs, `${outer}/inner/sites/1/album/sub/a`)).toString()).toBe('in cbor')
      expect((await ipfs.dag.get(`${outer}/inner/sites/0/name`)).value).toBe('x')
      for (const path of [
        'inner/sites/2',
        'inner/sites/length',
        'inner/sites/0/name/0',
        'inner/bytes/0',
        'constructor',
      ]) {
        expect(await rejection(ipfs.dag.get(`${outer}/${path}`))).toMatchObject({
          code: 'IPFS_PATH_NOT_FOUND',
        })
      }
    }
  })

  it.each([
    'a\\b',
    '\\',
    '\\\\x',
    ' ',
    ' a b ',
    '日本語',
    'e\u0301',
    '\u00e9',
    '🙂',
    '%20',
    '?#',
    '*',
    'a:b',
    '-x',
    '...',
    '..a',
    '__proto__',
    'constructor',
  ])('finds a file named %j', async (name) => {
    const { ipfs } = await opened()
    const { cid, failures } = await added(ipfs, [
      { path: `d/${name}`, content: bytesOf(name) },
      { path: 'd/other', content: bytesOf('other') },
    ])
    if (name.endsWith('\\')) {
      expect(failures).toHaveLength(1)
      return
    }
    expect(failures).toEqual([])
    expect((await read(ipfs, `${cid}/${name}`)).toString()).toBe(name)
    expect((await read(ipfs, `ipfs://${cid}/${encodeURIComponent(name)}`)).toString()).toBe(name)
  })

  it.each<[path: string, code: string]>([
    ['', 'IPFS_INVALID_CID'],
    ['nonsense', 'IPFS_INVALID_CID'],
    ['x'.repeat(10_000), 'IPFS_INVALID_CID'],
    ['/ipns/example.org', 'IPFS_INVALID_PATH'],
    [`${absent}/../x`, 'IPFS_INVALID_PATH'],
    [`${absent}/./x`, 'IPFS_INVALID_PATH'],
    [`${absent}/a\0b`, 'IPFS_INVALID_PATH'],
    [`ipfs://${absent}/%2e%2e/x`, 'IPFS_INVALID_PATH'],
    [`ipfs://${absent}/a%2Fb`, 'IPFS_INVALID_PATH'],
    [`ipfs://${absent}/a%00b`, 'IPFS_INVALID_PATH'],
    [`ipfs://${absent}/%ZZ`, 'IPFS_INVALID_PATH'],
    [`${absent}/${'x/'.repeat(10_000)}`, 'IPFS_INVALID_PATH'],
  ])('refuses the path %j with %s', async (path, code) => {
    const { ipfs } = await opened()
    for (const call of [
      () => ipfs.files.resolve(path),
      () => ipfs.files.stat(path),
      () => ipfs.files.cat(path),
      () => ipfs.files.tar(path),
      () => drain(ipfs.files.ls(path)),
      () => ipfs.dag.get(path),
      () => ipfs.car.export(path),
    ]) {
      expect(await rejection(call())).toMatchObject({ code, kind: 'invalid' })
    }
  })

  it('names the folder in which a name does not exist', async () => {
    const { ipfs } = await opened()
    const { items, cid } = await added(ipfs, [{ path: 'd/sub/a', content: bytesOf('a') }])
    const sub = items.find((item) => item.path === 'd/sub')?.cid
    expect(await rejection(ipfs.files.stat(`${cid}/sub/b`))).toMatchObject({
      code: 'IPFS_PATH_NOT_FOUND',
      kind: 'not-found',
      message: `There is no "b" in ${sub}`,
    })
    expect(await rejection(ipfs.files.stat(`${cid}/sub/a/b`))).toMatchObject({ code: 'IPFS_PATH_NOT_FOUND' })
  })

  it('needs no block for a CID alone, in any of the bases', async () => {
    const { ipfs } = await opened()
    const v0 = 'QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH'
    expect((await ipfs.files.resolve(v0)).toString()).toBe(v0)
    expect((await ipfs.files.resolve(`ipfs://${absent}`)).equals(absent)).toBe(true)
    const upper = absent.toString().toUpperCase()
    expect(await rejection(ipfs.files.resolve(upper))).toMatchObject({ code: 'IPFS_INVALID_CID' })
  })
})
