import type { Pins } from '@helia/interface'
import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { describe, expect, it } from 'vitest'
import { absent, chainOfDoubleLinks, putNode, type NodeShape } from './nodes.ts'
import { added, addFile, all, bytesOf, drain, opened, pattern, pinned, read, rejection } from './opened.ts'

it("has the shape of Helia's pins", async () => {
  const { ipfs } = await opened()
  const pins: Pins = ipfs.pins
  const cid = await addFile(ipfs, pattern(100), { chunkBytes: 10, pin: false })
  expect(await pins.isPinned(cid)).toBe(false)
  const yielded = await all(pins.add(cid, { metadata: { name: 'x', size: 100, fine: true } }))
  expect(yielded[0]?.equals(cid)).toBe(true)
  expect(new Set(yielded.map(String)).size).toBe(11)
  const [pin] = await all(pins.ls())
  expect(pin).toMatchObject({
    depth: Number.POSITIVE_INFINITY,
    metadata: { name: 'x', size: 100, fine: true },
  })
  expect(pin?.cid.equals(cid)).toBe(true)
  expect((await all(pins.ls({ cid }))).length).toBe(1)
  expect(await all(pins.ls({ cid: absent }))).toEqual([])
  expect((await all(pins.rm(cid))).map(String)).toEqual([cid.toString()])
  expect(await pins.isPinned(cid)).toBe(false)
})

it('does nothing before its generators are read', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, 'a')
  ipfs.pins.rm(cid)
  expect(await pinned(ipfs)).toEqual([cid.toString()])
  const other = await ipfs.blocks.put(bytesOf('b'))
  ipfs.pins.add(other)
  expect(await pinned(ipfs)).toEqual([cid.toString()])
})

it('keeps what two pins share when one of them is removed', async () => {
  const { ipfs } = await opened()
  const shared = { path: 'd/shared', content: pattern(1000) }
  const one = await added(ipfs, [shared, { path: 'd/one', content: bytesOf('one') }], { chunkBytes: 100 })
  const two = await added(ipfs, [shared, { path: 'd/two', content: bytesOf('two') }], { chunkBytes: 100 })
  await drain(ipfs.pins.rm(one.cid))
  const { removedBlocks } = await ipfs.repo.gc()
  expect(removedBlocks).toBe(2)
  expect(await read(ipfs, `${two.cid}/shared`)).toEqual(Buffer.from(pattern(1000)))
  expect(await rejection(read(ipfs, `${one.cid}/one`))).toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
})

it('keeps each of many pins that were made at once over shared blocks', async () => {
  const { ipfs } = await opened()
  const leaves = await Promise.all(
    Array.from({ length: 10 }, (_, at) => ipfs.blocks.put(pattern(100, at + 1))),
  )
  const roots = await Promise.all(
    Array.from({ length: 30 }, (_, at) =>
      ipfs.dag.put({ at, links: leaves.filter((_leaf, leaf) => leaf !== at % 10) }),
    ),
  )
  await Promise.all(roots.map((root) => drain(ipfs.pins.add(root))))
  expect((await pinned(ipfs)).toSorted()).toEqual(roots.map(String).toSorted())
  await Promise.all(roots.slice(1).map((root) => drain(ipfs.pins.rm(root))))
  await ipfs.repo.gc()
  expect(await all(ipfs.pins.add(roots[0]!))).toHaveLength(10)
  expect((await ipfs.repo.stat()).blocks).toBe(10)
})

it('says so when what should be removed, shown or changed is not pinned', async () => {
  const { ipfs } = await opened()
  const { items } = await added(ipfs, [{ path: 'd/a', content: bytesOf('a') }])
  for (const cid of [absent, items[0]!.cid]) {
    for (const call of [
      () => drain(ipfs.pins.rm(cid)),
      () => ipfs.pins.get(cid),
      () => ipfs.pins.setMetadata(cid, { name: 'x' }),
    ]) {
      expect(await rejection(call())).toMatchObject({ code: 'IPFS_PIN_NOT_FOUND', kind: 'not-found' })
    }
  }
})

it('gives a pin that is added again the new metadata and the larger depth', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, pattern(100), { chunkBytes: 10, pin: false })
  const add = async (depth: number, name: string) => {
    await drain(ipfs.pins.add(cid, { depth, metadata: { name } }))
    const { depth: now, metadata } = await ipfs.pins.get(cid)
    return [now, metadata['name']]
  }
  expect(await add(0, 'a')).toEqual([0, 'a'])
  expect(await add(3, 'b')).toEqual([3, 'b'])
  expect(await add(1, 'c')).toEqual([3, 'c'])
  expect(await add(Number.POSITIVE_INFINITY, 'd')).toEqual([Number.POSITIVE_INFINITY, 'd'])
  expect(await add(0, 'e')).toEqual([Number.POSITIVE_INFINITY, 'e'])
  await drain(ipfs.pins.add(cid))
  expect((await ipfs.pins.get(cid)).metadata).toEqual({ name: 'e' })
  expect(await pinned(ipfs)).toHaveLength(1)
})

it('keeps the root alone of a direct pin, and so many levels of one with a depth', async () => {
  for (const depth of [0, 1, 2]) {
    const { ipfs } = await opened()
    const leaf = await ipfs.blocks.put(bytesOf('leaf'))
    const middle = await ipfs.dag.put({ leaf })
    const root = await ipfs.dag.put({ middle })
    await drain(ipfs.pins.add(root, { depth }))
    expect((await ipfs.repo.gc()).removedBlocks).toBe(2 - depth)
    expect(await ipfs.blockstore.has(root)).toBe(true)
    expect(await ipfs.blockstore.has(middle)).toBe(depth >= 1)
    expect(await ipfs.blockstore.has(leaf)).toBe(depth >= 2)
  }
})

it('counts levels from the root by the shortest way', async () => {
  const { ipfs } = await opened()
  const leaf = await ipfs.dag.put({ leaf: await ipfs.blocks.put(bytesOf('end')) })
  const middle = await ipfs.dag.put({ leaf })
  const root = await ipfs.dag.put({ middle, leaf })
  await drain(ipfs.pins.add(root, { depth: 2 }))
  expect((await ipfs.repo.gc()).removedBlocks).toBe(0)
})

it('treats the two versions of a CID as one pin', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, 'hello', { profile: 'unixfs-v0-2015' })
  expect(cid.version).toBe(0)
  expect(await ipfs.pins.isPinned(cid.toV1())).toBe(true)
  await drain(ipfs.pins.rm(cid.toV1()))
  expect(await pinned(ipfs)).toEqual([])
})

it('visits each block of a DAG with 2^64 paths once', async () => {
  const { ipfs } = await opened()
  const leaf = await ipfs.blocks.put(bytesOf('leaf'))
  const shape = (cid: CID): NodeShape => ({
    type: 'directory',
    links: [
      { cid, name: 'l' },
      { cid, name: 'r' },
    ],
  })
  const bomb = await chainOfDoubleLinks(ipfs, 64, shape, leaf)
  const readsOf = async (work: () => Promise<unknown>) => {
    const before = ipfs.stats().blocksRead
    await work()
    return ipfs.stats().blocksRead - before
  }
  // Each block once to move it to what is kept; nodes once more for their links.
  expect(await readsOf(() => drain(ipfs.pins.add(bomb)))).toBe(65 + 64)
  expect(await readsOf(() => drain(ipfs.pins.add(bomb)))).toBe(64)
  expect(await readsOf(() => ipfs.repo.gc())).toBe(64)
  expect(await readsOf(() => ipfs.pins.isPinned(leaf))).toBe(64)
  const archive = await ipfs.car.export(bomb.toString())
  expect(await readsOf(() => drain(archive))).toBe(65)
  expect((await ipfs.repo.stat()).blocks).toBe(65)
})

it('knows whether a block lies below a pin', async () => {
  const { ipfs } = await opened()
  const { items } = await added(ipfs, [
    { path: 'd/a', content: bytesOf('a') },
    { path: 'd/sub/b', content: bytesOf('b') },
  ])
  for (const { cid } of items) expect(await ipfs.pins.isPinned(cid)).toBe(true)
  expect(await ipfs.pins.isPinned(await ipfs.blocks.put(bytesOf('free')))).toBe(false)
  expect(await ipfs.pins.isPinned(absent)).toBe(false)
})

it('replaces metadata', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, 'a', { name: 'old' })
  await ipfs.pins.setMetadata(cid, { label: 'new' })
  expect((await ipfs.pins.get(cid)).metadata).toEqual({ label: 'new' })
  await ipfs.pins.setMetadata(cid, undefined)
  expect((await ipfs.pins.get(cid)).metadata).toEqual({})
})

it('pins nothing for a reader that leaves early', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, pattern(1000), { chunkBytes: 10, pin: false })
  for (const steps of [1, 5, 101]) {
    const adding = ipfs.pins.add(cid)
    for (let at = 0; at < steps; at += 1) expect((await adding.next()).done).toBe(false)
    await adding.return()
    expect(await pinned(ipfs)).toEqual([])
    expect(ipfs.stats().openLeases).toBe(0)
  }
})

it('pins nothing when it is aborted, whenever that is', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, pattern(300), { chunkBytes: 10, pin: false })
  for (let at = 0; at <= 31; at += 1) {
    const abort = new AbortController()
    if (at === 0) abort.abort('enough')
    const work = async () => {
      let seen = 0
      for await (const _ of ipfs.pins.add(cid, { signal: abort.signal }))
        if (++seen === at) abort.abort('enough')
    }
    expect(await rejection(work())).toBe('enough')
    expect(await pinned(ipfs)).toEqual([])
  }
})

describe('a DAG with a hole', () => {
  it.each(['an interior block', 'a leaf'])('is not pinned when %s is missing', async (what) => {
    const { ipfs } = await opened()
    const missing = what === 'a leaf' ? absent : CID.createV1(0x70, absent.multihash)
    const cid = await putNode(ipfs, { type: 'directory', links: [{ cid: missing, name: 'a' }] })
    expect(await rejection(drain(ipfs.pins.add(cid)))).toMatchObject({
      code: 'IPFS_BLOCK_NOT_FOUND',
      message: expect.stringContaining(missing.toString()),
    })
    expect(await pinned(ipfs)).toEqual([])
    await drain(ipfs.pins.add(cid, { depth: 0 }))
    expect(await pinned(ipfs)).toEqual([cid.toString()])
  })

  it('below a codec that is not known is not pinned, but its block can be', async () => {
    const { ipfs } = await opened()
    const strange = CID.createV1(0x72, (await ipfs.blocks.put(bytesOf('strange'))).multihash)
    const cid = await ipfs.dag.put({ strange })
    expect(await rejection(drain(ipfs.pins.add(cid)))).toMatchObject({ code: 'IPFS_UNKNOWN_CODEC' })
    await drain(ipfs.pins.add(cid, { depth: 1 }))
    expect((await ipfs.repo.gc()).removedBlocks).toBe(0)
  })
})

it('pins links into inline CIDs and what they link to', async () => {
  const { ipfs } = await opened()
  const leaf = await ipfs.blocks.put(bytesOf('leaf'))
  const inline = CID.createV1(0x71, identity.digest(await cborOf(ipfs, { leaf })))
  const cid = await ipfs.dag.put({ inline })
  expect(await all(ipfs.pins.add(cid))).toHaveLength(3)
  expect((await ipfs.repo.gc()).removedBlocks).toBe(1)
  expect(await ipfs.blocks.get(leaf)).toEqual(Buffer.from('leaf'))
})

async function cborOf(ipfs: Awaited<ReturnType<typeof opened>>['ipfs'], value: unknown): Promise<Uint8Array> {
  return ipfs.blocks.get(await ipfs.dag.put(value))
}

it.each<[what: string, options: object, error: typeof Error]>([
  ['a negative depth', { depth: -1 }, RangeError],
  ['half a level', { depth: 0.5 }, RangeError],
  ['no number', { depth: Number.NaN }, RangeError],
  ['a list as metadata value', { metadata: { a: [] } }, TypeError],
  ['an infinite metadata value', { metadata: { a: Number.POSITIVE_INFINITY } }, RangeError],
  ['too much metadata', { metadata: { a: 'x'.repeat(5000) } }, RangeError],
  ['a name of 256 characters', { metadata: { name: 'x'.repeat(256) } }, RangeError],
])('refuses %s at the call', async (_what, options, error) => {
  const { ipfs } = await opened()
  expect(() => ipfs.pins.add(absent, options)).toThrow(error)
})

it('lists many pins in the order of their making, while pins come and go', async () => {
  const { ipfs } = await opened()
  const cids: CID[] = []
  for (let at = 0; at < 600; at += 1) {
    cids.push(await ipfs.blocks.put(bytesOf(`${at}`), { pin: true }))
  }
  expect(await pinned(ipfs)).toEqual(cids.map(String))
  const seen: string[] = []
  for await (const pin of ipfs.pins.ls()) {
    seen.push(pin.cid.toString())
    if (seen.length === 10) await drain(ipfs.pins.rm(cids[500]!))
  }
  expect(seen).toEqual(cids.filter((_, at) => at !== 500).map(String))
})

it('finds the pins again when the node is opened again', async () => {
  const first = await opened()
  const cid = await addFile(first.ipfs, 'a', { name: 'kept' })
  await first.ipfs.close()
  const { ipfs } = await opened({ path: first.path })
  expect(await ipfs.pins.get(cid)).toMatchObject({ metadata: { name: 'kept' } })
  expect((await ipfs.repo.gc()).removedBlocks).toBe(0)
})
