import { parseCid } from '@ipfs-kit/ipfs'
import { expect, test } from 'vitest'
import { collect } from './collect.ts'
import { addFile, addFiles, openTemporaryKit } from './open-kit.ts'

const binary = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, index) => (index * 7) % 256)

test('writes text and reads it back at the address', async () => {
  const kit = await openTemporaryKit()
  const written = await kit.call('storage.write', { name: 'notes.md', text: '# Grüße\n' })
  expect(written).toEqual({ address: `/ipfs/${written.cid}`, cid: written.cid, bytes: 10 })
  expect(await kit.call('storage.read', { address: written.address })).toEqual({
    address: written.address,
    mediaType: 'text/plain; charset=utf-8',
    size: 10,
    offset: 0,
    length: 10,
    text: '# Grüße\n',
  })
  expect(await kit.call('storage.list', {})).toEqual({
    entries: [{ name: 'notes.md', address: written.address, type: 'file', size: 10 }],
  })
})

test('writes into folders, and knows the media type by the name', async () => {
  const kit = await openTemporaryKit()
  const { cid, address } = await kit.call('storage.write', { name: 'a/b/notes.md', text: 'x' })
  expect(address).toBe(`/ipfs/${cid}/b/notes.md`)
  const read = await kit.call('storage.read', { address })
  expect(read).toMatchObject({ mediaType: 'text/markdown; charset=utf-8', text: 'x' })
  expect(await kit.call('storage.stat', { address: cid })).toMatchObject({ cid, type: 'directory' })
})

test('writes base64 of up to 1 MiB', async () => {
  const kit = await openTemporaryKit()
  const bytes = binary(1_048_576)
  const { address } = await kit.call('storage.write', {
    name: 'b',
    base64: Buffer.from(bytes).toString('base64'),
  })
  const { body } = await kit.call('files.cat', { cid: address })
  expect(Buffer.compare(Buffer.concat(await collect(body)), bytes)).toBe(0)
  const empty = await kit.call('storage.write', { name: 'empty', text: '' })
  expect(await kit.call('storage.read', { address: empty.address })).toMatchObject({
    size: 0,
    length: 0,
    text: '',
  })
})

test('refuses no content, two contents, bad base64, a lone surrogate, bad names, and more than 1 MiB', async () => {
  const kit = await openTemporaryKit()
  const write = (input: object): Promise<unknown> => kit.caller.callAs('r', 'storage.write', input)
  const invalid = { code: 'OPERATION_INVALID_INPUT' }
  await expect(write({ name: 'a' })).rejects.toMatchObject(invalid)
  await expect(write({ name: 'a', text: '', base64: '' })).rejects.toMatchObject(invalid)
  await expect(write({ name: 'a', base64: 'abc' })).rejects.toMatchObject(invalid)
  await expect(write({ name: 'a', base64: 'ab-_' })).rejects.toMatchObject(invalid)
  await expect(write({ name: 'a', text: 'a\ud800' })).rejects.toMatchObject(invalid)
  await expect(write({ name: '', text: '' })).rejects.toMatchObject(invalid)
  for (const name of ['../a', '/a', 'a//b', 'a\0', '.']) {
    await expect(write({ name, text: '' })).rejects.toMatchObject(invalid)
  }
  const tooLarge = { name: 'a', text: 'ä'.repeat(524_289) }
  await expect(write(tooLarge)).rejects.toMatchObject({ code: 'OPERATION_BODY_TOO_LARGE', kind: 'too-large' })
  expect(await kit.call('storage.list', {})).toEqual({ entries: [] })
})

test('reads a text in ranges that end at the borders of characters', async () => {
  const kit = await openTemporaryKit()
  const text = 'aä€😀'.repeat(50)
  const address = await addFile(kit, 'text', text)
  for (const length of [4, 5, 7, 11, 100]) {
    let read = ''
    for (let offset = 0; offset < Buffer.byteLength(text);) {
      const part = await kit.call('storage.read', { address, offset, length })
      expect(part.length).toBeGreaterThan(0)
      read += part.text
      offset += part.length
    }
    expect(read).toBe(text)
  }
  // Too short for the character that stands there: bytes instead of nothing.
  expect(await kit.call('storage.read', { address, offset: 6, length: 2 })).toMatchObject({
    base64: '8J8=',
    length: 2,
  })
})

test('takes a character that the end of the file splits for binary', async () => {
  const kit = await openTemporaryKit()
  const address = await addFile(kit, 'cut', Uint8Array.of(0x61, 0xe2, 0x82))
  expect(await kit.call('storage.read', { address })).toMatchObject({ base64: 'YeKC', length: 3 })
})

test('answers binary as base64 up to 65,536 bytes, and a link above', async () => {
  const kit = await openTemporaryKit()
  const bytes = binary(200_000)
  const root = await addFiles(kit, { 'folder/a b#.png': bytes, 'folder/c': '' })
  const address = `${root}/a b#.png`
  const small = await kit.call('storage.read', { address })
  expect(small).toMatchObject({ mediaType: 'image/png', size: 200_000, offset: 0, length: 65_536 })
  expect(small.base64).toBe(Buffer.from(bytes.subarray(0, 65_536)).toString('base64'))

  const large = await kit.call('storage.read', { address, offset: 10, length: 65_537 })
  expect(large).toEqual({
    address: `/ipfs/${root}/a b#.png`,
    mediaType: 'image/png',
    size: 200_000,
    offset: 10,
    length: 0,
    resource: {
      uri: `ipfs://${root}/a%20b%23.png`,
      name: 'a b#.png',
      mimeType: 'image/png',
      size: 200_000,
    },
  })

  await kit.announce({ url: 'http://127.0.0.1:1', gatewayUrl: 'http://127.0.0.1:2/' })
  const linked = await kit.call('storage.read', { address: `ipfs://${root}/a%20b%23.png`, length: 1_048_576 })
  expect(linked).toMatchObject({
    address: `/ipfs/${root}/a b#.png`,
    resource: { uri: `http://127.0.0.1:2/ipfs/${root}/a%20b%23.png` },
  })
})

test('reads ranges of large files without the rest', async () => {
  const kit = await openTemporaryKit()
  const text = Array.from({ length: 300_000 }, (_, index) => `${index}\n`).join('')
  const address = await addFile(kit, 'lines', text)
  const before = kit.ipfs.stats().bytesRead
  const { text: part, size } = await kit.call('storage.read', { address, offset: 1_200_000, length: 100 })
  expect(part).toBe(text.slice(1_200_000, 1_200_100))
  expect(size).toBe(text.length)
  expect(kit.ipfs.stats().bytesRead - before).toBeLessThan(1_100_000)
})

test('refuses a folder, what is not there, and a range behind the end', async () => {
  const kit = await openTemporaryKit()
  const root = await addFiles(kit, { 'folder/a': 'abc', 'folder/b': '' })
  await expect(kit.call('storage.read', { address: root })).rejects.toMatchObject({
    code: 'KIT_NOT_A_FILE',
    next: expect.stringContaining('storage_list'),
  })
  const read = (address: string, offset = 0): Promise<unknown> =>
    kit.call('storage.read', { address, offset })
  await expect(read(`${root}/x`)).rejects.toMatchObject({ code: 'IPFS_PATH_NOT_FOUND' })
  await expect(read('nonsense')).rejects.toMatchObject({ code: 'IPFS_INVALID_CID' })
  await expect(read(`${root}/a`, 4)).rejects.toMatchObject({ code: 'IPFS_RANGE' })
})

test('lists a folder in pages, with types, sizes and addresses that lead on', async () => {
  const kit = await openTemporaryKit()
  const files = Object.fromEntries(
    Array.from({ length: 25 }, (_, index) => [`top/f${index}`, 'x'.repeat(index)]),
  )
  const root = await addFiles(kit, { ...files, 'top/sub/deep.txt': 'deep' })
  const names: string[] = []
  let cursor: string | undefined
  let pages = 0
  do {
    const page = await kit.call('storage.list', { address: root, limit: 10, cursor })
    for (const entry of page.entries) {
      names.push(entry.name)
      expect(entry.address).toBe(`/ipfs/${root}/${entry.name}`)
      const { type, size } = await kit.call('storage.stat', { address: entry.address })
      expect({ type: entry.type, size: entry.size }).toEqual({ type, size })
    }
    cursor = page.cursor
    pages += 1
  } while (cursor !== undefined)
  expect(pages).toBe(3)
  expect(names.toSorted()).toEqual(
    [...Array.from({ length: 25 }, (_, index) => `f${index}`), 'sub'].toSorted(),
  )
  const below = await kit.call('storage.list', { address: `ipfs://${root}/sub` })
  expect(below.entries).toEqual([
    { name: 'deep.txt', address: `/ipfs/${root}/sub/deep.txt`, type: 'file', size: 4 },
  ])
})

test('ends the last full page without a cursor', async () => {
  const kit = await openTemporaryKit()
  const root = await addFiles(kit, { 'top/a': '1', 'top/b': '2' })
  expect(await kit.call('storage.list', { address: root, limit: 2 })).not.toHaveProperty('cursor')
  expect((await kit.call('storage.list', { address: root, limit: 2, cursor: '7' })).entries).toEqual([])
  for (const input of [{ limit: 0 }, { limit: 1001 }, { cursor: '-1' }, { cursor: 'x' }]) {
    await expect(kit.call('storage.list', input)).rejects.toMatchObject({ code: 'OPERATION_INVALID_INPUT' })
  }
})

test('lists an entry that cannot be read beside the others, with the code', async () => {
  const kit = await openTemporaryKit()
  const missing = parseCid('bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi')
  const here = parseCid(await addFile(kit, 'a', 'abc'))
  const dagPb = {
    Data: Uint8Array.of(8, 1),
    Links: [
      { Name: 'gone', Tsize: 9, Hash: missing },
      { Name: 'here', Tsize: 3, Hash: here },
    ],
  }
  const folder = await kit.ipfs.dag.put(dagPb, { codec: 'dag-pb', pin: false })
  expect((await kit.call('storage.list', { address: folder.toString() })).entries).toMatchObject([
    { name: 'gone', size: 9, failed: 'IPFS_BLOCK_NOT_FOUND' },
    { name: 'here', size: 3, type: 'file' },
  ])
})

test('pins and unpins by address, however often, and keeps the name', async () => {
  const kit = await openTemporaryKit()
  const root = await addFiles(kit, { 'top/a': 'abc', 'top/b': '' })
  const pins = async (): Promise<unknown> => collect(await kit.call('pins.ls', {}))
  const { cid } = await kit.call('pin.set', { address: `${root}/a`, pinned: true, name: 'just a' })
  expect(await kit.call('pin.set', { address: `/ipfs/${root}/a`, pinned: true })).toEqual({
    cid,
    pinned: true,
  })
  expect(await pins()).toMatchObject([{ cid: root }, { cid, name: 'just a' }])
  for (let round = 0; round < 2; round++) {
    expect(await kit.call('pin.set', { address: root, pinned: false })).toEqual({ cid: root, pinned: false })
  }
  expect(await pins()).toMatchObject([{ cid }])
  await kit.call('repo.gc', {})
  await expect(kit.call('storage.stat', { address: root })).rejects.toMatchObject({
    code: 'IPFS_BLOCK_NOT_FOUND',
  })
  expect(await kit.call('storage.read', { address: cid })).toMatchObject({ text: 'abc' })
})

test('leaves what was written without a pin to garbage collection', async () => {
  const kit = await openTemporaryKit()
  const { cid } = await kit.call('storage.write', { name: 'a', text: 'passing', pin: false })
  expect(await kit.call('storage.read', { address: cid })).toMatchObject({ text: 'passing' })
  await kit.call('repo.gc', {})
  await expect(kit.call('storage.read', { address: cid })).rejects.toMatchObject({
    code: 'IPFS_BLOCK_NOT_FOUND',
  })
})
