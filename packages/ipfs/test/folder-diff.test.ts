import { diffFolders, editFolder, type FolderLink, readFolder } from '@ipfs-kit/ipfs/unixfs'
import { decode } from '@ipld/dag-pb'
import fc from 'fast-check'
import type { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import { hashOfName, positionAt } from '../src/hamt-hash.ts'
import { memoryBlocks } from './memory-blocks.ts'
import { cidOf, nodeBytes } from './nodes.ts'
import { all, bytesOf, rejection } from './opened.ts'

const profile = 'unixfs-v1-2025'

function linkTo(content: string): FolderLink {
  return { cid: cidOf(bytesOf(content)), dagBytes: content.length }
}

/** Names of which 300 need a HAMT. */
const pool = Array.from({ length: 700 }, (_, at) => `${at}é`.padEnd(900, 'x'))

/** Each difference as text, in the order of the names. */
async function differences(
  before: CID | undefined,
  after: CID | undefined,
  get: (cid: CID) => Promise<Uint8Array>,
): Promise<string[]> {
  const found = await all(diffFolders(before, after, get))
  return found
    .map(
      ({ name, before: was, after: is }) => `${name} ${was?.cid} ${was?.dagBytes} ${is?.cid} ${is?.dagBytes}`,
    )
    .toSorted()
}

function expected(before: ReadonlyMap<string, FolderLink>, after: ReadonlyMap<string, FolderLink>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, was: before.get(name), is: after.get(name) }))
    .filter(({ was, is }) => String(was?.cid) !== String(is?.cid))
    .map(({ name, was, is }) => `${name} ${was?.cid} ${was?.dagBytes} ${is?.cid} ${is?.dagBytes}`)
    .toSorted()
}

/** Few entries, or so many that they need a HAMT. */
const folder = fc.record({
  from: fc.nat({ max: 699 }),
  names: fc.oneof(fc.nat({ max: 20 }), fc.integer({ min: 280, max: 600 })),
  others: fc.array(fc.record({ at: fc.nat({ max: 699 }), text: fc.constantFrom('a', 'b', undefined) }), {
    maxLength: 10,
  }),
})

describe('the differences of two folders', () => {
  it('are those of their entries, whatever the folders are made of', async () => {
    await fc.assert(
      fc.asyncProperty(folder, folder, fc.boolean(), async (one, other, isLike) => {
        const { get, put } = memoryBlocks()
        const made = [one, isLike ? { ...one, others: other.others } : other].map(
          ({ from, names, others }) => {
            const entries = new Map<string, FolderLink>()
            for (let at = 0; at < names; at += 1) entries.set(pool[(from + at) % 700]!, linkTo('same'))
            for (const { at, text } of others) {
              if (text === undefined) entries.delete(pool[at]!)
              else entries.set(pool[at]!, linkTo(text))
            }
            return entries
          },
        )
        const [left, right] = made as [Map<string, FolderLink>, Map<string, FolderLink>]
        const before = await editFolder(undefined, left, { get, put, profile })
        const after = await editFolder(undefined, right, { get, put, profile })
        expect(await differences(before.cid, after.cid, get)).toEqual(expected(left, right))
        expect(await differences(undefined, after.cid, get)).toEqual(expected(new Map(), right))
        expect(await differences(before.cid, undefined, get)).toEqual(expected(left, new Map()))
      }),
      { numRuns: 60 },
    )
  })

  it('of two HAMTs are found by the shards that are not the same', async () => {
    const store = memoryBlocks()
    const { get, put } = store
    const names = Array.from({ length: 50_000 }, (_, at) => `entry ${String(at).padStart(6, '0')}`)
    const before = await editFolder(undefined, new Map(names.map((name) => [name, linkTo('x')])), {
      get,
      put,
      profile,
    })
    const changes = new Map([
      [names[7]!, linkTo('y')],
      [names[70]!, undefined],
      ['new', linkTo('z')],
    ])
    const after = await editFolder(before.cid, changes, { get, put, profile })
    const { value, gets } = await store.during(() => all(diffFolders(before.cid, after.cid, get)))
    expect(value.map(({ name }) => name).toSorted()).toEqual([names[7], names[70], 'new'])
    // The two roots, and of each name the shards on its way.
    expect(gets).toBeLessThanOrEqual(2 + 3 * 2 * 2)
    expect(await all(diffFolders(before.cid, before.cid, get))).toEqual([])
  })

  it('of HAMTs of another width are found by name', async () => {
    const { get, put, blocks } = memoryBlocks()
    const links = new Map(pool.map((name) => [name, linkTo(name)]))
    const wide = await editFolder(undefined, links, { get, put, profile })
    const few = new Map([...links].slice(0, 3))
    few.set(pool[1]!, linkTo('other'))
    const narrow = await hamtOf(few, 16n, blocks)
    expect((await all(readFolder(narrow, get))).length).toBe(3)
    expect(await differences(wide.cid, narrow, get)).toEqual(expected(links, few))
    expect(await differences(narrow, wide.cid, get)).toEqual(expected(few, links))
  })

  it('are refused of what is no folder, and of a HAMT that has a part twice', async () => {
    const { get, put, blocks } = memoryBlocks()
    const raw = cidOf(bytesOf('raw'))
    blocks.set(raw.toString(), bytesOf('raw'))
    const { cid } = await editFolder(undefined, new Map([['a', linkTo('a')]]), { get, put, profile })
    expect(await rejection(all(diffFolders(raw, cid, get)))).toMatchObject({ code: 'IPFS_NOT_A_DIRECTORY' })
    const empty = nodeBytes({ type: 'hamt-sharded-directory', fanout: 256n, data: Uint8Array.of(0) })
    const part = cidOf(empty, 0x70)
    blocks.set(part.toString(), empty)
    const bomb = nodeBytes({
      type: 'hamt-sharded-directory',
      fanout: 256n,
      data: Uint8Array.of(3),
      links: ['00', '01'].map((name) => ({ cid: part, name })),
    })
    blocks.set(cidOf(bomb, 0x70).toString(), bomb)
    const many = await editFolder(undefined, new Map(pool.map((name) => [name, linkTo('x')])), {
      get,
      put,
      profile,
    })
    for (const diff of [
      diffFolders(cidOf(bomb, 0x70), many.cid, get),
      diffFolders(many.cid, cidOf(bomb, 0x70), get),
    ]) {
      expect(await rejection(all(diff))).toMatchObject({ code: 'IPFS_INVALID_NODE' })
    }
  })
})

describe('a HAMT with a part that is not here', () => {
  it('is read without that part by who passes it by, and not at all by others', async () => {
    const { get, put, blocks } = memoryBlocks()
    const links = new Map(Array.from({ length: 5000 }, (_, at) => [`entry number ${at}`, linkTo(`${at}`)]))
    const { cid } = await editFolder(undefined, links, { get, put, profile })
    const [part] = decode(blocks.get(cid.toString())!).Links.filter(({ Name = '' }) => Name.length === 2)
    blocks.delete(part!.Hash.toString())
    expect(await rejection(all(readFolder(cid, get)))).toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
    const told: string[] = []
    const skip = (missing: CID, error: unknown): boolean => {
      told.push(`${missing} ${(error as { code: string }).code}`)
      return true
    }
    const names = (await all(readFolder(cid, get, { skip }))).map(({ name }) => name)
    expect(told).toEqual([`${part!.Hash} IPFS_BLOCK_NOT_FOUND`])
    expect(names.length).toBeGreaterThan(4900)
    expect(names.length).toBeLessThan(5000)
  })
})

/** A HAMT of one shard, or of two below each other where two names meet. */
async function hamtOf(
  entries: ReadonlyMap<string, FolderLink>,
  fanout: bigint,
  blocks: Map<string, Uint8Array>,
): Promise<CID> {
  const bits = Math.log2(Number(fanout))
  const write = async (names: readonly string[], depth: number): Promise<CID> => {
    const byPosition = new Map<number, string[]>()
    for (const name of names) {
      const position = positionAt(await hashOfName(name), depth, bits)
      byPosition.set(position, [...(byPosition.get(position) ?? []), name])
    }
    const links = []
    for (const [position, together] of [...byPosition].toSorted(([one], [other]) => one - other)) {
      const prefix = position.toString(16).toUpperCase()
      const [name] = together
      links.push(
        together.length === 1
          ? { cid: entries.get(name!)!.cid, name: `${prefix}${name}`, size: entries.get(name!)!.dagBytes }
          : { cid: await write(together, depth + 1), name: prefix, size: 0 },
      )
    }
    const bytes = nodeBytes({ type: 'hamt-sharded-directory', fanout, data: new Uint8Array(2), links })
    const cid = cidOf(bytes, 0x70)
    blocks.set(cid.toString(), bytes)
    return cid
  }
  return await write([...entries.keys()], 0)
}
