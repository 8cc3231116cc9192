import { now, sleep } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { findOldBlocks } from '../src/old-blocks.ts'
import { ended, leaves, oldDisk, opened, path } from './old-disk.ts'

async function simulated(work: () => Promise<void>, seeds = 10): Promise<void> {
  const { failed } = await simulate(work, { seeds, maxFailures: 1 })
  expect(failed).toEqual([])
}

test('short lives that are closed end their batch, so that each brings it forward', () =>
  simulated(async () => {
    const all = leaves(120)
    const disk = await oldDisk(all)
    disk.setFaults({ latencyMs: 4 })
    let lives = 0
    let before = 0
    while ((await findOldBlocks(disk, path)) !== undefined) {
      lives += 1
      // What is slow here is the disk: one file in some 10 ms.
      const home = await opened(disk, { bytesPerSecond: 500_000 })
      await sleep(100)
      await home.blocks.close()
      const { state, blocks, copied } = home.migration.progress()
      expect(copied).toBe(blocks)
      if (state !== 'done') expect(blocks).toBeGreaterThan(0)
      before += blocks
    }
    expect(before).toBe(all.length)
    expect(lives).toBeGreaterThan(2)
  }))

test('a life that is killed keeps the batches of the time before; progress tells what is copied', () =>
  simulated(async () => {
    const all = leaves(300)
    const disk = await oldDisk(all)
    const slow = await opened(disk, { bytesPerSecond: 500_000, batchMs: 200 })
    await sleep(100)
    const during = slow.migration.progress()
    expect(during).toMatchObject({ state: 'running', blocks: 0 })
    expect(during.copied).toBeGreaterThan(0)
    await sleep(800)
    const { blocks } = slow.migration.progress()
    expect(blocks).toBeGreaterThan(0)
    const next = disk.kill()
    await slow.blocks.close().catch(() => {})
    const again = await opened(next)
    expect(await ended(again)).toMatchObject({ state: 'done' })
    expect(again.migration.progress().blocks).toBeLessThanOrEqual(all.length - blocks)
    await again.blocks.close()
  }))

test('closing waits no longer than it may for a batch that does not end', () =>
  simulated(async () => {
    const all = leaves(50)
    const disk = await oldDisk(all)
    // A file takes ten seconds: eight of them are on their way.
    const home = await opened(disk, { bytesPerSecond: 400, closeMs: 3000 })
    await sleep(100)
    const from = now()
    await home.blocks.close()
    expect(now() - from).toBeLessThan(3500)
    expect(home.migration.progress().state).toBe('stopped')
    const again = await opened(disk)
    expect(await ended(again)).toMatchObject({ state: 'done', blocks: 50 })
    await again.blocks.close()
  }))

test('a delete waits for no batch of other blocks, and the count comes out even', () =>
  simulated(async () => {
    const all = leaves(200)
    const disk = await oldDisk(all)
    const home = await opened(disk, { bytesPerSecond: 500_000, batchMs: 60_000 })
    await sleep(100)
    const order = all.toSorted((a, b) => (a.cid.toString() < b.cid.toString() ? 1 : -1))
    let gone = 0
    for (const { cid } of order) {
      if (gone === 10) break
      // On its way already: in a pack.
      if (await home.packs.has(cid)) continue
      expect(await home.blocks.delete(cid)).toBe(true)
      expect(home.migration.progress().blocks).toBe(0)
      gone += 1
    }
    expect(gone).toBe(10)
    expect(home.migration.progress()).toMatchObject({ state: 'running', ofBlocks: 190 })
    const progress = await ended(home)
    expect(progress).toMatchObject({ state: 'done', blocks: 190, ofBlocks: 190 })
    await home.blocks.close()
  }))
