import { MemoryBlockstore } from 'blockstore-core/memory'
import { recursive } from 'ipfs-unixfs-exporter'
import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { expect, it } from 'vitest'
import { readBack } from './cars.ts'
import { absent, putNode } from './nodes.ts'
import { added, addFile, bytesOf, concat, opened, pattern, rejection } from './opened.ts'

it('holds the root, then each block once, depth first', async () => {
  const { ipfs } = await opened()
  const { items, cid } = await added(
    ipfs,
    [
      { path: 'd/a', content: bytesOf('same') },
      { path: 'd/b/c', content: pattern(100) },
      { path: 'd/b/same-as-a', content: bytesOf('same') },
      { path: 'd/z', content: bytesOf('z') },
    ],
    { chunkBytes: 50 },
  )
  const of = (path: string) => String(items.find((item) => item.path === path)?.cid)
  const { roots, blocks } = await readBack(await concat(await ipfs.car.export(cid.toString())))
  expect(roots).toEqual([cid.toString()])
  const { Links } = (await ipfs.dag.get(of('d/b/c'))).value as { Links: { Hash: CID }[] }
  const [leaf1, leaf2] = Links.map((link) => link.Hash.toString())
  expect(blocks.map((block) => block.cid.toString())).toEqual([
    of('d'),
    of('d/a'),
    of('d/b'),
    of('d/b/c'),
    leaf1,
    leaf2,
    of('d/z'),
  ])
  for (const { cid: block, bytes } of blocks) expect(await ipfs.blocks.get(block)).toEqual(Buffer.from(bytes))
})

it("is read by the ecosystem's reader and exporter into the same files", async () => {
  const { ipfs } = await opened()
  const { cid } = await added(
    ipfs,
    [
      { path: 'd/a', content: pattern(300_000) },
      { path: 'd/sub/b', content: bytesOf('b') },
    ],
    { profile: 'unixfs-v0-2015' },
  )
  const { roots, blocks } = await readBack(await concat(await ipfs.car.export(cid.toString())))
  expect(roots).toEqual([cid.toString()])
  const store = new MemoryBlockstore()
  for (const block of blocks) await store.put(block.cid, block.bytes)
  const paths: string[] = []
  for await (const entry of recursive(cid, store)) paths.push(entry.path)
  expect(paths).toEqual([cid, `${cid}/a`, `${cid}/sub`, `${cid}/sub/b`].map(String))
})

it('of a path has the block at its end as root', async () => {
  const { ipfs } = await opened()
  const { items, cid } = await added(ipfs, [{ path: 'd/a', content: bytesOf('a') }])
  const { roots, blocks } = await readBack(await concat(await ipfs.car.export(`/ipfs/${cid}/a`)))
  expect(roots).toEqual([items[0]?.cid.toString()])
  expect(blocks).toHaveLength(1)
})

it('leaves out inline blocks and follows their links', async () => {
  const { ipfs } = await opened()
  const leaf = await ipfs.blocks.put(bytesOf('leaf'))
  const inner = await ipfs.blocks.get(await ipfs.dag.put({ leaf }))
  const cid = await ipfs.dag.put({ inline: CID.createV1(0x71, identity.digest(inner)) })
  const { blocks } = await readBack(await concat(await ipfs.car.export(cid.toString())))
  expect(blocks.map((block) => block.cid.toString())).toEqual([cid.toString(), leaf.toString()])
})

it('is refused at once for content that is not here, and in the middle for a hole', async () => {
  const { ipfs } = await opened()
  expect(await rejection(ipfs.car.export(absent.toString()))).toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
  const cid = await putNode(ipfs, { type: 'directory', links: [{ cid: absent, name: 'a' }] })
  const archive = await ipfs.car.export(cid.toString())
  expect(await rejection(concat(archive))).toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
})

it('of a node with 130,000 links is written', async () => {
  const { ipfs } = await opened({ maxBlockBytes: 16_777_216 })
  const leaf = await ipfs.blocks.put(bytesOf('leaf'))
  const cid = await ipfs.dag.put(Array.from({ length: 130_000 }, () => leaf))
  const { blocks } = await readBack(await concat(await ipfs.car.export(cid.toString())))
  expect(blocks).toHaveLength(2)
})

it('stops when its reader leaves or aborts', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, pattern(1000), { chunkBytes: 10 })
  const abort = new AbortController()
  for await (const _ of await ipfs.car.export(cid.toString())) break
  expect(ipfs.stats().openLeases).toBe(0)
  const reading = async () => {
    for await (const _ of await ipfs.car.export(cid.toString(), { signal: abort.signal }))
      abort.abort('enough')
  }
  expect(await rejection(reading())).toBe('enough')
  expect(ipfs.stats().openLeases).toBe(0)
})
