import { editFolder, lookUp, readFolder, type FolderLink } from '@ipfs-kit/ipfs/unixfs'
import { beforeAll, describe, expect, it } from 'vitest'
import { memoryBlocks } from './memory-blocks.ts'
import { cidOf, nodeBytes } from './nodes.ts'
import { all, bytesOf, rejection } from './opened.ts'

const profile = 'unixfs-v1-2025'

function linkTo(content: string): FolderLink {
  return { cid: cidOf(bytesOf(content)), dagBytes: content.length }
}

function shown(link: FolderLink | undefined): string {
  return `${link?.cid} ${link?.dagBytes}`
}

function entries(count: number): Map<string, FolderLink> {
  return new Map(
    Array.from({ length: count }, (_, at) => [`entry ${String(at).padStart(6, '0')}`, linkTo(`${at}`)]),
  )
}

describe('a plain folder', () => {
  it('finds what it has, and nothing else', async () => {
    const { get, put } = memoryBlocks()
    const names = new Map([
      ['a', linkTo('a')],
      ['日本語', linkTo('b')],
    ])
    const { cid } = await editFolder(undefined, names, { get, put, profile })
    for (const [name, link] of names) expect(shown(await lookUp(cid, name, get))).toBe(shown(link))
    expect(await lookUp(cid, 'b', get)).toBeUndefined()
    expect(await lookUp(cid, '', get)).toBeUndefined()
  })

  it('lists what comes behind a name, also behind one that is not there', async () => {
    const { get, put } = memoryBlocks()
    const names = ['a', 'b', 'ca', 'd', '\uffff', '🙂']
    const { cid } = await editFolder(undefined, new Map(names.map((name) => [name, linkTo(name)])), {
      get,
      put,
      profile,
    })
    const behind = async (after: string): Promise<string[]> =>
      (await all(readFolder(cid, get, { after }))).map(({ name }) => name)
    for (const [at, name] of names.entries()) expect(await behind(name)).toEqual(names.slice(at + 1))
    expect(await behind('c')).toEqual(['ca', 'd', '\uffff', '🙂'])
    expect(await behind('')).toEqual(names)
    // UTF-16 would sort it after the last one.
    expect(await behind('\uffff\uffff')).toEqual(['🙂'])
  })

  it.each([
    ['a raw block', cidOf(bytesOf('raw'))],
    ['a file', cidOf(nodeBytes({ data: bytesOf('x') }), 0x70)],
  ])('that is %s is refused', async (_what, cid) => {
    const { get, blocks } = memoryBlocks()
    blocks.set(cidOf(bytesOf('raw')).toString(), bytesOf('raw'))
    blocks.set(cidOf(nodeBytes({ data: bytesOf('x') }), 0x70).toString(), nodeBytes({ data: bytesOf('x') }))
    expect(await rejection(lookUp(cid, 'a', get))).toMatchObject({ code: 'IPFS_NOT_A_DIRECTORY' })
  })
})

describe('a HAMT folder of 20,000 entries', () => {
  const count = 20_000
  const names = entries(count)
  const store = memoryBlocks()
  const { get } = store
  let folder: FolderLink
  beforeAll(async () => {
    folder = await editFolder(undefined, names, { get, put: store.put, profile })
  })

  it('finds an entry by the shards on its way', async () => {
    for (let at = 0; at < count; at += 997) {
      const name = `entry ${String(at).padStart(6, '0')}`
      const { value, gets } = await store.during(() => lookUp(folder.cid, name, get))
      expect(shown(value)).toBe(shown(linkTo(`${at}`)))
      expect(gets).toBeLessThanOrEqual(5)
    }
    const { value, gets } = await store.during(() => lookUp(folder.cid, 'entry', get))
    expect(value).toBeUndefined()
    expect(gets).toBeLessThanOrEqual(5)
  })

  it('lists a page with the blocks that hold it, and the next one with those that follow', async () => {
    const seen: string[] = []
    let after: string | undefined
    for (let page = 0; page < 5; page += 1) {
      const { gets } = await store.during(async () => {
        let left = 1000
        for await (const { name } of readFolder(folder.cid, get, after === undefined ? {} : { after })) {
          seen.push(name)
          left -= 1
          if (left === 0) break
        }
      })
      after = seen.at(-1)
      // A shard below the root has 78 entries, and about ten shards with two or three of them.
      expect(gets).toBeLessThan(200)
    }
    const inOrder: string[] = []
    for await (const { name } of readFolder(folder.cid, get)) {
      inOrder.push(name)
      if (inOrder.length === 5000) break
    }
    expect(seen).toEqual(inOrder)
  })

  it('lists from the middle what a whole listing has there, also behind a name that is not there', async () => {
    const inOrder = (await all(readFolder(folder.cid, get))).map(({ name }) => name)
    expect(inOrder.length).toBe(count)
    const first = async (after: string): Promise<string | undefined> => {
      for await (const { name } of readFolder(folder.cid, get, { after })) return name
      return undefined
    }
    for (let at = 0; at < count; at += 499) expect(await first(inOrder[at]!)).toBe(inOrder[at + 1])
    expect(await first(inOrder.at(-1)!)).toBeUndefined()
    // What was removed still has its place.
    const gone = inOrder[777]!
    const less = await editFolder(folder.cid, new Map([[gone, undefined]]), { get, put: store.put, profile })
    const behind: string[] = []
    for await (const { name } of readFolder(less.cid, get, { after: gone })) {
      behind.push(name)
      if (behind.length === 10) break
    }
    expect(behind).toEqual(inOrder.slice(778, 788))
  })
})

it('refuses a HAMT folder that leads deeper than a hash reaches', async () => {
  const { get, blocks } = memoryBlocks()
  const put = (bytes: Uint8Array) => {
    const cid = cidOf(bytes, 0x70)
    blocks.set(cid.toString(), bytes)
    return cid
  }
  const type = 'hamt-sharded-directory'
  const digits = Array.from({ length: 256 }, (_, at) => at.toString(16).toUpperCase().padStart(2, '0'))
  let cid = put(nodeBytes({ type, fanout: 256n, data: Uint8Array.of(0) }))
  for (let level = 0; level < 9; level += 1) {
    const links = digits.map((name) => ({ name, cid }))
    cid = put(nodeBytes({ type, fanout: 256n, data: new Uint8Array(32).fill(255), links }))
  }
  expect(await rejection(lookUp(cid, 'any', get))).toMatchObject({ code: 'IPFS_INVALID_NODE' })
  const changes = new Map([['any', linkTo('any')]])
  expect(
    await rejection(editFolder(cid, changes, { get, put: async () => undefined, profile })),
  ).toMatchObject({ code: 'IPFS_INVALID_NODE' })
})

it.each<[what: string, shape: Parameters<typeof nodeBytes>[0]]>([
  ['no fanout', {}],
  ['a fanout of 1', { fanout: 1n }],
  ['a fanout of 3', { fanout: 3n }],
  ['a fanout of 2048', { fanout: 2048n }],
  ['a position that is none', { fanout: 256n, links: [{ cid: cidOf(bytesOf('x')), name: 'ZZa' }] }],
  ['a position beyond its fanout', { fanout: 8n, links: [{ cid: cidOf(bytesOf('x')), name: '8a' }] }],
  [
    'a position twice',
    {
      fanout: 256n,
      links: [
        { cid: cidOf(bytesOf('x')), name: '01a' },
        { cid: cidOf(bytesOf('x')), name: '01b' },
      ],
    },
  ],
])('refuses a HAMT folder with %s', async (_what, shape) => {
  const { get, blocks } = memoryBlocks()
  const bytes = nodeBytes({ type: 'hamt-sharded-directory', data: Uint8Array.of(1), ...shape })
  const cid = cidOf(bytes, 0x70)
  blocks.set(cid.toString(), bytes)
  for (const call of [
    () => lookUp(cid, 'a', get),
    () => all(readFolder(cid, get)),
    () => editFolder(cid, new Map(), { get, put: async () => undefined, profile }),
  ]) {
    expect(await rejection(call())).toMatchObject({ code: 'IPFS_INVALID_NODE' })
  }
})
