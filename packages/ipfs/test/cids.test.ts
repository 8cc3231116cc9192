import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type AddEntry, type CidProfile } from '@ipfs-kit/ipfs'
import { decode, encode } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { describe, expect, it } from 'vitest'
import { cidOf } from './nodes.ts'
import { added, addFile, bytesOf, opened, pattern, read } from './opened.ts'
import { peerCids, peerRoot } from './peer.ts'

const profiles = [
  { profile: 'unixfs-v1-2025', chunk: 1_048_576, width: 1024 },
  { profile: 'unixfs-v0-2015', chunk: 262_144, width: 174 },
] as const

describe.each(profiles)('$profile', ({ profile, chunk, width }) => {
  it.each([0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk + 1])(
    'gives a file of %i bytes the CID that the importer gives it',
    async (size) => {
      const { ipfs } = await opened()
      const content = pattern(size)
      const cid = await addFile(ipfs, content, { profile })
      expect(cid.toString()).toBe(await peerRoot([{ path: 'file', content }], { profile }))
    },
  )

  it.each([width, width + 1, 2 * width + 1])(
    'gives a file of %i chunks the CID that the importer gives it',
    async (chunks) => {
      const { ipfs } = await opened()
      const content = pattern(chunks * 4 - 1)
      const cid = await addFile(ipfs, content, { profile, chunkBytes: 4 })
      expect(cid.toString()).toBe(await peerRoot([{ path: 'file', content }], { profile, chunkBytes: 4 }))
      const { Links } = (await ipfs.dag.get(cid.toString())).value as { Links: unknown[] }
      expect(Links.length).toBe(chunks <= width ? chunks : Math.ceil(chunks / width))
    },
  )

  it('cuts a stream of odd pieces into the same chunks', async () => {
    const { ipfs } = await opened()
    const content = pattern(3 * chunk + 17)
    async function* pieces() {
      for (let at = 0, step = 1; at < content.length; at += step, step = (step * 7 + 3) % 300_007) {
        yield content.subarray(at, at + step)
        yield new Uint8Array()
      }
    }
    const { cid, summary } = await added(ipfs, [{ path: 'file', content: pieces() }], { profile })
    expect(cid.toString()).toBe(await peerRoot([{ path: 'file', content }], { profile }))
    expect(summary.bytes).toBe(content.length)
  })

  it('gives nested folders, empty ones and files with unicode names the CIDs that the importer gives them', async () => {
    const { ipfs } = await opened()
    const entries: AddEntry[] = [
      { path: 'top/a/b/c/deep.txt', content: bytesOf('deep') },
      { path: 'top/empty-file', content: new Uint8Array() },
      { path: 'top/empty-folder' },
      { path: 'top/a/empty-too' },
      { path: 'top/ünï cödé/日本語.txt', content: bytesOf('日本語') },
      { path: 'top/🙂/👩‍👩‍👧', content: bytesOf('family') },
      { path: 'top/big', content: pattern(chunk + 1) },
    ]
    const { items, cid } = await added(ipfs, entries, { profile })
    const peers = await peerCids(entries, { profile })
    expect(cid.toString()).toBe([...peers.values()].at(-1)?.toString())
    for (const [path, peer] of peers) {
      expect(`${path} ${items.find((item) => item.path === path)?.cid}`).toBe(`${path} ${peer}`)
    }
    expect(items.map((item) => item.path).sort()).toEqual(
      [
        ...entries.map((entry) => entry.path),
        'top',
        'top/a',
        'top/a/b',
        'top/a/b/c',
        'top/ünï cödé',
        'top/🙂',
      ].sort(),
    )
  })

  it('gives a wrapped file the CID that the importer gives it', async () => {
    const { ipfs } = await opened()
    const entries = [{ path: 'one.txt', content: bytesOf('one') }]
    const { cid } = await added(ipfs, entries, { profile, wrap: true })
    expect(cid.toString()).toBe(await peerRoot(entries, { profile, wrap: true }))
  })
})

it('writes the sizes of a file between 2 and 4 GiB as they are', async () => {
  const { ipfs } = await opened()
  const chunks = 2050
  const chunk = new Uint8Array(1_048_576)
  const content = Array.from({ length: chunks }, () => chunk).values()
  const { cid, items } = await added(ipfs, [
    { path: 'd/big', content: Readable.from(content, { objectMode: true }) },
  ])
  const size = chunks * chunk.length
  expect(size).toBeGreaterThan(2 ** 31)
  expect(await ipfs.files.stat(`${cid}/big`)).toMatchObject({ type: 'file', size })
  expect(await read(ipfs, `${cid}/big`, { offset: -5 })).toEqual(Buffer.alloc(5))
  // A tree of two levels, made from its definition: 1,024 links of 1 MiB in a node.
  const leaf = cidOf(chunk)
  const full = fileNode(Array(1024).fill({ cid: leaf, bytes: 1_048_576, dagBytes: 1_048_576 }))
  const last = fileNode(Array(2).fill({ cid: leaf, bytes: 1_048_576, dagBytes: 1_048_576 }))
  expect(items[0]?.cid.toString()).toBe(fileNode([full, full, last]).cid.toString())
})

interface Part {
  readonly cid: CID
  readonly bytes: number
  readonly dagBytes: number
}

/** An inner node of a file, its UnixFS data written byte by byte (protobuf fields 1 type, 3 filesize, 4 blocksizes). */
function fileNode(parts: readonly Part[]): Part {
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  const data = [0x08, 2, 0x18, ...varint(bytes), ...parts.flatMap((part) => [0x20, ...varint(part.bytes)])]
  const Links = parts.map((part) => ({ Name: '', Hash: part.cid, Tsize: part.dagBytes }))
  const block = encode({ Data: Uint8Array.from(data), Links })
  return {
    cid: cidOf(block, 0x70),
    bytes,
    dagBytes: block.length + parts.reduce((sum, part) => sum + part.dagBytes, 0),
  }
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}

/** A folder of files of one byte with names of 20 characters. */
function manyFiles(count: number, folder: string): AddEntry[] {
  return Array.from({ length: count }, (_, at) => ({
    path: `${folder}/file-${String(at).padStart(15, '0')}`,
    content: Uint8Array.of(at % 7),
  }))
}

describe.each<{ profile: CidProfile; flat: number }>([
  { profile: 'unixfs-v1-2025', flat: 4095 },
  { profile: 'unixfs-v0-2015', flat: 4854 },
])('the HAMT threshold of $profile', ({ profile, flat }) => {
  it.each([
    { count: flat, type: 'directory' },
    { count: flat + 1, type: 'hamt-sharded-directory' },
  ])('makes a folder of $count entries a $type, as the importer does', async ({ count, type }) => {
    const { ipfs } = await opened()
    const entries = manyFiles(count, 'folder')
    const { cid } = await added(ipfs, entries, { profile })
    expect(cid.toString()).toBe(await peerRoot(entries, { profile }))
    const { Data } = decode(await ipfs.blocks.get(cid))
    expect(UnixFS.unmarshal(Data as Uint8Array).type).toBe(type)
  })
})

it('gives a HAMT folder inside a HAMT folder the CID that the importer gives it', async () => {
  const { ipfs } = await opened()
  const inner = [...manyFiles(4100, 'top/inner'), { path: 'top/inner/empty' }]
  const entries = [...inner, ...manyFiles(4100, 'top')]
  const { cid } = await added(ipfs, entries)
  const root = await peerRoot(entries, { profile: 'unixfs-v1-2025' })
  expect(cid.toString()).toBe(root)
  // In this order the importer (17.1.1) loses entries: it makes the HAMT of `top` again from what was there at its threshold.
  const { cid: same } = await added(ipfs, [
    ...inner.slice(0, -1),
    ...manyFiles(4100, 'top'),
    ...inner.slice(-1),
  ])
  expect(same.toString()).toBe(root)
})

describe('known CIDs', () => {
  it.each<[content: string, profile: CidProfile, cid: string]>([
    ['', 'unixfs-v1-2025', 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'],
    ['hello world', 'unixfs-v1-2025', 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'],
    ['', 'unixfs-v0-2015', 'QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH'],
    ['hello world', 'unixfs-v0-2015', 'Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD'],
    ['hello world\n', 'unixfs-v0-2015', 'QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o'],
  ])('gives the file %j in %s its CID', async (content, profile, cid) => {
    const { ipfs } = await opened()
    expect((await addFile(ipfs, content, { profile })).toString()).toBe(cid)
  })

  it.each<[profile: CidProfile, cid: string]>([
    ['unixfs-v1-2025', 'bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354'],
    ['unixfs-v0-2015', 'QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn'],
  ])('gives an empty folder in %s its CID', async (profile, cid) => {
    const { ipfs } = await opened()
    const { items, summary } = await added(ipfs, [{ path: 'nothing' }], { profile })
    expect(items.map((item) => [item.path, item.cid.toString(), item.bytes])).toEqual([['nothing', cid, 0]])
    expect(summary.cid?.toString()).toBe(cid)
  })

  it('gives a file of one chunk the sha2-256 of its bytes as a raw CID', async () => {
    const { ipfs } = await opened()
    const content = pattern(1_048_576)
    const digest = createHash('sha256').update(content).digest()
    const cid = await addFile(ipfs, content)
    expect(cid.toString()).toBe(CID.createV1(0x55, create(0x12, digest)).toString())
  })
})
