import { sleep } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import type { Pin } from '../src/pins.ts'
import { findOldBlocks } from '../src/old-blocks.ts'
import { type Block, ended, leaves, nodeOver, oldDisk, opened, path, readAll, whole } from './old-disk.ts'

const maxBytes = 2 ** 20

async function simulated(work: () => Promise<void>): Promise<void> {
  const { failed } = await simulate(work, { seeds: 8, maxFailures: 1 })
  expect(failed).toEqual([])
}

function pinOf({ cid }: Block, depth = Infinity): Pin {
  return { cid, depth, metadata: {} }
}

test('a home that is larger than its limit: what is pinned moves, garbage stays until it is collected, then all is done', () =>
  simulated(async () => {
    const kept = leaves(20, 5000, 'kept')
    const root = nodeOver(kept)
    const garbage = leaves(400, 5000, 'garbage')
    const all = [...garbage, ...kept, root]
    const disk = await oldDisk(all)
    const home = await opened(disk, { maxBytes, pins: () => [pinOf(root)] })
    const stopped = await ended(home)
    expect(stopped).toMatchObject({
      state: 'stopped',
      left: 0,
      error: {
        code: 'IPFS_STORE_FULL',
        message: expect.stringMatching(/^No room .* of 1048576 bytes/),
      },
    })
    // All that is pinned is in packs by then, whatever came before it.
    for (const { cid } of [...kept, root]) {
      expect(await home.packs.explain(cid)).toMatchObject({ state: 'kept', synced: true })
    }
    await readAll(home.blocks, [...kept, root])
    const before = await home.blocks.explain(garbage.at(-1)!.cid)
    expect(['kept', 'absent']).toContain(before.state)
    const report = await home.blocks.collect()
    expect(report).toMatchObject({ keptBlocks: 21 })
    expect(report.removedBlocks).toBeGreaterThan(0)
    expect(home.migration.progress()).toMatchObject({ state: 'done' })
    await readAll(home.blocks, [...kept, root])
    for (const { cid } of garbage) expect(await home.blocks.has(cid)).toBe(false)
    expect(home.packs.stats().packBytes).toBeLessThanOrEqual(maxBytes)
    await home.blocks.close()
    expect(await findOldBlocks(disk, path)).toBeUndefined()
  }))

test('collections at once share the work, and one that begins while it moves on waits for its end', () =>
  simulated(async () => {
    const kept = leaves(20, 5000, 'kept')
    const root = nodeOver(kept)
    const disk = await oldDisk([...leaves(400, 5000, 'garbage'), ...kept, root])
    disk.setFaults({ latencyMs: 1 })
    const home = await opened(disk, { maxBytes, pins: () => [pinOf(root)] })
    await ended(home)
    const reports = await Promise.all([
      home.blocks.collect(),
      home.blocks.collect(),
      sleep(whole(200)).then(() => home.blocks.collect()),
      sleep(whole(2000)).then(() => home.blocks.collect()),
    ])
    for (const { keptBlocks } of reports) expect(keptBlocks).toBe(21)
    expect(home.migration.progress()).toMatchObject({ state: 'done' })
    await readAll(home.blocks, [...kept, root])
    await home.blocks.close()
  }))

test('a collection that waits while it goes on again and again waits for the end that counts', () =>
  simulated(async () => {
    const kept = leaves(20, 5000, 'kept')
    const tooMany = leaves(250, 5000, 'pinned too')
    const roots = [nodeOver(kept), nodeOver(tooMany)]
    const garbage = leaves(200, 5000, 'garbage')
    const disk = await oldDisk([...garbage, ...kept, ...tooMany, ...roots])
    disk.setFaults({ latencyMs: 2 })
    const home = await opened(disk, { maxBytes, pins: () => roots.map((root) => pinOf(root)) })
    await ended(home)
    // The first to be through lets it go on, the second wants that once more.
    const first = [home.blocks.collect(), home.blocks.collect()]
    while (home.migration.progress().state !== 'running') await sleep(1)
    await Promise.all([...first, home.blocks.collect(), home.blocks.mark()])
    await readAll(home.blocks, [...roots, ...kept, ...tooMany])
    await home.blocks.close()
  }))

test('what is pinned alone is larger than the limit: it stops with the numbers, all is readable, and more room lets it go on', () =>
  simulated(async () => {
    const kept = leaves(300, 5000, 'kept')
    const root = nodeOver(kept)
    const disk = await oldDisk([...kept, root])
    const pins = (): Pin[] => [pinOf(root)]
    const home = await opened(disk, { maxBytes, pins })
    expect(await ended(home)).toMatchObject({ state: 'stopped', error: { code: 'IPFS_STORE_FULL' } })
    expect(home.migration.progress().blocks).toBeGreaterThan(0)
    await readAll(home.blocks, [...kept, root])
    expect(await home.blocks.collect()).toMatchObject({ removedBlocks: 0, removedBytes: 0, keptBlocks: 301 })
    expect(home.migration.progress()).toMatchObject({ state: 'stopped', error: { code: 'IPFS_STORE_FULL' } })
    await readAll(home.blocks, [...kept, root])
    await home.blocks.close()
    const again = await opened(disk, { maxBytes: 2 ** 22, pins })
    expect(await ended(again)).toMatchObject({ state: 'done' })
    await readAll(again.blocks, [...kept, root])
    await again.blocks.close()
  }))

test('it goes on without another opening when blocks are deleted', () =>
  simulated(async () => {
    const first = leaves(150, 5000, 'first')
    const second = leaves(150, 5000, 'second')
    const roots = [nodeOver(first), nodeOver(second)]
    let pins = roots.map((root) => pinOf(root))
    const disk = await oldDisk([...first, ...second, ...roots])
    const home = await opened(disk, { maxBytes, pins: () => pins })
    expect(await ended(home)).toMatchObject({ state: 'stopped', error: { code: 'IPFS_STORE_FULL' } })
    pins = pins.slice(1)
    for (const { cid } of [roots[0]!, ...first]) await home.blocks.delete(cid)
    // The pause between two attempts is a second or more.
    for (let turn = 0; turn < 100 && !home.migration.isDone; turn += 1) await sleep(1000)
    expect(home.migration.progress()).toMatchObject({ state: 'done' })
    await readAll(home.blocks, [...second, roots[1]!])
    await home.blocks.close()
  }))

test('a hole in what is pinned: nothing is collected, and the block or the removal of the pin lets it go on', () =>
  simulated(async () => {
    const garbage = leaves(400, 5000, 'garbage')
    const kept = leaves(5, 5000, 'kept')
    const missing = nodeOver(kept)
    const root = nodeOver([missing])
    let pins = [pinOf(root)]
    const disk = await oldDisk([...garbage, ...kept, root])
    const home = await opened(disk, { maxBytes, pins: () => pins })
    const stopped = await ended(home)
    expect(stopped).toMatchObject({ state: 'stopped', error: { code: 'IPFS_STORE_FULL' } })
    expect(stopped.error!.message).toContain(missing.cid.toString())
    await expect(home.blocks.collect()).rejects.toMatchObject({ code: 'BLOCKS_MARK_INCOMPLETE' })
    await readAll(home.blocks, [...garbage, ...kept, root])
    pins = [pinOf(root, 0)]
    expect(await home.blocks.collect()).toMatchObject({ keptBlocks: 1 })
    expect(home.migration.progress()).toMatchObject({ state: 'done' })
    await home.blocks.close()
  }))

test('a pin that comes while garbage is collected keeps what it reaches', () =>
  simulated(async () => {
    const garbage = leaves(400, 5000, 'garbage')
    const wanted = garbage.slice(100, 105)
    const root = nodeOver(wanted)
    const pins: Pin[] = []
    const disk = await oldDisk([...garbage, root])
    disk.setFaults({ latencyMs: 1 })
    const home = await opened(disk, { maxBytes, pins: () => [...pins] })
    expect(await ended(home)).toMatchObject({ state: 'stopped' })
    const collecting = home.blocks.collect()
    const lease = home.blocks.lease({ name: 'pin', stream: 'kept' })
    let isWhole = true
    for (const { cid } of [root, ...wanted]) isWhole &&= await lease.hold(cid)
    if (isWhole) {
      await lease.flush()
      pins.push(pinOf(root))
    }
    lease.close()
    await collecting
    if (isWhole) await readAll(home.blocks, [root, ...wanted])
    expect(home.migration.progress().state).toBe('done')
    await home.blocks.collect()
    if (isWhole) await readAll(home.blocks, [root, ...wanted])
    await home.blocks.close()
  }))
