/** Packs whose files could not be cut, removed or read when that was due. */
import { DiskError, type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { listOf, numbered } from './crash/made-blocks.ts'
import { folder, openOn } from './crash/open-store.ts'

async function fill(store: Blocks, from: number, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    const { cid, bytes } = numbered(from + at, 1400)
    await store.put(cid, bytes)
  }
}

async function cachePacks(disk: SimDisk): Promise<string[]> {
  const names = (await disk.list(folder)).map(({ name }) => name)
  return names.filter((name) => name.startsWith('cache')).sort()
}

test('a cache pack that cannot be removed goes before newer ones, so that nothing it holds comes back', async () => {
  const disk = simDisk({ seed: 1 })
  const store = await openOn(disk)
  await store.unverified.put('replaced', Buffer.from('old'))
  await store.unverified.put('deleted', Buffer.from('old'))
  await fill(store, 1, 60)
  await store.unverified.put('replaced', Buffer.from('new'))
  await store.unverified.delete('deleted')
  await fill(store, 100, 60)
  const [oldest] = await cachePacks(disk)
  disk.failAt('unlink', 1)
  await expect(store.collect()).rejects.toMatchObject({ code: 'BLOCKS_IO' })
  expect(await cachePacks(disk)).toContain(oldest)
  await store.collect()
  expect(await cachePacks(disk)).toEqual([])
  expect(store.stats()).toMatchObject({ packBytes: 0, cacheEntries: 0 })
  await store.close()
  await using again = await openOn(disk)
  expect(await again.unverified.get('replaced')).toBeUndefined()
  expect(await again.unverified.get('deleted')).toBeUndefined()
})

test('a record that is deleted after its pack was evicted stays deleted, also if the file could not be removed', async () => {
  const disk = simDisk({ seed: 1 })
  const store = await openOn(disk)
  const { unverified } = store
  for (const key of ['deleted', 'put again']) await unverified.put(key, Buffer.from('old'))
  await fill(store, 1, 60)
  disk.failAt('unlink', 1)
  await expect(store.collect()).rejects.toMatchObject({ code: 'BLOCKS_IO' })
  expect(await unverified.get('deleted')).toBeUndefined()
  expect(await unverified.delete('deleted')).toBe(false)
  // Of two calls at once either may come first, and the disk says the same as the index.
  await Promise.all([unverified.delete('put again'), unverified.put('put again', Buffer.from('new'))])
  const left = await unverified.get('put again')
  const next = disk.kill()
  await store.close().catch(() => undefined)
  await using again = await openOn(next)
  expect(await again.unverified.get('deleted')).toBeUndefined()
  expect(await again.unverified.get('put again')).toEqual(left)
})

test('as long as it cannot be removed newer ones stay', async () => {
  const disk = simDisk({ seed: 1 })
  let isStuck = true
  const unlink = async (path: string): Promise<boolean> => {
    if (isStuck && path.endsWith('cache-00000001.pack'))
      throw new DiskError('DISK_IO', 'It cannot be removed')
    return disk.unlink(path)
  }
  const store = await openOn({ ...disk, unlink })
  await store.unverified.put('replaced', Buffer.from('old'))
  await fill(store, 1, 60)
  await store.unverified.put('replaced', Buffer.from('new'))
  await fill(store, 100, 60)
  for (let time = 0; time < 3; time += 1)
    await expect(store.collect()).rejects.toMatchObject({ code: 'BLOCKS_IO' })
  await store.close()
  isStuck = false
  await using again = await openOn(disk)
  expect(Buffer.from((await again.unverified.get('replaced'))!).toString()).toBe('new')
})

for (const stream of ['kept', 'cache'] as const) {
  test(`a ${stream} pack that could not be cut before frames followed is sealed anew`, async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const disk = simDisk({ seed })
      const put = async (store: Blocks, from: number): Promise<void> => {
        using lease = store.lease({ stream })
        for (let at = 0; at < 10; at += 1) {
          const { cid, bytes } = numbered(from + at, 1400)
          await lease.put(cid, bytes)
        }
        await lease.flush()
      }
      const before = await openOn(disk)
      await put(before, 1)
      await before.close()
      await using store = await openOn(disk)
      disk.failAt('truncate', 1)
      await expect(put(store, 100)).rejects.toMatchObject({ code: 'BLOCKS_IO' })
      await put(store, 200)
      const listed: string[] = []
      for await (const { cid } of store.list()) listed.push(String(cid))
      expect(listed.length, `seed ${seed}`).toBe(20)
      // What is left of it can be removed.
      for (let at = 0; at < 10; at += 1) await store.delete(numbered(1 + at, 1400).cid)
      if (stream === 'kept') await store.compact({ minDeadShare: 0.1 })
      else await store.collect()
      expect(await disk.stat(`${folder}/${stream}-00000001.pack`), `seed ${seed}`).toBeUndefined()
    }
  })
}

test('writers are not refused because a footer cannot be read that the index would be answered from', async () => {
  const disk = simDisk({ seed: 1, faults: { shortWrites: 0, slowReads: 0 } })
  const before = await openOn(disk)
  await fill(before, 1, 45)
  await before.close()
  await using store = await openOn(disk, { maxIndexedEntries: 50 })
  const path = `${folder}/cache-00000001.pack`
  const { size } = (await disk.stat(path))!
  for (let sector = Math.floor(size / 512) - 8; sector * 512 < size; sector += 1) disk.damage(path, sector)
  // The first of them begin a pack, and the last wait for room.
  await Promise.all(
    Array.from({ length: 1000 }, (_, at) => numbered(100 + at, 1400)).map(({ cid, bytes }) =>
      store.put(cid, bytes),
    ),
  )
  expect(store.stats().evictedPacks).toBeGreaterThan(3)
})

test('a collection tells that what it deletes could not be written down', async () => {
  const disk = simDisk({ seed: 1 })
  const blocks = Array.from({ length: 30 }, (_, at) => numbered(1 + at, 1400))
  // Too little is dead for the pack to be rewritten.
  const claimed = [
    listOf(
      blocks.slice(1).map(({ cid }) => cid),
      1,
    ),
  ]
  await using store = await openOn(disk, { claimed })
  const lease = store.lease()
  for (const { cid, bytes } of [...blocks, ...claimed]) await lease.put(cid, bytes)
  await lease.flush()
  lease.close()
  disk.failAt('write', 1)
  await expect(store.collect()).rejects.toMatchObject({ code: 'BLOCKS_IO' })
})
