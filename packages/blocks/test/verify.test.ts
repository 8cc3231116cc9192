import { type Blocks, openBlocks, type VerifyProgress } from '@ipfs-kit/blocks'
import { moveOnAfter, now, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type Disk, type SimDisk, simDisk } from '@ipfs-kit/disk'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { blockOf } from './blocks-of.ts'

const onBoth = forEachBackend(test, { seeds: 10 })
const headerBytes = 64
const blockBytes = 500
/** Header, multihash, and the block, up to a multiple of 8. */
const frameBytes = 560

function open(disk: Disk): Promise<Blocks> {
  return openBlocks({ path: '/store', disk, maxBytes: 32 * 1024 * 1024, packBytes: 65_536 })
}

/** A store with so many blocks of 500 bytes in kept packs, closed. */
async function filled(disk: Disk, blocks: number): Promise<void> {
  await using store = await open(disk)
  using lease = store.lease()
  for (let number = 0; number < blocks; number++) {
    const { cid, bytes } = blockOf(number, blockBytes)
    await lease.put(cid, bytes)
  }
}

async function change(disk: Disk, path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, 'write')
  await file.write([bytes], offset)
  await file.close()
}

const firstPack = '/store/kept-00000001.pack'

onBoth('finds nothing wrong with a store that is in order, open packs and records included', async () => {
  const disk = simDisk({ seed: 1 })
  await filled(disk, 200)
  await using store = await open(disk)
  const { cid, bytes } = blockOf(1000, 150_000)
  await store.put(cid, bytes)
  await store.unverified.put('name', Buffer.from('value'))
  await store.delete(blockOf(3, blockBytes).cid)
  const report = await store.verify()
  expect(report).toMatchObject({ damages: [], damagedBlocks: 0, blocks: 202 })
  expect(report.packs).toBe(store.stats().keptPacks + store.stats().cachePacks)
  expect(report.bytes).toBeGreaterThan(200 * blockBytes + bytes.length)
})

test('reads each byte once, whatever the size of the blocks', async () => {
  const disk = simDisk({ seed: 1 })
  for (const [size, count] of [
    [1_048_576, 20],
    [2_097_152, 7],
    [3_000_000, 5],
    [700_000, 30],
    [5000, 500],
  ] as const) {
    await using store = await openBlocks({ path: `/of ${size}`, disk, maxBytes: 128 * 1_048_576 })
    for (let number = 0; number < count; number += 1) {
      const { cid, bytes } = blockOf(number, size)
      await store.put(cid, bytes)
    }
    const { blocks, bytes, damages } = await store.verify()
    expect({ blocks, damages }).toEqual({ blocks: count, damages: [] })
    expect(bytes).toBeGreaterThanOrEqual(count * size)
    expect(bytes).toBeLessThan(1.02 * count * size + 200_000)
  }
})

onBoth('reports a payload that was changed, with its CID, and the block is a miss from then on', async () => {
  const disk = simDisk({ seed: 1 })
  await filled(disk, 20)
  await using store = await open(disk)
  await change(disk, firstPack, headerBytes + 3 * frameBytes + 100, Buffer.from('!'))
  const { cid } = blockOf(3, blockBytes)
  expect(await store.has(cid)).toBe(true)
  const told: unknown[] = []
  const listen = (message: unknown): void => void told.push(message)
  subscribe('blocks:damage', listen)
  const report = await store.verify()
  unsubscribe('blocks:damage', listen)
  expect(report.damagedBlocks).toBe(1)
  expect(report.blocks).toBe(19)
  const [damage] = report.damages
  expect(damage).toMatchObject({
    pack: 1,
    offset: headerBytes + 3 * frameBytes,
    bytes: frameBytes,
    problem: 'mismatch',
  })
  expect(damage!.cid!.equals(cid)).toBe(true)
  expect(told).toHaveLength(1)
  expect(await store.has(cid)).toBe(false)
  expect((await store.explain(cid)).state).toBe('damaged')
  expect(store.stats().corruptReads).toBe(1)
})

onBoth('names the blocks whose headers are unreadable, of sealed packs by their footer', async () => {
  const disk = simDisk({ seed: 1 })
  await filled(disk, 300)
  await using store = await open(disk)
  // The header of the fifth frame and the key of the sixth.
  await change(disk, firstPack, headerBytes + 4 * frameBytes, Buffer.alloc(24, 0xff))
  await change(disk, firstPack, headerBytes + 5 * frameBytes + 30, Buffer.alloc(10, 0xff))
  const report = await store.verify()
  expect(report.damages.map(({ problem }) => problem)).toEqual(['unreadable', 'unreadable'])
  const names = report.damages.map(({ cid }) => String(cid)).sort()
  expect(names).toEqual([4, 5].map((number) => blockOf(number, blockBytes).cid.toString()).sort())
  for (const number of [4, 5]) expect(await store.has(blockOf(number, blockBytes).cid)).toBe(false)
  expect(await store.has(blockOf(6, blockBytes).cid)).toBe(true)
})

onBoth('reports a footer that was changed, in its rows, its keys or its end', async () => {
  const disk = simDisk({ seed: 1 })
  await filled(disk, 300)
  await using store = await open(disk)
  const file = await disk.open(firstPack, 'read')
  const size = await file.size()
  await file.close()
  for (const [before, width] of [
    [20, 1],
    [100, 1],
    [3000, 1],
  ] as const) {
    const at = size - before
    const original = Buffer.alloc(width)
    const reading = await disk.open(firstPack, 'read')
    await reading.read(original, at)
    await reading.close()
    await change(disk, firstPack, at, Buffer.from([original[0]! ^ 0x55]))
    const report = await store.verify()
    expect(report.damages).toMatchObject([{ pack: 1, problem: 'footer' }])
    await change(disk, firstPack, at, original)
  }
  expect((await store.verify()).damagedBlocks).toBe(0)
})

onBoth('goes on behind what the disk cannot read, and does not call the block damaged', async () => {
  const disk: SimDisk = simDisk({ seed: 1 })
  await filled(disk, 20)
  await using store = await open(disk)
  expect(store.stats().keptPacks).toBe(1)
  // After the header: the whole pack, and the first of the smaller and smaller pieces that are tried then.
  for (const nth of [2, 3, 4, 5]) disk.failAt('read', nth)
  const report = await store.verify()
  expect(report.damagedBlocks).toBeGreaterThan(0)
  expect(report.damages.every(({ problem }) => problem === 'unreadable')).toBe(true)
  for (let number = 0; number < 20; number++) {
    const { cid, bytes } = blockOf(number, blockBytes)
    expect(await store.get(cid)).toEqual(bytes)
  }
})

onBoth(
  'reads no faster than it is told',
  async () => {
    const disk = simDisk({ seed: 1 })
    await filled(disk, 400)
    await using store = await open(disk)
    const began = now()
    const { bytes } = await store.verify({ bytesPerSecond: 50_000 })
    const seconds = (now() - began) / 1000
    // What is read last is not waited for.
    expect(bytes).toBeGreaterThan(200_000)
    expect(seconds).toBeGreaterThan((bytes - 70_000) / 50_000)
  },
  { only: 'sim', seeds: 5 },
)

onBoth('tells how far it is', async () => {
  const disk = simDisk({ seed: 1 })
  await filled(disk, 300)
  await using store = await open(disk)
  const steps: VerifyProgress[] = []
  const report = await store.verify({ onProgress: (step) => steps.push(step) })
  expect(steps.at(-1)).toEqual({
    packs: report.packs,
    ofPacks: report.packs,
    bytes: report.bytes,
    blocks: 300,
  })
  expect(steps.length).toBeGreaterThan(report.packs)
})

onBoth(
  'can be cancelled while it waits, and by closing',
  async () => {
    const disk = simDisk({ seed: 1 })
    await filled(disk, 400)
    const store = await open(disk)
    const left = await moveOnAfter(1000, () => store.verify({ bytesPerSecond: 1000 }))
    expect(left).toBeUndefined()
    const controller = new AbortController()
    const reason = new Error('enough')
    await taskGroup(async (group) => {
      group.spawn(async () => {
        await sleep(500)
        controller.abort(reason)
      })
      await expect(store.verify({ bytesPerSecond: 1000, signal: controller.signal })).rejects.toBe(reason)
    })
    await taskGroup(async (group) => {
      group.spawn(async () => {
        await sleep(500)
        await store.close()
      })
      await expect(store.verify({ bytesPerSecond: 1000 })).rejects.toMatchObject({ code: 'BLOCKS_CLOSED' })
    })
  },
  { only: 'sim' },
)

onBoth(
  'leaves out packs that are removed meanwhile, and does not hold them',
  async () => {
    const disk = simDisk({ seed: 1, faults: { latencyMs: 2 } })
    await using store = await open(disk)
    for (let number = 0; number < 400; number++) {
      const { cid, bytes } = blockOf(number, blockBytes)
      await store.put(cid, bytes)
    }
    await taskGroup(async (group) => {
      const verifying = group.spawn(() => store.verify({ bytesPerSecond: 100_000 }))
      await sleep(700)
      await store.collect()
      expect(store.stats().cachePacks).toBe(0)
      const report = await verifying
      expect(report.damagedBlocks).toBe(0)
      expect(report.packs).toBeLessThan(4)
    })
  },
  { only: 'sim' },
)

test('refuses a rate that is none', async () => {
  await using store = await open(simDisk({ seed: 1 }))
  for (const bytesPerSecond of [0, -1, Number.NaN]) {
    await expect(store.verify({ bytesPerSecond })).rejects.toThrow(RangeError)
  }
})
