import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Blocks } from '@ipfs-kit/blocks'
import type { Kit } from '@ipfs-kit/kit'
import { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import { collect } from './collect.ts'
import { addFile, openTemporaryKit } from './open-kit.ts'

const mebibyte = 1_048_576

async function read(kit: Kit, cid: string): Promise<Buffer> {
  return Buffer.concat(await collect((await kit.call('files.cat', { cid })).body))
}

async function memoryOf(kit: Kit) {
  const { tiers } = await kit.call('cache.stats', {})
  return tiers.find(({ tier }) => tier === 'memory')!
}

test('what is read again is read from memory from then on', async () => {
  const kit = await openTemporaryKit()
  const content = randomBytes(5 * mebibyte)
  const cid = await addFile(kit, 'file', content)
  expect((await memoryOf(kit)).usage).toEqual({ entries: 0, bytes: 0, maxBytes: 67_108_864 })
  expect((await read(kit, cid)).equals(content)).toBe(true)
  // What is read once takes no room.
  expect((await memoryOf(kit)).usage?.bytes).toBeLessThan(1000)
  expect((await read(kit, cid)).equals(content)).toBe(true)
  const first = await memoryOf(kit)
  expect(first.usage?.bytes).toBeGreaterThanOrEqual(content.length)
  const { blocksRead } = await kit.call('store.stat', {})
  expect((await read(kit, cid)).equals(content)).toBe(true)
  expect((await memoryOf(kit)).hits).toBeGreaterThanOrEqual(first.hits + 5)
  expect((await kit.call('store.stat', {})).blocksRead).toBe(blocksRead)
})

test('who changes the bytes that were read changes them for nobody else', async () => {
  const kit = await openTemporaryKit()
  const cid = await addFile(kit, 'file', 'hello')
  for (let time = 0; time < 3; time += 1) {
    const bytes = await kit.ipfs.blocks.get(cid)
    expect(Buffer.from(bytes).toString()).toBe('hello')
    bytes.fill(0)
    const { body } = await kit.ipfs.files.cat(cid)
    for await (const chunk of body) {
      expect(Buffer.from(chunk).toString()).toBe('hello')
      chunk.fill(0)
    }
  }
})

test('readers are read ahead of, along the links of the DAG, and what that came to is counted', async () => {
  const kit = await openTemporaryKit({ config: { cache: { memoryBytes: 0 } } })
  const cid = await addFile(kit, 'file', randomBytes(20 * mebibyte))
  await read(kit, cid)
  const { prefetch, tiers } = await kit.call('cache.stats', {})
  expect(tiers.map(({ tier }) => tier)).toEqual(['blocks'])
  expect(prefetch).toMatchObject({
    readers: 0,
    addedBytes: 0,
    runningBytes: 0,
    waitingBytes: 0,
    maxBytes: 8 * mebibyte,
  })
  expect(prefetch!.bySource.links.started).toBeGreaterThan(10)
  expect(prefetch!.precision).toBe(1)
})

test('explain tells that a block is in memory since it was read', async () => {
  const kit = await openTemporaryKit()
  const cid = await kit.call('block.put', {}, { body: Buffer.from('block') })
  const before = await kit.call('cache.explain', { key: cid.cid })
  expect(before.tiers.map(({ state }) => state)).toEqual(['absent', 'present'])
  for (let time = 0; time < 2; time += 1) await kit.ipfs.blocks.get(cid.cid)
  const after = await kit.call('cache.explain', { key: cid.cid })
  expect(after.tiers).toMatchObject([
    { tier: 'memory', state: 'present', reason: 'promoted', size: 5 },
    { tier: 'blocks', state: 'present', size: 5 },
  ])
  await expect(kit.call('cache.explain', { key: 'no CID' })).rejects.toMatchObject({
    code: 'STORAGE_INVALID_KEY',
  })
})

test('a file is brought to memory, moved out of it, and cleared', async () => {
  const kit = await openTemporaryKit()
  const content = randomBytes(3 * mebibyte)
  const cid = await addFile(kit, 'file', content)
  const report = await kit.call('cache.prefetch', { key: cid })
  expect(report).toMatchObject({ missing: 0, failed: 0, isComplete: true })
  expect((await memoryOf(kit)).usage).toMatchObject({ entries: report.values, bytes: report.bytes })
  const moved = await kit.call('cache.move', { key: cid, to: 'blocks' })
  expect(moved).toMatchObject({ wasThere: true, left: ['memory'], stays: [] })
  expect((await memoryOf(kit)).usage?.entries).toBe(report.values - 1)
  expect(await kit.call('cache.clear', {})).toMatchObject({ tiers: [{ entries: report.values - 1 }] })
  expect((await memoryOf(kit)).usage?.entries).toBe(0)
  await expect(kit.call('cache.clear', { tier: 'blocks' })).rejects.toMatchObject({
    code: 'CACHE_TIER_KEEPS',
  })
  expect((await read(kit, cid)).equals(content)).toBe(true)
})

test('what a collection or a deletion removes is not read from memory any more', async () => {
  const kit = await openTemporaryKit()
  const { cid: garbage } = await kit.call('block.put', {}, { body: Buffer.from('garbage') })
  const { cid: deleted } = await kit.call('block.put', { pin: false }, { body: Buffer.from('deleted') })
  for (const cid of [garbage, deleted, garbage, deleted]) await kit.ipfs.blocks.get(cid)
  expect((await memoryOf(kit)).usage?.entries).toBe(2)
  const { blockstore } = kit.ipfs
  for await (const { cid } of blockstore.getAll()) {
    if (Buffer.from(await kit.ipfs.blocks.get(cid)).toString() === 'deleted') await blockstore.delete(cid)
  }
  await expect(kit.ipfs.blocks.get(deleted)).rejects.toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
  await kit.call('repo.gc', {})
  await expect(kit.ipfs.blocks.get(garbage)).rejects.toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
})

test('what memory has of blocks that the packs have let go is there, with its size', async () => {
  const kit = await openTemporaryKit()
  const { cid } = await kit.call('block.put', { pin: false }, { body: Buffer.from('evicted') })
  for (let time = 0; time < 2; time += 1) await kit.ipfs.blocks.get(cid)
  const packs = kit.ipfs.store as Blocks
  expect(await packs.delete(CID.parse(cid))).toBe(true)
  expect(await kit.ipfs.blockstore.has(CID.parse(cid))).toBe(true)
  expect(await kit.ipfs.blocks.stat(cid)).toMatchObject({ size: 7 })
  await kit.call('cache.clear', {})
  expect(await kit.ipfs.blockstore.has(CID.parse(cid))).toBe(false)
})

test('a read that runs while its block is deleted does not bring it back', async () => {
  const kit = await openTemporaryKit()
  const { cid } = await kit.call('block.put', { pin: false }, { body: Buffer.from('deleted') })
  await kit.ipfs.blocks.get(cid)
  const reading = kit.ipfs.blocks.get(cid)
  await kit.ipfs.blockstore.delete(CID.parse(cid))
  expect(Buffer.from(await reading).toString()).toBe('deleted')
  await expect(kit.ipfs.blocks.get(cid)).rejects.toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
})

test('a damaged block is told as such, by the error that the packs give', async () => {
  const kit = await openTemporaryKit()
  const content = randomBytes(100)
  const cid = await addFile(kit, 'file', content)
  const folder = join(kit.home.path, 'blocks')
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const bytes = await readFile(path).catch(() => undefined)
    const at = bytes?.indexOf(content) ?? -1
    if (at === -1) continue
    bytes![at]! ^= 1
    await writeFile(path, bytes!)
  }
  await expect(read(kit, cid)).rejects.toMatchObject({ code: 'IPFS_BLOCK_CORRUPT' })
  expect(await memoryOf(kit)).toMatchObject({ breaker: 'closed' })
})

test('the cache goes with the node, and comes back empty', async () => {
  const kit = await openTemporaryKit()
  const cid = await addFile(kit, 'file', 'hello')
  for (let time = 0; time < 2; time += 1) await read(kit, cid)
  expect((await memoryOf(kit)).usage?.entries).toBe(1)
  await kit.call('node.restart', { part: 'ipfs' })
  expect((await memoryOf(kit)).usage?.entries).toBe(0)
  expect((await read(kit, cid)).toString()).toBe('hello')
})
