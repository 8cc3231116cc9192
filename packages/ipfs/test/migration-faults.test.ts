import { openBlocks } from '@ipfs-kit/blocks'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { DiskError } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { BlockStore } from '../src/block-store.ts'
import { findOldBlocks } from '../src/old-blocks.ts'
import { createOwner } from '@ipfs-kit/concurrency'
import {
  ended,
  failingReads,
  fileOf,
  leaves,
  nodeOver,
  oldDisk,
  opened,
  path,
  readAll,
  wrongWrites,
} from './old-disk.ts'

async function simulated(work: () => Promise<void>): Promise<void> {
  const { failed } = await simulate(work, { seeds: 20, maxFailures: 1 })
  expect(failed).toEqual([])
}

test('a read error that passes harms no block', () =>
  simulated(async () => {
    const all = leaves(60)
    const disk = await oldDisk(all)
    let reads = 0
    const home = await opened(disk, { oldFrom: failingReads(disk, () => ++reads % 20 === 7) })
    expect(await ended(home)).toMatchObject({ state: 'done', blocks: 60, damaged: 0, left: 0 })
    await readAll(home.blocks, all)
    await home.blocks.close()
  }))

test('a file that cannot be read stays, is told, stops the collection, and moves at the next opening', () =>
  simulated(async () => {
    const all = leaves(60)
    const root = nodeOver(all)
    const disk = await oldDisk([root, ...all])
    const lost = all[7]!
    const pins = () => [{ cid: root.cid, depth: Infinity, metadata: {} }]
    const oldFrom = failingReads(disk, (file) => file === fileOf(lost.cid))
    const home = await opened(disk, { oldFrom, pins })
    expect(await ended(home)).toMatchObject({
      state: 'stopped',
      blocks: 60,
      ofBlocks: 61,
      damaged: 0,
      left: 1,
      error: { code: 'IPFS_STORE_FAILED', message: expect.stringContaining(fileOf(lost.cid)) },
    })
    await expect(home.blocks.collect()).rejects.toMatchObject({ code: 'IPFS_NOT_MIGRATED' })
    await using owner = createOwner()
    const store = new BlockStore({ packs: home.blocks, maxBlockBytes: 1_000_000, scope: owner.scope })
    await expect(store.get(lost.cid)).rejects.toMatchObject({ code: 'IPFS_STORE_FAILED' })
    await expect(home.blocks.explain(lost.cid)).resolves.toMatchObject({ state: 'kept', synced: false })
    expect(await disk.stat(fileOf(lost.cid))).toBeDefined()
    expect(await home.blocks.has(root.cid)).toBe(true)
    await home.blocks.close()

    const again = await opened(disk, { pins })
    expect(await ended(again)).toMatchObject({ state: 'done', blocks: 1, left: 0 })
    expect(await again.blocks.collect()).toMatchObject({ removedBlocks: 0, keptBlocks: 61 })
    await readAll(again.blocks, [lost])
    await again.blocks.close()
    expect(await findOldBlocks(disk, path)).toBeUndefined()
  }))

test('a file that does not match is read twice, then set aside; a get of it says that it is corrupt', () =>
  simulated(async () => {
    const all = leaves(30)
    const [wrong, flipped] = all
    const disk = await oldDisk(all)
    const file = await disk.open(fileOf(wrong!.cid), 'write')
    await file.write([Buffer.from('X')], 3)
    await file.close()
    let isFirst = true
    const lying = {
      ...disk,
      open: async (name: string, mode: 'read') => {
        const handle = await disk.open(name, mode)
        if (name !== fileOf(flipped!.cid)) return handle
        const read = async (into: Uint8Array, position: number): Promise<number> => {
          const bytes = await handle.read(into, position)
          if (isFirst) into[0]! ^= 1
          isFirst = false
          return bytes
        }
        return { ...handle, size: () => handle.size(), close: () => handle.close(), read }
      },
    } as typeof disk
    const home = await opened(disk, { oldFrom: lying })
    await using owner = createOwner()
    const store = new BlockStore({ packs: home.blocks, maxBlockBytes: 1_000_000, scope: owner.scope })
    await expect(store.get(wrong!.cid)).rejects.toMatchObject({ code: 'IPFS_BLOCK_CORRUPT' })
    expect(await home.blocks.has(wrong!.cid)).toBe(false)
    expect(await home.blocks.size(wrong!.cid)).toBeUndefined()
    expect(await ended(home)).toMatchObject({ state: 'done', blocks: 29, ofBlocks: 30, damaged: 1, left: 0 })
    await expect(store.get(wrong!.cid)).rejects.toMatchObject({ code: 'IPFS_BLOCK_CORRUPT' })
    expect(await home.blocks.explain(wrong!.cid)).toMatchObject({ state: 'damaged' })
    await readAll(home.blocks, [flipped!])
    expect((await disk.list(`${path}/damaged`)).map(({ name }) => name)).toEqual([
      fileOf(wrong!.cid).split('/').at(-1),
    ])
    // Put again it is whole.
    await home.blocks.put(wrong!.cid, wrong!.bytes)
    await readAll(store, [wrong!])
    expect(await home.blocks.explain(wrong!.cid)).toMatchObject({ state: 'cache' })
    await home.blocks.close()
  }))

test('what was written wrong to a pack keeps its file, is told, and moves at the next opening', () =>
  simulated(async () => {
    const all = leaves(60)
    const disk = await oldDisk(all)
    const wrong = all[7]!
    const home = await opened(wrongWrites(disk, wrong.bytes), { oldFrom: disk })
    expect(await ended(home)).toMatchObject({
      state: 'stopped',
      error: { code: 'IPFS_STORE_FAILED', message: expect.stringContaining(`${wrong.cid}`) },
    })
    expect(await disk.stat(fileOf(wrong.cid))).toMatchObject({ kind: 'file', size: wrong.bytes.length })
    await readAll(home.blocks, all)
    await home.blocks.close()
    const again = await opened(disk)
    expect(await ended(again)).toMatchObject({ state: 'done', damaged: 0, left: 0 })
    await readAll(again.packs, all)
    await again.blocks.close()
  }))

test('files that cannot be removed, and a shard that cannot be listed, stop nothing behind them', () =>
  simulated(async () => {
    const all = leaves(80)
    const shardOf = (file: string): string => file.slice(0, file.lastIndexOf('/'))
    const [fixed, hidden] = all.map(({ cid }) => shardOf(fileOf(cid)))
    const stuck = all.filter(({ cid }) => shardOf(fileOf(cid)) === fixed)
    const unseen = all.filter(({ cid }) => shardOf(fileOf(cid)) === hidden)
    const disk = await oldDisk(all)
    const denied = (doing: string): never => {
      throw new DiskError('DISK_DENIED', `Cannot ${doing} (EACCES)`, { systemCode: 'EACCES' })
    }
    const guarded = {
      ...disk,
      unlink: async (name: string) => (shardOf(name) === fixed ? denied('unlink') : disk.unlink(name)),
      list: async (name: string) => (name === hidden ? denied('list') : disk.list(name)),
    } as typeof disk
    const home = await opened(disk, { oldFrom: guarded })
    expect(await ended(home)).toMatchObject({
      state: 'stopped',
      blocks: all.length - stuck.length - unseen.length,
      left: stuck.length + 1,
      error: { code: 'IPFS_STORE_FAILED', message: expect.stringContaining('EACCES') },
    })
    await readAll(home.blocks, all)
    await home.blocks.close()
    const again = await opened(disk)
    expect(await ended(again)).toMatchObject({ state: 'done', left: 0 })
    await again.blocks.close()
    const packs = await openBlocks({ path, disk })
    expect(packs.stats()).toMatchObject({ entries: all.length, keptEntries: all.length })
    await packs.close()
  }))

test('a file under the name `damaged` keeps the damaged one where it is, and the rest moves', () =>
  simulated(async () => {
    const all = leaves(30)
    const disk = await oldDisk(all)
    const wrong = await disk.open(fileOf(all[3]!.cid), 'write')
    await wrong.truncate(5)
    await wrong.close()
    await (await disk.open(`${path}/damaged`, 'create')).close()
    const home = await opened(disk)
    expect(await ended(home)).toMatchObject({ state: 'stopped', blocks: 29, damaged: 0, left: 1 })
    expect(await disk.stat(fileOf(all[3]!.cid))).toMatchObject({ kind: 'file', size: 5 })
    await disk.unlink(`${path}/damaged`)
    await home.blocks.close()
    const again = await opened(disk)
    expect(await ended(again)).toMatchObject({ state: 'done', damaged: 1, left: 0 })
    await again.blocks.close()
  }))
