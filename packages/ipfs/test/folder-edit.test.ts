import { editFolder, lookUp, readFolder, type CidProfile, type FolderLink } from '@ipfs-kit/ipfs/unixfs'
import { decode, encode } from '@ipld/dag-pb'
import fc from 'fast-check'
import { UnixFS } from 'ipfs-unixfs'
import { DirSharded } from 'ipfs-unixfs-importer/utils'
import type { CID } from 'multiformats/cid'
import { beforeAll, describe, expect, it } from 'vitest'
import { hashOfName } from '../src/hamt-hash.ts'
import { fileOf } from './file-of.ts'
import { memoryBlocks } from './memory-blocks.ts'
import { cidOf, nodeBytes } from './nodes.ts'
import { all, bytesOf, rejection } from './opened.ts'
import { peerRoot } from './peer.ts'

const profiles = ['unixfs-v1-2025', 'unixfs-v0-2015'] as const

/** The root that the importer gives a folder with these files of one byte. */
async function anew(files: ReadonlyMap<string, number>, profile: CidProfile): Promise<string> {
  const given = Array.from(files, ([name, byte]) => ({
    path: `folder/${name}`,
    content: Uint8Array.of(byte),
  }))
  return peerRoot(given.length === 0 ? [{ path: 'folder' }] : given, { profile })
}

/** Names, long enough that 300 of them need a HAMT, of which many lie at the same positions of shards. */
const pool: string[] = []
beforeAll(async () => {
  const byStart = new Map<string, string[]>()
  const odd = ['é', '日本', '🙂', 'a b', '%20', '\\x', '\uffff']
  for (let at = 0; at < 12_000; at += 1) {
    const name = `${at}${odd[at % odd.length]}`
    const start = Buffer.from((await hashOfName(name)).subarray(0, 2)).toString('hex')
    byStart.set(start, [...(byStart.get(start) ?? []), name])
  }
  const together = [...byStart.values()].filter((names) => names.length > 1).flat()
  const long = Array.from({ length: 330 }, (_, at) => `${at}${odd[at % odd.length]}`.padEnd(900, 'x'))
  pool.push(...together.slice(0, 400), ...long)
})

const step = fc.record({
  at: fc.nat({ max: 9999 }),
  // Few, or so many that it becomes a HAMT, or is none any more.
  names: fc.oneof(fc.nat({ max: 20 }), fc.integer({ min: 300, max: 730 })),
  byte: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined, freq: 2 }),
})

describe.each(profiles)('%s', (profile) => {
  it('gives any folder that is changed the CID that the importer gives its entries anew', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const { get, put } = memoryBlocks()
        const files = new Map<string, number>()
        let folder: FolderLink | undefined
        for (const { at, names, byte } of steps) {
          const changes = new Map<string, FolderLink | undefined>()
          for (let index = 0; index < names; index += 1) {
            const name = pool[(at + index) % pool.length]!
            changes.set(name, byte === undefined ? undefined : fileOf((byte + index) % 256, profile))
            if (byte === undefined) files.delete(name)
            else files.set(name, (byte + index) % 256)
          }
          folder = await editFolder(folder?.cid, changes, { get, put, profile })
          expect(folder.cid.toString()).toBe(await anew(files, profile))
        }
        // What it says of its size is what its blocks have.
        expect(folder?.dagBytes).toBe(await bytesBelow(folder!.cid, get))
      }),
      { numRuns: 25 },
    )
  })

  it('turns a plain folder that grows into a HAMT at the limit, and back', async () => {
    const { get, put, unixfs } = memoryBlocks()
    const flat = profile === 'unixfs-v1-2025' ? 4095 : 4854
    const files = new Map(
      Array.from({ length: flat + 1 }, (_, at) => [`file-${String(at).padStart(15, '0')}`, at % 7] as const),
    )
    const links = new Map(Array.from(files, ([name, byte]) => [name, fileOf(byte, profile)] as const))
    const last = [...files.keys()].at(-1)!
    const over = await editFolder(undefined, links, { get, put, profile })
    expect(unixfs(over.cid).type).toBe('hamt-sharded-directory')
    expect(over.cid.toString()).toBe(await anew(files, profile))
    const under = await editFolder(over.cid, new Map([[last, undefined]]), { get, put, profile })
    expect(unixfs(under.cid).type).toBe('directory')
    const again = await editFolder(under.cid, new Map([[last, links.get(last)]]), { get, put, profile })
    expect(again.cid.toString()).toBe(over.cid.toString())
    files.delete(last)
    expect(under.cid.toString()).toBe(await anew(files, profile))
  })

  it('writes a shard as it is written always whose block another one has written in another way', async () => {
    const { get, put } = memoryBlocks()
    const names = Array.from({ length: 330 }, (_, at) => `${at}`.padEnd(900, 'z'))
    const links = new Map(names.map((name) => [name, fileOf(1, profile)]))
    const usual = await editFolder(undefined, links, { get, put, profile })
    const { Data, Links } = decode(await get(usual.cid))
    // The data before the links, and lengths of links in more bytes than they take.
    const records = Links.map((link) => encode({ Links: [link] }))
    for (const pieces of [
      [encode({ Data: Data!, Links: [] }), ...records],
      [...records.map(stretched), encode({ Data: Data!, Links: [] })],
    ]) {
      const block = Buffer.concat(pieces)
      const other = cidOf(block, 0x70)
      await put(other, block)
      const change = new Map([['new', fileOf(2, profile)]])
      const changed = await editFolder(other, change, { get, put, profile })
      const files = new Map([...names.map((name) => [name, 1] as const), ['new', 2] as const])
      expect(changed.cid.toString()).toBe(await anew(files, profile))
    }
  })

  it('gives an inner shard that is left with one entry back to the one above it', async () => {
    const { get, put } = memoryBlocks()
    const near = await together(3)
    // Enough others that it stays a HAMT.
    const others = Array.from({ length: 320 }, (_, at) => `${at}`.padEnd(1000, 'y'))
    const of = (names: readonly string[]) => new Map(names.map((name) => [name, 1]))
    const links = new Map([...near, ...others].map((name) => [name, fileOf(1, profile)]))
    const both = await editFolder(undefined, links, { get, put, profile })
    expect(both.cid.toString()).toBe(await anew(of([...near, ...others]), profile))
    const one = await editFolder(both.cid, new Map([[near[0]!, undefined]]), { get, put, profile })
    expect(one.cid.toString()).toBe(await anew(of([near[1]!, ...others]), profile))
    const none = await editFolder(one.cid, new Map([[near[1]!, undefined]]), { get, put, profile })
    expect(none.cid.toString()).toBe(await anew(of(others), profile))
  })
})

/** The record of a link, below 16 KiB, with its length in one byte more. */
function stretched(record: Uint8Array): Uint8Array {
  const last = record[1]! < 0x80 ? 1 : 2
  return Buffer.concat(
    [record.subarray(0, last), [record[last]! | 0x80, 0], record.subarray(last + 1)].map((piece) =>
      Uint8Array.from(piece),
    ),
  )
}

/** Two names whose hashes have their first bytes in common. */
async function together(bytes: number): Promise<[string, string]> {
  const seen = new Map<string, string>()
  for (let at = 0; ; at += 1) {
    const name = `near ${at}`
    const start = Buffer.from((await hashOfName(name)).subarray(0, bytes)).toString('hex')
    const other = seen.get(start)
    if (other !== undefined) return [other, name]
    seen.set(start, name)
  }
}

/** Bytes of all blocks of a folder, with those of its files of one byte as their links state them. */
async function bytesBelow(cid: CID, get: (cid: CID) => Promise<Uint8Array>): Promise<number> {
  const block = await get(cid)
  const { Links, Data } = decode(block)
  const isShard = UnixFS.unmarshal(Data!).type === 'hamt-sharded-directory'
  let bytes = block.byteLength
  for (const { Name = '', Hash, Tsize = 0 } of Links)
    bytes += isShard && Name.length === 2 ? await bytesBelow(Hash, get) : Tsize
  return bytes
}

describe('a HAMT folder of 200,000 entries', () => {
  const profile = 'unixfs-v1-2025'
  const store = memoryBlocks()
  const { get, put } = store
  const name = (at: number): string => `entry ${String(at).padStart(6, '0')}`
  let folder: FolderLink
  beforeAll(async () => {
    const links = new Map(
      Array.from({ length: 200_000 }, (_, at) => [name(at), fileOf(at % 7, profile)] as const),
    )
    folder = await editFolder(undefined, links, { get, put, profile })
  })

  const edit = (changes: readonly (readonly [string, FolderLink | undefined])[]) =>
    store.during(() => editFolder(folder.cid, new Map(changes), { get, put, profile }))

  it('has an entry added or replaced by the shards on its way', async () => {
    for (const [key, byte] of [
      ['new', 1],
      [name(77), 200],
    ] as const) {
      const { value, gets, puts } = await edit([[key, fileOf(byte, profile)]])
      expect([gets, puts]).toEqual([expect.toSatisfy(atMost(4)), expect.toSatisfy(atMost(5))])
      expect((await lookUp(value.cid, key, get))?.cid.toString()).toBe(fileOf(byte, profile).cid.toString())
    }
  })

  it('has an entry removed by the shards on its way and so many that it is certainly no plain folder', async () => {
    const { value, gets, puts } = await edit([[name(77), undefined]])
    expect([gets, puts]).toEqual([expect.toSatisfy(atMost(60)), expect.toSatisfy(atMost(4))])
    expect(await lookUp(value.cid, name(77), get)).toBeUndefined()
    const { value: back } = await store.during(() =>
      editFolder(value.cid, new Map([[name(77), fileOf(0, profile)]]), { get, put, profile }),
    )
    expect(back.cid.toString()).toBe(folder.cid.toString())
  })

  it('leaves others their turns while it is changed in a store that never waits', async () => {
    let turns = 0
    const count = (): void => {
      turns += 1
      next = setImmediate(count)
    }
    let next = setImmediate(count)
    await edit(Array.from({ length: 1000 }, (_, at) => [name(at * 150), undefined] as const))
    clearImmediate(next)
    expect(turns).toBeGreaterThan(5)
  })

  it('has 1,000 entries changed by the shards on their ways', async () => {
    const changes = Array.from(
      { length: 1000 },
      (_, at) => [name(at * 199), fileOf(100 + (at % 7), profile)] as const,
    )
    const { value, gets, puts } = await edit(changes)
    // 1 root, 256 below it, and at most 1,000 below those with a few that lie deeper.
    expect([gets, puts]).toEqual([expect.toSatisfy(atMost(1300)), expect.toSatisfy(atMost(1300))])
    for (const [key, link] of changes.slice(0, 50))
      expect((await lookUp(value.cid, key, get))?.cid.toString()).toBe(link.cid.toString())
  })
})

function atMost(most: number) {
  return (count: number): boolean => count > 0 && count <= most
}

describe('what is refused', () => {
  const profile = 'unixfs-v1-2025'

  it.each(['', '.', '..', 'a/b', 'a\0', '\ud800', 'a\\'])('the name %j', async (name) => {
    const { get, put } = memoryBlocks()
    const changes = new Map([[name, fileOf(1, profile)]])
    expect(await rejection(editFolder(undefined, changes, { get, put, profile }))).toMatchObject({
      code: 'IPFS_INVALID_PATH',
    })
  })

  it('a folder that has a name twice, whose entries would be fewer then', async () => {
    const { get, put, blocks } = memoryBlocks()
    const link = { cid: fileOf(1, profile).cid, name: 'a' }
    const bytes = nodeBytes({ type: 'directory', links: [link, link] })
    const cid = cidOf(bytes, 0x70)
    blocks.set(cid.toString(), bytes)
    const changes = new Map([['b', fileOf(1, profile)]])
    expect(await rejection(editFolder(cid, changes, { get, put, profile }))).toMatchObject({
      code: 'IPFS_INVALID_NODE',
    })
  })

  it('what is no folder', async () => {
    const { get, put, blocks } = memoryBlocks()
    const cid = cidOf(bytesOf('raw'))
    blocks.set(cid.toString(), bytesOf('raw'))
    expect(await rejection(editFolder(cid, new Map(), { get, put, profile }))).toMatchObject({
      code: 'IPFS_NOT_A_DIRECTORY',
    })
  })

  it('a HAMT with two names whose hashes are equal; a plain folder has them', async () => {
    const { get, put } = memoryBlocks()
    const equal = ["G`9M`l0f\u0003]C)'z\u001d9", '8]nSZ(p\u0002("sM;\u0006OV']
    const [one, other] = await Promise.all(equal.map(hashOfName))
    expect(one).toEqual(other)
    const link = fileOf(1, profile)
    const both = new Map(equal.map((name) => [name, link]))
    const plain = await editFolder(undefined, both, { get, put, profile })
    for (const name of equal) expect(await lookUp(plain.cid, name, get)).toBeDefined()
    const more = new Map(Array.from({ length: 300 }, (_, at) => [`${at}`.padEnd(1000, 'z'), link] as const))
    expect(await rejection(editFolder(plain.cid, more, { get, put, profile }))).toMatchObject({
      code: 'IPFS_INVALID_NODE',
    })
  })

  const longNames = new Map(
    Array.from({ length: 300 }, (_, at) => [`${at}`.padEnd(1000, 'z'), fileOf(1, profile)] as const),
  )

  it.each(['later', 'at once'])(
    'by a store that fails %s: with its error, and after what runs has ended',
    async (when) => {
      const { get } = memoryBlocks()
      const failure = new Error('no room')
      let begun = 0
      let running = 0
      const late = async (): Promise<void> => {
        running += 1
        await new Promise(setImmediate)
        running -= 1
        if (when === 'later') throw failure
      }
      const put = (): Promise<void> => {
        begun += 1
        if (when === 'at once' && begun === 3) throw failure
        return late()
      }
      expect(await rejection(editFolder(undefined, longNames, { get, put, profile }))).toBe(failure)
      expect([begun, running]).toEqual([expect.toSatisfy(atMost(256)), 0])
    },
  )
})

it('waits for each step before the next, and ends with what one is rejected with', async () => {
  const profile = 'unixfs-v1-2025'
  const { get, put } = memoryBlocks()
  const names = Array.from({ length: 400 }, (_, at) => `${at}`.padEnd(900, 'v'))
  const linksTo = (byte: number) => new Map(names.map((name) => [name, fileOf(byte, profile)] as const))
  const { cid } = await editFolder(undefined, linksTo(1), { get, put, profile })
  const failure = new Error('no more')
  for (const last of [Number.POSITIVE_INFINITY, 5, 450]) {
    let [steps, waiting, most] = [0, 0, 0]
    const step = async (): Promise<void> => {
      steps += 1
      waiting += 1
      most = Math.max(most, waiting)
      await new Promise(setImmediate)
      waiting -= 1
      if (steps === last) throw failure
    }
    const edited = editFolder(cid, linksTo(2), { get, put, step, profile })
    if (last === Number.POSITIVE_INFINITY) expect((await edited).cid).not.toEqual(cid)
    else expect(await rejection(edited)).toBe(failure)
    expect(most).toBe(1)
    // 400 entries, and more than 100 shards.
    expect(steps).toSatisfy((count: number) => (last < 500 ? count === last : count > 500))
  }
})

it('makes a HAMT of another fanout one of 256, with its entries', async () => {
  const profile = 'unixfs-v1-2025'
  const { get, put, blocks, unixfs } = memoryBlocks()
  const names = Array.from({ length: 3000 }, (_, at) => `${at}`.padEnd(120, 'w'))
  const peer = new DirSharded(
    { root: false, dir: true, path: '', dirty: true, flat: false },
    { cidVersion: 1, shardFanoutBits: 4 },
  )
  const { cid, dagBytes } = fileOf(1, profile)
  for (const name of names) await peer.put(name, { cid, size: BigInt(dagBytes) })
  let root: CID | undefined
  const store = {
    put: async (key: CID, bytes: Uint8Array) => {
      blocks.set(key.toString(), bytes)
      return key
    },
  }
  for await (const step of peer.flush(store)) root = step.cid
  expect(unixfs(root!).fanout).toBe(16n)
  for (const name of names.slice(0, 100))
    expect((await lookUp(root!, name, get))?.cid.toString()).toBe(cid.toString())
  const listed = (await all(readFolder(root!, get))).map((entry) => entry.name)
  const behind = (await all(readFolder(root!, get, { after: listed[1000]! }))).map((entry) => entry.name)
  expect(behind).toEqual(listed.slice(1001))
  const edited = await editFolder(root, new Map([['more', fileOf(1, profile)]]), { get, put, profile })
  expect(edited.cid.toString()).toBe(
    await anew(new Map([...names, 'more'].map((name) => [name, 1])), profile),
  )
})
