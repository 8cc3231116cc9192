import { createEvent, sleep } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import type { Disk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { ended, fileOf, leaves, oldDisk, opened, readAll } from './old-disk.ts'

async function simulated(work: () => Promise<void>, seeds = 20): Promise<void> {
  const { failed } = await simulate(work, { seeds, maxFailures: 1 })
  expect(failed).toEqual([])
}

test('a lease for the cache holds a file where it is: nothing is copied, and neither a delete nor a collection takes it', () =>
  simulated(async () => {
    const all = leaves(400, 5000)
    const disk = await oldDisk(all)
    const home = await opened(disk, { maxBytes: 2 ** 20 })
    expect(await ended(home)).toMatchObject({ state: 'stopped', error: { code: 'IPFS_STORE_FULL' } })
    const files: typeof all = []
    for (const block of all) if (!(await home.packs.has(block.cid))) files.push(block)
    const held = files.slice(0, 5)
    const { blocksWritten } = home.packs.stats()
    const lease = home.blocks.lease({ name: 'export', stream: 'cache' })
    for (const { cid } of held) expect(await lease.hold(cid)).toBe(true)
    expect(home.packs.stats().blocksWritten).toBe(blocksWritten)
    expect(await home.blocks.delete(held[0]!.cid)).toBe(false)
    await home.blocks.collect()
    await readAll(home.blocks, held)
    expect(await home.blocks.has(files[7]!.cid)).toBe(false)
    expect(await lease.hold(files[7]!.cid)).toBe(false)
    // By now they have moved: what held a file holds what is in a pack.
    expect(home.migration.progress().state).toBe('done')
    expect(await home.blocks.delete(held[0]!.cid)).toBe(false)
    lease.close()
    expect(await home.blocks.delete(held[0]!.cid)).toBe(true)
    expect(await home.blocks.has(held[0]!.cid)).toBe(false)
    await home.blocks.close()
  }))

test('who wants to hold a file that is just going waits for that, and is told that it has gone', () =>
  simulated(async () => {
    const all = leaves(400, 5000)
    const disk = await oldDisk(all)
    let going = createEvent()
    let mayGo = createEvent()
    let held: string | undefined
    const slow: Disk = {
      ...disk,
      unlink: async (file) => {
        if (file === held) {
          going.set()
          await mayGo.wait()
        }
        return disk.unlink(file)
      },
    }
    const home = await opened(disk, { maxBytes: 2 ** 20, oldFrom: slow })
    expect(await ended(home)).toMatchObject({ state: 'stopped', error: { code: 'IPFS_STORE_FULL' } })
    const files: typeof all = []
    for (const block of all) if (!(await home.packs.has(block.cid))) files.push(block)
    using lease = home.blocks.lease({ name: 'export', stream: 'cache' })
    for (const [{ cid }, remove] of [
      [files[0]!, () => home.blocks.delete(files[0]!.cid)],
      [files[1]!, () => home.blocks.collect()],
    ] as const) {
      going = createEvent()
      mayGo = createEvent()
      held = fileOf(cid)
      const removing = remove()
      await going.wait()
      const holding = lease.hold(cid)
      await sleep(10)
      mayGo.set()
      expect(await holding).toBe(false)
      await removing
      expect(await home.blocks.has(cid)).toBe(false)
    }
    await home.blocks.close()
  }, 5))

test('what a reader holds while all moves stays until it lets go', () =>
  simulated(async () => {
    const all = leaves(60)
    const disk = await oldDisk(all)
    disk.setFaults({ latencyMs: 2 })
    const home = await opened(disk)
    const lease = home.blocks.lease({ name: 'export', stream: 'cache' })
    for (const { cid } of all) expect(await lease.hold(cid)).toBe(true)
    expect(await ended(home)).toMatchObject({ state: 'done' })
    for (const { cid } of all) expect(await home.blocks.delete(cid)).toBe(false)
    await readAll(home.blocks, all)
    lease.close()
    for (const { cid } of all) expect(await home.blocks.delete(cid)).toBe(true)
    expect(await disk.stat(fileOf(all[0]!.cid))).toBeUndefined()
    await home.blocks.close()
  }))

test('who looks for a block in its file when that has just gone finds it in a pack', () =>
  simulated(async () => {
    const all = leaves(60)
    const { cid, bytes } = all.toSorted((a, b) => (fileOf(a.cid) < fileOf(b.cid) ? -1 : 1)).at(-1)!
    const disk = await oldDisk(all)
    disk.setFaults({ latencyMs: 4 })
    const gone = createEvent()
    let late = 0
    const isLate = async (file: string): Promise<void> => {
      if (file !== fileOf(cid) || late === 6) return
      late += 1
      await gone.wait()
    }
    const slow: Disk = {
      ...disk,
      open: async (file, mode) => {
        await isLate(file)
        return disk.open(file, mode)
      },
      stat: async (file) => {
        await isLate(file)
        return disk.stat(file)
      },
    }
    const home = await opened(disk, { oldFrom: slow, bytesPerSecond: 2_000_000 })
    const kept = home.blocks.lease({ stream: 'kept' })
    const cache = home.blocks.lease({ stream: 'cache' })
    const looking = Promise.all([
      home.blocks.get(cid),
      home.blocks.getRange(cid, { offset: 3 }),
      home.blocks.size(cid),
      home.blocks.has(cid),
      kept.hold(cid),
      cache.hold(cid),
    ])
    while (late < 6) await sleep(1)
    expect(await home.packs.has(cid)).toBe(false)
    expect(await ended(home)).toMatchObject({ state: 'done', blocks: 60 })
    gone.set()
    const [got, range, ...others] = await looking
    expect(Buffer.compare(got!, bytes)).toBe(0)
    expect(Buffer.compare(range!, bytes.subarray(3))).toBe(0)
    expect(others).toEqual([bytes.length, true, true, true])
    for (const lease of [kept, cache]) lease.close()
    await home.blocks.close()
  }))

test('who takes hold of a block in a file may leave: nothing is copied for them', () =>
  simulated(async () => {
    const [block] = leaves(1)
    const home = await opened(await oldDisk([block!]), { bytesPerSecond: 1000 })
    const lease = home.blocks.lease({ name: 'pin', stream: 'kept' })
    const leaving = new AbortController()
    const holding = lease.hold(block!.cid, { signal: leaving.signal })
    leaving.abort(new Error('left'))
    await expect(holding).rejects.toThrow('left')
    expect(await home.packs.has(block!.cid)).toBe(false)
    lease.close()
    await home.blocks.close()
  }))

test('the range of a block in a file is checked as that of one in a pack', () =>
  simulated(async () => {
    const [block] = leaves(1)
    const disk = await oldDisk([block!])
    disk.setFaults({ latencyMs: 2 })
    const ranges = [
      { offset: block!.bytes.length + 1 },
      { offset: -1 },
      { offset: 0.5 },
      { offset: Number.NaN },
      { length: -1 },
      { length: Number.NaN },
    ]
    const home = await opened(disk, { bytesPerSecond: 1000 })
    const { length } = block!.bytes
    for (const range of ranges) {
      await expect(home.blocks.getRange(block!.cid, range)).rejects.toBeInstanceOf(RangeError)
    }
    expect(await home.blocks.getRange(block!.cid, { offset: length })).toHaveLength(0)
    expect(await home.blocks.getRange(block!.cid, { offset: 3, length: 5 })).toHaveLength(5)
    expect(home.migration.progress().blocks).toBe(0)
    await home.blocks.close()
  }))
