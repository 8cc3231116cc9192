import { type Disk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

const old = numbered(1, 3000)
const more = numbered(2, 3000)

test('names of packs that a failed sync has not made durable are made so by the next process', async () => {
  let failures = 0
  for (let seed = 1; seed <= 40; seed += 1) {
    const disk = simDisk({ seed })
    const store = await openOn(disk)
    const lease = store.lease()
    await lease.put(old.cid, old.bytes)
    disk.failAt('syncFolder', 1)
    await expect(lease.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
    failures += 1
    await store.close().catch(() => undefined)

    const second = disk.kill()
    const again = await openOn(second)
    const other = again.lease()
    // It is found, from memory.
    expect(await other.hold(old.cid)).toBe(true)
    await other.put(more.cid, more.bytes)
    await other.flush()
    const third = second.crash()
    await again.close().catch(() => undefined)

    await using last = await openOn(third)
    for (const { cid, bytes } of [old, more])
      expect(await last.get(cid), `seed ${seed}`).toEqual(Buffer.from(bytes))
  }
  expect(failures).toBe(40)
})

test('names of packs that opening has failed to sync are made durable by the next process', async () => {
  const refused = new Set<number>()
  for (let seed = 1; seed <= 60; seed += 1) {
    const disk = simDisk({ seed })
    const store = await openOn(disk)
    await store.lease().put(old.cid, old.bytes)
    const second = disk.kill()
    await store.close().catch(() => undefined)

    second.failAt('syncFolder', 1 + (seed % 3))
    const opened = await openOn(second).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'BLOCKS_IO' })
      refused.add(seed % 3)
    })
    const third = second.kill()
    await opened?.close().catch(() => undefined)

    const again = await openOn(third)
    const lease = again.lease()
    expect(await lease.hold(old.cid)).toBe(true)
    await lease.flush()
    const fourth = third.crash()
    await again.close().catch(() => undefined)

    await using last = await openOn(fourth)
    expect(await last.get(old.cid), `seed ${seed}`).toEqual(Buffer.from(old.bytes))
  }
  // Of the folder above, and of the packs.
  expect(refused).toEqual(new Set([0, 1]))
})

test('a folder that a compaction fails to sync ends durable puts, as any sync does that fails', async () => {
  const blocks = Array.from({ length: 40 }, (_, at) => numbered(10 + at, 3000))
  // Of the pack that takes the copies, and of the one that is removed.
  for (const nth of [1, 2]) {
    const disk = simDisk({ seed: 1 })
    const store = await openOn(disk)
    const lease = store.lease()
    for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
    await lease.flush()
    lease.close()
    for (const { cid } of blocks.slice(0, 15)) await store.delete(cid)
    disk.failAt('syncFolder', nth)
    await expect(store.compact({ minDeadShare: 0.1 })).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
    await expect(store.lease().flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
    await store.close()
    await using again = await openOn(disk.crash())
    for (const { cid, bytes } of blocks.slice(15)) expect(await again.get(cid)).toEqual(Buffer.from(bytes))
  }
})

test('packs that get their names anew are there wherever the process dies or the power is lost', async () => {
  for (let nth = 1; nth <= 40; nth += 1) {
    for (const how of ['kill', 'crash'] as const) {
      const disk = simDisk({ seed: nth })
      const store = await openOn(disk)
      const lease = store.lease()
      await lease.put(old.cid, old.bytes)
      await lease.flush()
      // Another pack, whose name cannot be synced.
      for (let at = 0; at < 25; at += 1)
        await lease.put(numbered(100 + at, 3000).cid, numbered(100 + at, 3000).bytes)
      disk.failAt('syncFolder', 1)
      await expect(lease.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
      await store.close()

      let left = nth
      const second = disk.kill()
      const count = async <T>(what: () => Promise<T>): Promise<T> => {
        left -= 1
        if (left === 0) second[how]()
        return what()
      }
      const dying: Disk = {
        ...second,
        rename: (from, to) => count(() => second.rename(from, to)),
        unlink: (path) => count(() => second.unlink(path)),
        open: (path, mode) => count(() => second.open(path, mode)),
        syncFolder: (path) => count(() => second.syncFolder(path)),
      }
      await openOn(dying)
        .then((opened) => opened.close())
        .catch((error: unknown) => expect(second.dead, String(error)).toBe(true))
      await using last = await openOn(second[how]())
      expect(await last.get(old.cid), `${how} at ${nth}`).toEqual(Buffer.from(old.bytes))
    }
  }
})
