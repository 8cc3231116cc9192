import { mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import { cidOf } from './nodes.ts'
import {
  addFile,
  blockFile,
  blockFileNames,
  concat,
  drain,
  opened,
  pattern,
  read,
  rejection,
} from './opened.ts'

const content = pattern(10_000)

describe.each<[what: string, damage: (file: string) => Promise<void>]>([
  ['overwritten with as many other bytes', (file) => writeFile(file, pattern(10_000, 99))],
  [
    'with one bit turned',
    async (file) => {
      const bytes = await readFile(file)
      bytes[5000]! ^= 1
      await writeFile(file, bytes)
    },
  ],
  ['emptied', (file) => truncate(file, 0)],
  ['cut', (file) => truncate(file, 9_999)],
  ['grown', (file) => writeFile(file, Buffer.concat([content, Buffer.from('x')]))],
])('a block file %s', (_what, damage) => {
  it('is served by no call', async () => {
    const { ipfs, path } = await opened()
    const cid = await addFile(ipfs, content)
    await damage(blockFile(path, cid))
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
    expect(ipfs.stats().corruptReads).toBe(7)
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
      await damage(blockFile(path, cid))
      expect(await rejection(read(ipfs, cid))).toMatchObject({ code: 'IPFS_BLOCK_CORRUPT' })
      await heal()
      expect(await read(ipfs, cid)).toEqual(Buffer.from(content))
    }
  })
})

it('does not let an add that fails take away the block that it healed', async () => {
  const { ipfs, path } = await opened()
  const cid = await addFile(ipfs, content)
  await truncate(blockFile(path, cid), 0)
  const entries = async function* () {
    yield { path: 'a', content }
    throw new Error('lost')
  }
  await rejection(drain(ipfs.files.add(entries())))
  expect(await read(ipfs, cid)).toEqual(Buffer.from(content))
})

it('removes what an earlier process left half written when it opens', async () => {
  const first = await opened()
  const cid = await addFile(first.ipfs, content)
  await first.ipfs.close()
  const file = blockFile(first.path, cid)
  await writeFile(join(dirname(file), `.${'X'.repeat(20)}.data.tmp`), 'half')
  await mkdir(join(first.path, 'blocks', 'ZZ'), { recursive: true })
  await writeFile(join(first.path, 'blocks', 'ZZ', '.other.data.tmp'), '')
  const { ipfs } = await opened({ path: first.path })
  expect(await blockFileNames(first.path)).toHaveLength(1)
  expect(await ipfs.repo.stat()).toEqual({ blocks: 1, bytes: 10_000, pins: 1 })
})

it('makes one good file of 200 puts of the same block at once', async () => {
  const { ipfs, path } = await opened()
  const cids = await Promise.all(Array.from({ length: 200 }, () => ipfs.blocks.put(content)))
  expect(new Set(cids.map(String)).size).toBe(1)
  // Two writers of one block would write to the same temporary file.
  expect(ipfs.stats().blocksWritten).toBe(1)
  expect(await blockFileNames(path)).toHaveLength(1)
  expect((await stat(blockFile(path, cids[0]!))).size).toBe(10_000)
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
