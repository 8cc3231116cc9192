/** Deletions in kept packs that are rewritten, damaged, or older than they seem: what they delete does not come back. */
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { type Block, numbered } from './crash/made-blocks.ts'
import { bytesOf, change, folder, openOn } from './crash/open-store.ts'

const deleted = numbered(1, 3000)
const first = `${folder}/kept-00000001.pack`
const second = `${folder}/kept-00000002.pack`

async function add(store: Blocks, blocks: readonly Block[]): Promise<void> {
  using lease = store.lease()
  for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
  await lease.flush()
}

function some(from: number, count: number): Block[] {
  return Array.from({ length: count }, (_, at) => numbered(from + at, 3000))
}

/** Two sealed kept packs and one that is open: a block in the first is deleted in the second, of which little lives. */
async function withDeletion(living = 2): Promise<SimDisk> {
  const disk = simDisk({ seed: 1, faults: { shortWrites: 0, slowReads: 0 } })
  await using store = await openOn(disk)
  await add(store, [deleted, ...some(100, 20)])
  const dying = some(200, 18)
  await add(store, dying)
  expect(await store.delete(deleted.cid)).toBe(true)
  for (const { cid } of dying.slice(living)) await store.delete(cid)
  await add(store, some(300, 10))
  expect(
    (await disk.list(folder)).map(({ name }) => name).filter((name) => name.startsWith('kept')).length,
  ).toBe(3)
  return disk
}

/** Where the deletion of the block lies in the second pack. */
async function deletionAt(disk: SimDisk): Promise<number> {
  const bytes = await bytesOf(disk, second)
  const key = Buffer.from(deleted.cid.multihash.bytes)
  const at = bytes.indexOf(key) - 24
  expect(bytes[at + 14]).toBe(3)
  return at
}

async function isThere(disk: SimDisk): Promise<boolean> {
  await using store = await openOn(disk)
  return store.has(deleted.cid)
}

test('a deletion whose copy could not be written is not removed with its pack', async () => {
  let failures = 0
  for (let nth = 1; nth <= 6; nth += 1) {
    // The deletion is all that has to be copied.
    const disk = await withDeletion(0)
    const store = await openOn(disk)
    disk.failAt('write', nth)
    await store.compact({ minDeadShare: 0.1 }).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'BLOCKS_IO' })
      failures += 1
    })
    expect(await store.has(deleted.cid)).toBe(false)
    await store.close()
    expect(await isThere(disk), `write ${nth}`).toBe(false)
  }
  expect(failures).toBeGreaterThan(0)
})

test('a damaged deletion deletes as long as a footer tells of it, and its pack stays', async () => {
  const disk = await withDeletion()
  const at = (await deletionAt(disk)) + 30
  const bytes = await bytesOf(disk, second)
  await change(disk, second, at, Buffer.of(bytes[at]! ^ 1))
  expect(await isThere(disk)).toBe(false)
  const store = await openOn(disk)
  await store.compact({ minDeadShare: 0.1 })
  await store.close()
  expect(await disk.stat(second)).toBeDefined()
  expect(await isThere(disk)).toBe(false)
})

test('a deletion stays while an older pack cannot be read, which may be read another time', async () => {
  const disk = await withDeletion()
  // Neither header nor footer.
  const { size } = (await disk.stat(first))!
  const whole = await bytesOf(disk, first)
  const sectors = [0, Math.floor((size - 1) / 512), Math.floor((size - 64) / 512)]
  for (const sector of sectors) disk.damage(first, sector)
  const store = await openOn(disk)
  await store.compact({ minDeadShare: 0.1 })
  expect(await disk.stat(second)).toBeUndefined()
  await store.close()
  for (const sector of sectors)
    await change(disk, first, sector * 512, whole.subarray(sector * 512, (sector + 1) * 512))
  expect(await isThere(disk)).toBe(false)
})

test('a block is deleted in the kept stream too when all that is there of that cannot be read', async () => {
  const disk = simDisk({ seed: 1 })
  const before = await openOn(disk)
  await add(before, [deleted])
  await before.close()
  const whole = await bytesOf(disk, first)
  for (let sector = 0; sector * 512 < whole.length; sector += 1) disk.damage(first, sector)
  await disk.open(`${folder}/cache-00000002.pack`, 'create-new').then((file) => file.close())
  const store = await openOn(disk)
  await store.put(deleted.cid, deleted.bytes)
  expect(await store.delete(deleted.cid)).toBe(true)
  await store.close()
  await change(disk, first, 0, whole)
  expect(await isThere(disk)).toBe(false)
})

test('a kept pack whose removal the folder has not kept brings nothing back', async () => {
  let failures = 0
  for (let seed = 1; seed <= 40; seed += 1) {
    let disk = simDisk({ seed })
    let store = await openOn(disk)
    await add(store, [deleted, ...some(100, 20)])
    for (const { cid } of some(100, 12)) await store.delete(cid)
    // Of the pack that takes the copies, and of the one that is removed.
    disk.failAt('syncFolder', 2)
    await store.compact({ minDeadShare: 0.1 }).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
      failures += 1
    })
    disk = disk.kill()
    await store.close().catch(() => undefined)

    store = await openOn(disk)
    expect(await store.delete(deleted.cid)).toBe(true)
    await add(store, some(200, 25))
    // The pack that says so is the oldest one now, as far as anybody can see.
    await store.compact({ minDeadShare: 0 })
    const next = disk.crash()
    await store.close().catch(() => undefined)
    expect(await isThere(next), `seed ${seed}`).toBe(false)
  }
  expect(failures).toBeGreaterThan(20)
})

test('a deletion outlives a later frame of its block that goes with its pack', async () => {
  const disk = simDisk({ seed: 1 })
  const claimed = some(100, 22)
  const store = await openOn(disk, { claimed })
  await add(store, [deleted, ...claimed])
  expect(await store.delete(deleted.cid)).toBe(true)
  const dying = some(200, 18)
  await add(store, [deleted, ...dying])
  await add(store, some(300, 3))
  await store.compact({ minDeadShare: 0.3 })
  expect(await store.has(deleted.cid)).toBe(false)
  expect(await disk.stat(first)).toBeDefined()
  expect(await disk.stat(second)).toBeUndefined()
  await store.close()
  expect(await isThere(disk)).toBe(false)
})
