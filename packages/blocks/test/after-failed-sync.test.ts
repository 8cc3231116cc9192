import { sim, sleep, withBackend } from '@ipfs-kit/concurrency'
import { type Disk, DiskError, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { numbered } from './crash/made-blocks.ts'
import { folder, openOn } from './crash/open-store.ts'

const blocks = Array.from({ length: 80 }, (_, at) => numbered(1 + at, 3000))

/** A store whose kept packs are mostly dead, and whose next sync has failed. */
async function failed(claims: boolean): Promise<Blocks> {
  const disk = simDisk({ seed: 1 })
  const claimed = blocks.filter((_, at) => at % 4 === 0)
  const store = await openOn(disk, claims ? { claimed } : {})
  const lease = store.lease()
  for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
  await lease.flush()
  lease.close()
  if (!claims) for (const [at, { cid }] of blocks.entries()) if (at % 4 > 0) await store.delete(cid)
  disk.failAt('sync', 1)
  using other = store.lease()
  await other.put(numbered(500, 10).cid, numbered(500, 10).bytes)
  await expect(other.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
  return store
}

for (const claims of [false, true]) {
  test(`a full store goes on to cache after a sync that failed, ${claims ? 'with' : 'without'} claims`, async () => {
    await using store = await failed(claims)
    for (let at = 0; at < 900; at += 1) {
      const { cid, bytes } = numbered(1000 + at, 1400)
      await store.put(cid, bytes)
    }
    expect(store.stats().evictedPacks).toBeGreaterThan(3)
  })
}

test('compactions that can remove nothing take no room', async () => {
  await using store = await failed(false)
  const { packBytes } = store.stats()
  for (let time = 0; time < 5; time += 1)
    await expect(store.compact({ minDeadShare: 0.1 })).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
  expect(store.stats().packBytes).toBe(packBytes)
})

test('a pack whose file could not be made is not made by who reads it, and takes no room', async () => {
  const world = async (): Promise<void> => {
    const disk = simDisk({ seed: 1, faults: { latencyMs: 5, slowWrites: 1, slowReads: 1 } })
    let made = 0
    const failing: Disk = {
      ...disk,
      open: async (path, mode) => {
        const file = await disk.open(path, mode)
        if (mode !== 'create-new' || !path.endsWith('kept-00000005.pack')) return file
        made += 1
        // Long enough for a sync to fail meanwhile.
        await sleep(1000)
        if (made > 1) return file
        const write = async (): Promise<void> => {
          throw new DiskError('DISK_IO', 'It cannot be written')
        }
        return { ...file, write }
      },
    }
    await using store = await openOn(failing)
    const lease = store.lease()
    for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
    await lease.flush()
    lease.close()
    for (const [at, { cid }] of blocks.slice(0, 60).entries()) if (at % 2 > 0) await store.delete(cid)
    using other = store.lease()
    await other.flush()
    disk.failAt('sync', 1)
    await expect(store.compact({ minDeadShare: 0.1 })).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
    // Packs that were given up go.
    await sleep(5000)
    expect(made).toBe(1)
    let bytes = 0
    for (const { name } of await disk.list(folder)) {
      if (!name.endsWith('.pack')) continue
      const { size } = (await disk.stat(`${folder}/${name}`))!
      bytes += Math.ceil(size / 4096) * 4096
    }
    expect(bytes).toBeLessThanOrEqual(store.stats().packBytes)
  }
  await withBackend(world, { backend: sim(1) })
})
