import { maxInlineBytes } from '@ipfs-kit/blocks'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { expect, it } from 'vitest'
import { walkDag, walkParts, type WalkOptions } from '../src/walk.ts'
import { cidOf } from './nodes.ts'
import { rejection } from './opened.ts'

const cbor = 0x71

/** Blocks in memory. */
function made() {
  const blocks = new Map<string, Uint8Array>()
  const counts = { reads: 0, checks: 0 }
  const put = (bytes: Uint8Array, codec: number) => {
    const cid = cidOf(bytes, codec)
    blocks.set(String(cid), bytes)
    return cid
  }
  const get = async (cid: CID) => {
    counts.reads += 1
    const bytes = blocks.get(String(cid))
    if (bytes === undefined) throw new Error(`no ${cid}`)
    return bytes
  }
  const check = async (cids: readonly CID[]) => {
    for (const cid of cids) {
      counts.checks += 1
      if (!blocks.has(String(cid))) throw new Error(`no ${cid}`)
    }
  }
  return {
    counts,
    leaf: (name: string) => put(new TextEncoder().encode(name), 0x55),
    node: (name: string, links: readonly CID[]) => put(encodeCbor({ name, links }), cbor),
    remove: (cid: CID) => blocks.delete(String(cid)),
    walk: async (root: CID, options?: WalkOptions) => {
      const found: string[] = []
      for await (const cid of walkDag(root, { get, check }, options)) found.push(String(cid))
      return found
    },
    parts: (root: CID, options?: WalkOptions) => walkParts(root, { get, check }, options),
  }
}

const inline = (name: string, links: readonly CID[]) =>
  CID.createV1(cbor, identity.digest(encodeCbor({ name, links })))

it('yields the root first and each block once, reads interior blocks once and leaves never', async () => {
  const { leaf, node, walk, counts } = made()
  const [a, b] = [leaf('a'), leaf('b')]
  const shared = node('shared', [a, b, a])
  const root = node('root', [shared, b, node('other', [shared, a])])
  const found = await walk(root)
  expect(found[0]).toBe(String(root))
  expect(found).toHaveLength(5)
  expect(new Set(found).size).toBe(5)
  expect(counts).toEqual({ reads: 3, checks: 2 })
})

it('meets a block at its smallest depth', async () => {
  const { leaf, node, walk } = made()
  const low = node('low', [leaf('leaf')])
  const root = node('root', [node('detour', [low]), low])
  expect(await walk(root, { depth: 0 })).toHaveLength(1)
  expect(await walk(root, { depth: 1 })).toHaveLength(3)
  expect(await walk(root, { depth: 2 })).toHaveLength(4)
})

it('shares what was visited with the next walk', async () => {
  const { leaf, node, walk } = made()
  const shared = node('shared', [leaf('a')])
  const { createVisited } = await import('@ipfs-kit/blocks')
  const visited = createVisited()
  expect(await walk(node('one', [shared]), { visited })).toHaveLength(3)
  expect(await walk(node('two', [shared, leaf('b')]), { visited })).toHaveLength(2)
  expect(visited.size).toBe(5)
})

it('ends a chain of 100 double links and one of 20,000 links', async () => {
  const { leaf, node, walk, counts } = made()
  let bomb = leaf('leaf')
  for (let level = 0; level < 100; level += 1) bomb = node(`${level}`, [bomb, bomb])
  expect(await walk(bomb)).toHaveLength(101)
  expect(counts.reads).toBe(100)
  let chain = leaf('leaf')
  for (let level = 0; level < 20_000; level += 1) chain = node(`chain ${level}`, [chain])
  expect(await walk(chain)).toHaveLength(20_001)
})

it('refuses more blocks or levels than it may visit', async () => {
  const { leaf, node, walk } = made()
  const root = node('root', [node('inner', [leaf('a'), leaf('b')])])
  expect(await walk(root, { maxBlocks: 4, maxDepth: 2 })).toHaveLength(4)
  for (const options of [{ maxBlocks: 3 }, { maxDepth: 1 }]) {
    expect(await rejection(walk(root, options))).toMatchObject({ code: 'IPFS_DAG_TOO_LARGE' })
  }
})

it('rejects for a missing leaf and a missing interior block, when all that it asked for has answered', async () => {
  const { leaf, node, walk, remove } = made()
  const [a, inner] = [leaf('a'), node('inner', [])]
  const root = node('root', [a, inner])
  remove(a)
  expect(await rejection(walk(root))).toMatchObject({ message: `no ${a}` })
  leaf('a')
  remove(inner)
  expect(await rejection(walk(root))).toMatchObject({ message: `no ${inner}` })
})

it('follows inline blocks, and refuses those that are so long that they could be a bomb', async () => {
  const { leaf, node, walk, counts } = made()
  const short = inline('short', [inline('inner', [leaf('a')])])
  expect(await walk(node('root', [short]))).toHaveLength(4)
  expect(counts).toEqual({ reads: 1, checks: 1 })
  const long = inline('x'.repeat(maxInlineBytes), [])
  expect(await rejection(walk(long))).toMatchObject({ code: 'IPFS_INVALID_NODE' })
  expect(await walk(long, { depth: 0 })).toHaveLength(1)
})

it('can be stopped between two parts', async () => {
  const { leaf, node, parts } = made()
  const root = node('root', [leaf('a'), node('inner', [leaf('b')])])
  const controller = new AbortController()
  const walking = parts(root, { signal: controller.signal })
  expect((await walking.next()).value).toHaveLength(2)
  const reason = new Error('enough')
  controller.abort(reason)
  expect(await rejection(walking.next())).toBe(reason)
})
