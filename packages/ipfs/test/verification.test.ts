import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import { cidOf } from './nodes.ts'
import { addFile, concat, drain, opened, pattern, read, rejection } from './opened.ts'
import { copiesOf, damage, packNames } from './packs.ts'

const content = pattern(10_000)

describe.each<[what: string, change: (bytes: Buffer) => void]>([
  ['overwritten with as many other bytes', (bytes) => bytes.set(pattern(10_000, 99))],
  ['with one bit turned', (bytes) => (bytes[5000]! ^= 1)],
  ['zeroed', (bytes) => bytes.fill(0)],
  ['zeroed from the middle on', (bytes) => bytes.fill(0, 5000)],
])('a block %s', (_what, change) => {
  it('is served by no call', async () => {
    const { ipfs, path } = await opened()
    const cid = await addFile(ipfs, content)
    await damage(path, cid, change)
    const name = cid.toString()
    for (const call of [
      () => read(ipfs, name),
      () => ipfs.files.stat(name),
      async () => concat(await ipfs.files.tar(name)),
      async () => concat(await ipfs.car.export(name)),
      () => ipfs.dag.get(name),
      () => ipfs.blocks.get(name),
      () => concat(ipfs.blockstore.get(cid) as AsyncIterable<Uint8Array>),
    ]) {
      expect(await rejection(Promise.resolve(call()))).toMatchObject({
        code: 'IPFS_BLOCK_CORRUPT',
        kind: 'integrity',
      })
    }
    // It is told once, and known from then on.
    expect(ipfs.stats().corruptReads).toBe(1)
    expect(await ipfs.blockstore.has(cid)).toBe(false)
  })

  it('is healed by adding, importing or putting the same content again', async () => {
    const { ipfs, path } = await opened()
    const { ipfs: other } = await opened()
    const cid = await addFile(ipfs, content)
    await addFile(other, content)
    for (const heal of [
      () => addFile(ipfs, content),
      async () => ipfs.car.import(await other.car.export(cid.toString())),
      () => ipfs.blocks.put(content),
      () => ipfs.blockstore.put(cid, content),
    ]) {
      await damage(path, cid, change)
      expect(await rejection(read(ipfs, cid))).toMatchObject({ code: 'IPFS_BLOCK_CORRUPT' })
      await heal()
      expect(await read(ipfs, cid)).toEqual(Buffer.from(content))
    }
  })
})

it('does not let an add that fails take away the block that it healed', async () => {
  const { ipfs, path } = await opened()
  const cid = await addFile(ipfs, content)
  await damage(path, cid, (bytes) => bytes.fill(0))
  const entries = async function* () {
    yield { path: 'a', content }
    throw new Error('lost')
  }
  await rejection(drain(ipfs.files.add(entries())))
  expect(await read(ipfs, cid)).toEqual(Buffer.from(content))
})

it('cuts off what an earlier process left half written when it opens', async () => {
  const first = await opened()
  const cid = await addFile(first.ipfs, content)
  await first.ipfs.close()
  const [pack = ''] = await packNames(first.path)
  await appendFile(join(first.path, 'blocks', pack), pattern(5000, 3))
  const { ipfs } = await opened({ path: first.path })
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 1, bytes: 10_000, pins: 1 })
  expect(await read(ipfs, cid)).toEqual(Buffer.from(content))
  const more = await addFile(ipfs, pattern(100, 4))
  await ipfs.close()
  const again = await opened({ path: first.path })
  expect(await read(again.ipfs, more)).toEqual(Buffer.from(pattern(100, 4)))
  expect((await again.ipfs.repo.stat()).blocks).toBe(2)
})

it('stores one copy of 200 puts of the same block at once', async () => {
  const { ipfs, path } = await opened()
  const cids = await Promise.all(Array.from({ length: 200 }, () => ipfs.blocks.put(content)))
  expect(new Set(cids.map(String)).size).toBe(1)
  expect(ipfs.stats().blocksWritten).toBe(1)
  expect(await copiesOf(path, cids[0]!)).toMatchObject([{ size: 10_000 }])
  expect(await ipfs.blocks.get(cids[0]!)).toEqual(Buffer.from(content))
  expect(ipfs.stats().openLeases).toBe(0)
})

it('refuses bytes that do not match the CID given with them, and keeps the good ones', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, content)
  const other = cidOf(pattern(5))
  for (const target of [cid, other]) {
    expect(await rejection(Promise.resolve(ipfs.blockstore.put(target, pattern(10_000, 2))))).toMatchObject({
      code: 'IPFS_BLOCK_MISMATCH',
      kind: 'corrupt-input',
    })
  }
  expect(await read(ipfs, cid)).toEqual(Buffer.from(content))
  expect(await ipfs.blockstore.has(other)).toBe(false)
})

it('refuses a hash that it cannot verify', async () => {
  const { ipfs } = await opened()
  const digest = new Uint8Array([0x1e, 32, ...new Uint8Array(32)])
  const blake3 = CID.decode(new Uint8Array([1, 0x55, ...digest]))
  expect(await rejection(Promise.resolve(ipfs.blockstore.put(blake3, content)))).toMatchObject({
    code: 'IPFS_UNKNOWN_HASH',
  })
  expect(await rejection(ipfs.blocks.get(blake3))).toMatchObject({ code: 'IPFS_UNKNOWN_HASH' })
})
