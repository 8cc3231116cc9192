import type { SimDisk } from '@ipfs-kit/disk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Block } from './crash/made-blocks.ts'
import { change, cut, openOn } from './crash/open-store.ts'
import { records, smallStore, type Stored } from './crash/small-store.ts'

const stores: { closed?: Stored; killed?: Stored } = {}
beforeAll(async () => {
  stores.closed = await smallStore(true)
  stores.killed = await smallStore(false)
})
afterAll(() => {
  delete stores.closed
  delete stores.killed
})

/** Opens it, and says which kept blocks are lost. Whatever is answered is right. */
async function lostOf(disk: SimDisk, { kept, cached }: Stored): Promise<Set<Block>> {
  const lost = new Set<Block>()
  const store = await openOn(disk)
  for (const block of kept) {
    const found = await store.get(block.cid)
    if (found === undefined) lost.add(block)
    else if (Buffer.compare(found, block.bytes) !== 0) throw new Error(`${block.cid} is wrong`)
  }
  for (const block of cached) {
    const found = await store.get(block.cid)
    if (found !== undefined && Buffer.compare(found, block.bytes) !== 0)
      throw new Error(`${block.cid} is wrong`)
  }
  for (const [key, value] of records) {
    const found = await store.unverified.get(key)
    if (found !== undefined && Buffer.compare(found, value) !== 0) throw new Error(`${key} is wrong`)
  }
  await store.close()
  return lost
}

type Harm = (disk: SimDisk, path: string, at: number, bytes: Buffer) => Promise<void>
type Span = (block: { readonly begin: number; readonly end: number }, at: number) => boolean

/** What is otherwise than it may be when both packs are harmed at a byte, for every byte. */
async function failures(stored: Stored, stride: number, harm: Harm, mayBeLost: Span): Promise<string[]> {
  const wrong: string[] = []
  const packs = stored.files.filter(({ path }) => path.endsWith('.pack'))
  for (let at = 0; packs.some(({ bytes }) => at < bytes.length); at += stride) {
    const disk = stored.disk.copy(1)
    for (const { path, bytes } of packs) if (at < bytes.length) await harm(disk, path, at, bytes)
    try {
      const lost = await lostOf(disk, stored)
      for (const block of stored.kept) {
        if (lost.has(block) && !mayBeLost(block, at)) wrong.push(`byte ${at}: ${block.cid} is lost`)
      }
    } catch (error) {
      wrong.push(`byte ${at}: ${String(error)}`)
    }
    if (wrong.length > 5) break
  }
  return wrong
}

const flip =
  (mask: number) =>
  async (disk: SimDisk, path: string, at: number, bytes: Buffer): Promise<void> =>
    change(disk, path, at, Buffer.of(bytes[at]! ^ mask))
const isHit: Span = ({ begin, end }, at) => at >= begin && at < end
/** A frame is whole with its padding. */
const isBehind: Span = ({ end }, at) => Math.ceil(end / 8) * 8 > at

for (const [state, stride] of [
  ['closed', 1],
  ['killed', 3],
] as const) {
  test(`a flipped byte costs the block that it is in, and nothing else (${state} store)`, async () => {
    expect(await failures(stores[state]!, stride, flip(0x40), isHit)).toEqual([])
  })

  test(`a cut costs what lies behind it, and nothing else (${state} store)`, async () => {
    expect(await failures(stores[state]!, stride, cut, isBehind)).toEqual([])
  })
}

test('each byte of the kept pack that belongs to a block is missed when it is flipped', async () => {
  const stored = stores.closed!
  const { path, bytes } = stored.files.find((file) => file.path.includes('kept'))!
  for (const block of stored.kept.slice(0, 3)) {
    for (let at = block.end - block.bytes.length; at < block.end; at += 1) {
      const disk = stored.disk.copy(1)
      await flip(1)(disk, path, at, bytes)
      expect([...(await lostOf(disk, stored))]).toEqual([block])
    }
  }
})

test('a damaged file of the store is told by its code, at each byte', async () => {
  const { disk, files } = stores.closed!
  const { path, bytes } = files.find((file) => file.path.endsWith('/store'))!
  for (let at = 0; at < bytes.length; at += 1) {
    for (const harm of [flip(0x40), cut]) {
      const copy = disk.copy(1)
      await harm(copy, path, at, bytes)
      await expect(openOn(copy)).rejects.toMatchObject({ name: 'BlocksError', code: 'BLOCKS_CORRUPT_STORE' })
    }
  }
})
