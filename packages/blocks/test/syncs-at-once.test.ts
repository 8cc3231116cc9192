import { random, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { type Disk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

/** A disk that says which paths were synced by two at once. */
function watching(disk: Disk, twice: Set<string>): Disk {
  const running = new Set<string>()
  const alone = async (path: string, sync: () => Promise<void>): Promise<void> => {
    if (running.has(path)) twice.add(path)
    running.add(path)
    // The one that begins later may end first.
    await sleep(random() * 20)
    await sync()
    running.delete(path)
  }
  return {
    ...disk,
    syncFolder: (path) => alone(path, () => disk.syncFolder(path)),
    open: async (path, mode) => {
      const file = await disk.open(path, mode)
      return { ...file, sync: () => alone(path, () => file.sync()) }
    },
  }
}

test('nothing is synced by two at once, of whom the system would tell one alone that it failed', async () => {
  const world = async (): Promise<void> => {
    const twice = new Set<string>()
    const disk = simDisk({ seed: Math.floor(random() * 2 ** 31), faults: { latencyMs: 2 } })
    await using store = await openOn(watching(disk, twice), { maxBytes: 4_194_304 })
    await taskGroup(async (group) => {
      for (let caller = 0; caller < 4; caller += 1) {
        group.spawn(async () => {
          for (let step = 0; step < 20; step += 1) {
            using lease = store.lease()
            const { cid, bytes } = numbered(1 + caller * 1000 + step, 9000)
            await lease.put(cid, bytes)
            await lease.flush()
            lease.close()
            if (step % 2 === 0) await store.delete(cid)
            if (step % 8 === 7) await store.compact({ minDeadShare: 0.1 })
          }
        })
      }
    })
    expect([...twice]).toEqual([])
  }
  const { failed } = await simulate(world, { seeds: 12, maxFailures: 1 })
  expect(failed[0]?.error).toBeUndefined()
})
