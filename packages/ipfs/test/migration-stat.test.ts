import { createOwner, sleep } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { BlockStore } from '../src/block-store.ts'
import { Calls } from '../src/calls.ts'
import type { Repo } from '../src/ipfs.ts'
import type { PinRecords } from '../src/pins.ts'
import { createRepo } from '../src/repo.ts'
import { ended, fileOf, leaves, oldDisk, opened, type Opened } from './old-disk.ts'

async function simulated(work: () => Promise<void>): Promise<void> {
  const { failed } = await simulate(work, { seeds: 10, maxFailures: 1 })
  expect(failed).toEqual([])
}

async function counted(home: Opened, work: (repo: Repo) => Promise<void>): Promise<void> {
  await using owner = createOwner()
  const blocks = new BlockStore({ packs: home.blocks, maxBlockBytes: 1_000_000, scope: owner.scope })
  const records = { count: () => 0 } as unknown as PinRecords
  const calls = new Calls()
  await work(createRepo({ records, blocks, calls, owner, migration: home.migration }))
  await calls.close()
  await home.blocks.close()
}

test('kept and cache bytes add up while blocks are put and moved', () =>
  simulated(async () => {
    const all = leaves(80)
    const fresh = leaves(40, 200, 'fresh')
    const bytes = all.reduce((sum, block) => sum + block.bytes.length, 0)
    const disk = await oldDisk(all)
    disk.setFaults({ latencyMs: 2 })
    const home = await opened(disk, { batchBlocks: 8 })
    await counted(home, async (repo) => {
      let puts = 0
      const putting = (async () => {
        for (const block of fresh) {
          await home.blocks.put(block.cid, block.bytes)
          puts += 1
        }
      })()
      // In files and in the cache: it is counted once, as what is to be kept.
      await home.blocks.put(all.at(-1)!.cid, all.at(-1)!.bytes)
      while (home.migration.progress().state === 'running') {
        const before = puts
        const stat = await repo.stat()
        expect(stat.keptBytes).toBe(bytes)
        expect(stat.bytes).toBe(stat.keptBytes + stat.cacheBytes)
        expect(stat.blocks).toBeGreaterThanOrEqual(80 + before)
        await sleep(5)
      }
      await putting
      expect(await repo.stat()).toMatchObject({ blocks: 120, keptBytes: bytes })
    })
  }))

test('calls at once share a walk, and one that comes while it goes shares the next', () =>
  simulated(async () => {
    const all = leaves(40)
    const disk = await oldDisk(all)
    disk.setFaults({ latencyMs: 2 })
    let walks = 0
    const home = await opened(disk, { bytesPerSecond: 1000 })
    const list = home.blocks.list.bind(home.blocks)
    home.blocks.list = (options) => {
      walks += 1
      return list(options)
    }
    await counted(home, async (repo) => {
      const first = Array.from({ length: 8 }, () => repo.stat())
      await first[0]
      expect(walks).toBe(1)
      const added = leaves(1, 200, 'added')[0]!
      const second = repo.stat()
      await home.blocks.put(added.cid, added.bytes)
      const more = Array.from({ length: 8 }, () => repo.stat())
      expect((await more[7])!.blocks).toBe(41)
      await Promise.all([second, ...first, ...more])
      expect(walks).toBeLessThanOrEqual(3)
      const leaving = new AbortController()
      const left = repo.stat({ signal: leaving.signal })
      const stays = repo.stat()
      leaving.abort(new Error('left'))
      await expect(left).rejects.toThrow('left')
      expect((await stays).blocks).toBe(41)
    })
  }))

test('a walk that fails tells its callers, and nobody when they have left', () =>
  simulated(async () => {
    const [block, ...others] = leaves(5)
    const disk = await oldDisk(others)
    const home = await opened(disk, { bytesPerSecond: 1000 })
    home.blocks.list = async function* () {
      await sleep(10)
      yield { cid: block!.cid, size: 1, stream: 'kept' }
      throw new Error('It cannot be listed')
    }
    await counted(home, async (repo) => {
      await expect(repo.stat()).rejects.toThrow('It cannot be listed')
      const leaving = new AbortController()
      const left = repo.stat({ signal: leaving.signal })
      leaving.abort(new Error('left'))
      await expect(left).rejects.toThrow('left')
      await sleep(50)
      await expect(repo.stat()).rejects.toThrow('It cannot be listed')
    })
  }))

test('a damaged file counts until it was read, and not from then on', () =>
  simulated(async () => {
    const all = leaves(20)
    const disk = await oldDisk(all)
    const file = await disk.open(fileOf(all[0]!.cid), 'write')
    await file.write([Buffer.from('X')], 0)
    await file.close()
    const home = await opened(disk, { bytesPerSecond: 1000 })
    await counted(home, async (repo) => {
      expect((await repo.stat()).blocks).toBe(20)
      expect(await home.blocks.get(all[0]!.cid)).toBeUndefined()
      expect((await repo.stat()).blocks).toBe(19)
      expect(await home.blocks.explain(all[0]!.cid)).toMatchObject({ state: 'damaged' })
    })
  }))

test('when all has moved the counts that are kept answer', () =>
  simulated(async () => {
    const all = leaves(20)
    const home = await opened(await oldDisk(all))
    await ended(home)
    await counted(home, async (repo) => {
      home.blocks.list = () => {
        throw new Error('It walks')
      }
      expect((await repo.stat()).blocks).toBe(20)
    })
  }))
