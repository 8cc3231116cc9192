import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { type Block, numbered } from './crash/made-blocks.ts'
import { folder, openOn } from './crash/open-store.ts'

const count = 80
const kept = Array.from({ length: count }, (_, at) => numbered(at, 1400))
const cached = Array.from({ length: count }, (_, at) => numbered(1000 + at, 1400))
const firstKept = `${folder}/kept-00000001.pack`

/** A store of two kept and two cache packs, the first of each sealed. */
async function filled(options: {
  readonly maxIndexedEntries?: number
}): Promise<{ disk: SimDisk; store: Blocks }> {
  const disk = simDisk({ seed: 1, faults: { shortWrites: 0 } })
  const store = await openOn(disk, options)
  using lease = store.lease()
  for (const { cid, bytes } of kept) await lease.put(cid, bytes)
  await lease.flush()
  for (const { cid, bytes } of cached) await store.put(cid, bytes)
  await store.close()
  return { disk, store: await openOn(disk, options) }
}

async function lostOf(store: Blocks, blocks: readonly Block[]): Promise<Block[]> {
  const lost: Block[] = []
  for (const block of blocks) {
    const found = await store.get(block.cid).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'BLOCKS_IO' })
    })
    if (found === undefined) lost.push(block)
    else if (Buffer.compare(found, block.bytes) !== 0) throw new Error(`${block.cid} is wrong`)
  }
  return lost
}

async function sectorsOf(disk: SimDisk, path: string): Promise<number[]> {
  const { size } = (await disk.stat(path))!
  const sectors = Array.from({ length: Math.ceil(size / 512) }, (_, sector) => sector)
  // All of the footer, and some of the frames.
  return sectors.filter((sector) => sector % 9 === 0 || sector > sectors.length - 14)
}

for (const [where, options] of [
  ['an index in memory', {}],
  ['an index that answers from footers', { maxIndexedEntries: 20 }],
] as const) {
  test(`a cache pack whose sector goes bad under the store is dropped all the same, with ${where}`, async () => {
    const { disk: first } = await filled(options)
    const names = (await first.list(folder))
      .map(({ name }) => name)
      .filter((name) => name.startsWith('cache'))
    const path = `${folder}/${names.sort()[0]}`
    for (const sector of await sectorsOf(first, path)) {
      const { disk, store } = await filled(options)
      for (const { cid } of cached.slice(0, 10)) await store.get(cid)
      disk.damage(path, sector)
      await store.collect()
      expect(store.stats(), `sector ${sector}`).toMatchObject({ cacheEntries: 0, entries: count })
      expect(await disk.stat(path)).toBeUndefined()
      expect(await lostOf(store, kept)).toEqual([])
      await store.close()
    }
  })

  test(`a kept pack whose sector goes bad under the store keeps what it cannot copy, with ${where}`, async () => {
    const { disk: first } = await filled(options)
    for (const sector of await sectorsOf(first, firstKept)) {
      const { disk, store } = await filled(options)
      for (const { cid } of kept.slice(0, 20)) await store.delete(cid)
      disk.damage(firstKept, sector)
      for (let time = 0; time < 3; time += 1) await store.compact({ minDeadShare: 0.1 })
      const size = (await disk.stat(firstKept))?.size
      await store.close()
      await using again = await openOn(disk.crash(), options)
      const lost = await lostOf(again, kept.slice(20))
      expect(lost.length, `sector ${sector}`).toBeLessThan(3)
      if (lost.length > 0) expect(size).toBeGreaterThan(0)
    }
  })
}

test('writers do not wait for a cache pack that cannot be read', async () => {
  const { disk, store } = await filled({})
  const names = (await disk.list(folder)).map(({ name }) => name).filter((name) => name.startsWith('cache'))
  const path = `${folder}/${names.sort()[0]}`
  for (const sector of await sectorsOf(disk, path)) disk.damage(path, sector)
  for (let at = 0; at < 1200; at += 1) {
    const { cid, bytes } = numbered(5000 + at, 1400)
    await store.put(cid, bytes)
  }
  expect(await disk.stat(path)).toBeUndefined()
  expect(await lostOf(store, kept)).toEqual([])
  await store.close()
})

test('what lies in a sector that went bad can be put again, and deleted', async () => {
  for (const leased of [true, false]) {
    const { disk, store } = await filled({})
    for (let sector = 20; sector < 24; sector += 1) disk.damage(firstKept, sector)
    const lost = await lostOf(store, kept)
    expect(lost.length).toBeGreaterThan(1)
    const [mended, deleted] = lost
    const lease = store.lease()
    await (leased ? lease : store).put(mended!.cid, mended!.bytes)
    await lease.flush()
    expect(await lostOf(store, [mended!])).toEqual([])
    lease.close()
    expect(await store.delete(deleted!.cid)).toBe(true)
    await store.close()
    await using again = await openOn(disk.crash())
    expect(await again.has(deleted!.cid)).toBe(false)
    if (leased) expect(await lostOf(again, [mended!])).toEqual([])
  }
})
