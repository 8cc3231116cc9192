/** What a process leaves that could not sync, nor say all that the next one should know. */
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { type Block, numbered } from './crash/made-blocks.ts'
import { folder, openOn } from './crash/open-store.ts'

const seeds = Array.from({ length: 40 }, (_, seed) => seed + 1)
const blocks = Array.from({ length: 5 }, (_, at) => numbered(10 + at, 3000))

async function put(store: Blocks, some: readonly Block[]): Promise<ReturnType<Blocks['lease']>> {
  const lease = store.lease()
  for (const { cid, bytes } of some) await lease.put(cid, bytes)
  return lease
}

async function dead(disk: SimDisk, store: Blocks, how: 'kill' | 'crash'): Promise<SimDisk> {
  const next = disk[how]()
  await store.close().catch((error: unknown) => expect(error).toMatchObject({ name: 'BlocksError' }))
  return next
}

/** The next process finds blocks and makes them durable; then the power is lost. */
async function expectDurable(disk: SimDisk, some: readonly Block[], seed: number): Promise<void> {
  const store = await openOn(disk)
  const there: Block[] = []
  using lease = store.lease()
  for (const block of some) if (await lease.hold(block.cid)) there.push(block)
  await lease.flush()
  await using last = await openOn(await dead(disk, store, 'crash'))
  for (const { cid, bytes } of there) expect(await last.get(cid), `seed ${seed}`).toEqual(Buffer.from(bytes))
}

test('a note that found no room stands for all kept packs', async () => {
  for (const seed of seeds) {
    const disk = simDisk({ seed })
    const store = await openOn(disk)
    const lease = await put(store, blocks)
    disk.setFaults({ capacityBytes: disk.stats().usedBytes })
    disk.failAt('sync', 1)
    await expect(lease.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
    expect(await disk.stat(`${folder}/unsynced`)).toMatchObject({ size: 0 })
    const next = await dead(disk, store, 'kill')
    next.setFaults({ capacityBytes: 2 ** 40 })
    await expectDurable(next, blocks, seed)
  }
})

test('a note that cannot be written at the first try is written at the second', async () => {
  for (const seed of seeds) {
    const disk = simDisk({ seed })
    const store = await openOn(disk)
    const lease = await put(store, blocks)
    disk.failAt('sync', 1)
    disk.failAt('open', 1)
    await expect(lease.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
    await expectDurable(await dead(disk, store, 'kill'), blocks, seed)
  }
})

test('frames of a write that failed are in doubt too when the sync after it fails', async () => {
  for (const seed of seeds) {
    const disk = simDisk({ seed, faults: { shortWrites: 0, slowWrites: 1 } })
    const store = await openOn(disk)
    await (await put(store, [numbered(1, 100)])).flush()
    const lease = store.lease()
    disk.failAt('write', 1)
    disk.failAt('sync', 1)
    const puts = await Promise.allSettled(blocks.map(({ cid, bytes }) => lease.put(cid, bytes)))
    expect(puts.some(({ status }) => status === 'rejected')).toBe(true)
    await lease.flush().catch((error: unknown) => expect(error).toMatchObject({ code: 'BLOCKS_SYNC_FAILED' }))
    await expectDurable(await dead(disk, store, 'kill'), blocks, seed)
  }
})

test('what was durable before is there wherever the power is lost while its pack is set aside', async () => {
  const before = [1, 2, 3].map((at) => numbered(at, 3000))
  for (const seed of seeds) {
    for (const nth of [1, 2, 3]) {
      const disk = simDisk({ seed: 3 * seed + nth })
      const store = await openOn(disk)
      await (await put(store, before)).flush()
      const lease = await put(store, blocks)
      disk.failAt('sync', 1)
      await expect(lease.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
      const second = await dead(disk, store, 'kill')
      // In one of the others.
      second.damage(`${folder}/kept-00000001.pack`, 25)
      if (nth < 3) second.crashAt('rename', nth)
      else second.crashAt('unlink', 1)
      await openOn(second).catch(() => expect(second.dead).toBe(true))
      await using last = await openOn(second.crash())
      for (const { cid, bytes } of before)
        expect(await last.get(cid), `operation ${nth}, seed ${seed}`).toEqual(Buffer.from(bytes))
    }
  }
})
