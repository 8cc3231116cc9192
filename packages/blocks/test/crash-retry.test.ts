/**
 * Content that was put, or flushed in vain, by a process that died, and that the next one finds and claims: what was only in
 * the memory of the system must not be vouched for.
 */
import { checkpoint } from '@ipfs-kit/concurrency'
import { type Disk, type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { soak } from './crash/amount.ts'
import { type Block, numbered } from './crash/made-blocks.ts'
import { folder, openOn } from './crash/open-store.ts'

const seeds = Array.from({ length: 25 * soak }, (_, seed) => seed)
const room = { maxBytes: 4_194_304 }

/** How the first process ends. */
interface End {
  /** Blocks of 3,000 bytes: of 10 the pack is open, of 90 there are sealed ones. */
  readonly blocks: number
  readonly how: 'kill' | 'crash'
  /** Whether a flush fails before. */
  readonly failing?: 'sync' | 'syncFolder'
}

const ends: readonly (readonly [string, End])[] = [
  ['was put and not flushed, in an open pack, when the process was killed', { blocks: 10, how: 'kill' }],
  ['was put and not flushed, in sealed packs, when the process was killed', { blocks: 90, how: 'kill' }],
  ['was put and not flushed, in sealed packs, when the power was lost', { blocks: 90, how: 'crash' }],
  ['was flushed in vain, in an open pack', { blocks: 10, how: 'kill', failing: 'sync' }],
  ['was flushed in vain, in sealed packs', { blocks: 90, how: 'kill', failing: 'sync' }],
  ['was flushed in vain, the names of its packs', { blocks: 90, how: 'kill', failing: 'syncFolder' }],
]

/** The death of a process, and that its store ends with it. */
async function die(disk: SimDisk, store: Blocks, how: 'kill' | 'crash'): Promise<SimDisk> {
  const next = disk[how]()
  await store.close().catch((error: unknown) => expect(error).toMatchObject({ name: 'BlocksError' }))
  return next
}

/** Finds blocks and makes them durable, as an add does that is tried again. Those that were there. */
async function claim(store: Blocks, blocks: readonly Block[]): Promise<Block[]> {
  using lease = store.lease()
  const there: Block[] = []
  for (const block of blocks) if (await lease.hold(block.cid)) there.push(block)
  await lease.flush()
  return there
}

async function expectWhole(disk: Disk, blocks: readonly Block[], seed: number): Promise<void> {
  await using store = await openOn(disk, room)
  for (const { cid, bytes } of blocks) {
    const found = await store.get(cid)
    if (found === undefined || Buffer.compare(found, bytes) !== 0)
      throw new Error(`seed ${seed}: ${cid} is lost`)
  }
}

for (const [what, { blocks: count, how, failing }] of ends) {
  test(`what ${what}, is there after a power loss once the next process has flushed it`, async () => {
    let claimed = 0
    for (const seed of seeds) {
      let disk = simDisk({ seed })
      let store = await openOn(disk, room)
      const blocks = Array.from({ length: count }, (_, at) => numbered(1 + at, 3000))
      const lease = store.lease()
      if (failing === undefined) {
        // The name of the first pack is durable.
        const first = numbered(999, 10)
        await lease.put(first.cid, first.bytes)
        await lease.flush()
      }
      for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
      if (failing !== undefined) {
        disk.failAt(failing, 1)
        await expect(lease.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
      }
      // Packs that are full get their footers.
      for (let turn = 0; turn < 30; turn += 1) await checkpoint()
      disk = await die(disk, store, how)
      store = await openOn(disk, room)
      const there = await claim(store, blocks)
      claimed += there.length
      disk = await die(disk, store, 'crash')
      await expectWhole(disk, there, seed)
    }
    expect(claimed).toBeGreaterThan(seeds.length)
  })
}

test('packs whose names a process has not synced before it died in closing are there after a power loss', async () => {
  for (const seed of seeds) {
    let disk = simDisk({ seed })
    // It dies when all packs have their footers, and the folder is all that is left to be synced.
    let isClosing = false
    const dying: Disk = {
      ...disk,
      syncFolder: async (path) => {
        if (isClosing) disk.kill()
        await disk.syncFolder(path)
      },
    }
    let store = await openOn(dying, room)
    const blocks = Array.from({ length: 40 }, (_, at) => numbered(1 + at, 3000))
    const lease = store.lease()
    for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
    isClosing = true
    await expect(store.close()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
    disk = disk.kill()
    store = await openOn(disk, room)
    const there = await claim(store, blocks)
    expect(there.length).toBe(blocks.length)
    disk = await die(disk, store, 'crash')
    await expectWhole(disk, there, seed)
  }
})

test('a collection moves what is claimed out of cache packs for good before it drops these', async () => {
  for (const seed of seeds) {
    const disk = simDisk({ seed })
    const blocks = Array.from({ length: 40 }, (_, at) => numbered(1 + at, 3000))
    const first = await openOn(disk, room)
    for (const { cid, bytes } of blocks) await first.put(cid, bytes)
    await first.close()
    // Cache packs are not synced by the store, and after a while by the system.
    for (const { name } of await disk.list(folder)) {
      const file = await disk.open(`${folder}/${name}`, 'write')
      await file.sync()
      await file.close()
    }
    await disk.syncFolder(folder)
    const claimed = blocks.slice(0, 30)
    const store = await openOn(disk, { ...room, claimed })
    await store.collect()
    expect(store.stats()).toMatchObject({ cacheEntries: 0, keptEntries: claimed.length })
    await expectWhole(await die(disk, store, 'crash'), claimed, seed)
  }
})
