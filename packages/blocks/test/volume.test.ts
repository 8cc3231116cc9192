/** A store on a volume that allows less than its quota, and that others fill and empty too. */
import { sim, sleep, withBackend } from '@ipfs-kit/concurrency'
import { type Disk, type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import type { BlocksOptions } from '../src/open-blocks.ts'
import { flood, hereOf } from './crash/cached-dag.ts'
import { type Block, linksOf, numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

const volumeBytes = 1_048_576
const maxBytes = 8 * volumeBytes

function smallDisk(): SimDisk {
  return simDisk({ seed: 1, faults: { capacityBytes: volumeBytes, shortWrites: 0 } })
}

function opened(disk: Disk, options: Partial<BlocksOptions> = {}): Promise<Blocks> {
  return openOn(disk, { maxBytes, ...options })
}

/** Puts a block that is never evicted. */
async function keep(store: Blocks, block: Block): Promise<void> {
  using lease = store.lease()
  await lease.put(block.cid, block.bytes)
  await lease.flush()
}

async function put(store: Blocks, { cid, bytes }: Block): Promise<void> {
  await store.put(cid, bytes)
}

/** The same disk, which takes its time to say how much is free: it looks first or last. */
function slowToTell(disk: Disk, look: 'first' | 'last'): Disk {
  const freeSpace: Disk['freeSpace'] = async (path) => {
    if (look === 'last') await sleep(1000)
    const space = await disk.freeSpace(path)
    if (look === 'first') await sleep(1000)
    return space
  }
  return { ...disk, freeSpace }
}

/** As many bytes, but for what the ends of packs take that are not sealed. */
function about(bytes: number): unknown {
  return expect.toSatisfy((found: number) => Math.abs(found - bytes) < 16_384, `about ${bytes}`)
}

/** Runs in simulated time. */
async function simulated(run: () => Promise<void>): Promise<void> {
  await withBackend(run, { backend: sim(1) })
}

/** Until nothing goes on any more. */
async function settled(): Promise<void> {
  await sleep(60_000)
}

for (const look of ['first', 'last'] as const) {
  test(`what is written and dropped while the volume is asked does not count (it looks ${look})`, async () => {
    await simulated(async () => {
      await using store = await opened(slowToTell(smallDisk(), look))
      const { maxBytes: allowedBytes } = store.stats()
      await flood(store, 1000, 200)
      await settled()
      expect(store.stats()).toMatchObject({ evictedPacks: 0, maxBytes: about(allowedBytes) })
      await put(store, numbered(1, 250_000))
      await settled()
      // One more is dropped for what comes next.
      expect(store.stats()).toMatchObject({ evictedPacks: 4, maxBytes: about(allowedBytes) })
    })
  })

  test(`what is dropped while the volume is asked does not count (it looks ${look})`, async () => {
    await simulated(async () => {
      await using store = await opened(slowToTell(smallDisk(), look))
      const { maxBytes: allowedBytes } = store.stats()
      for (let number = 1; store.stats().evictedPacks === 0; number += 1) {
        await put(store, numbered(number, 4000))
        await settled()
      }
      expect(store.stats()).toMatchObject({ evictedPacks: 1, maxBytes: about(allowedBytes) })
    })
  })

  test(`what others have freed counts, and what was dropped does not count twice (the volume looks ${look})`, async () => {
    await simulated(async () => {
      const disk = smallDisk()
      await using store = await opened(slowToTell(disk, look))
      const { maxBytes: allowedBytes } = store.stats()
      await keep(store, numbered(1, 300_000))
      await flood(store, 1000, 90)
      await settled()
      disk.setFaults({ capacityBytes: disk.stats().usedBytes + 80_000 })
      for (let number = 2000; number < 2018; number += 1) {
        await put(store, numbered(number, 4000))
        await settled()
      }
      expect(store.stats().maxBytes).toBeLessThan(0.75 * volumeBytes)
      disk.setFaults({ capacityBytes: volumeBytes })
      await put(store, numbered(2, 500_000))
      expect(store.stats().maxBytes).toEqual(about(allowedBytes))
    })
  })
}

test('nobody is refused for lack of what others have freed on the volume since it was asked', async () => {
  const disk = smallDisk()
  const kept = numbered(1, 600_000)
  let isFreed = false
  await using store = await opened(disk, {
    // All that can be dropped has been by the time of a mark.
    claims: () => {
      if (isFreed) disk.setFaults({ capacityBytes: 2 * volumeBytes })
      return [{ cid: kept.cid }]
    },
    links: linksOf,
  })
  await keep(store, kept)
  await expect(put(store, numbered(2, 500_000))).rejects.toMatchObject({ code: 'BLOCKS_FULL' })
  isFreed = true
  await put(store, numbered(3, 500_000))
  expect(await hereOf(store, [kept, numbered(3, 500_000)])).toHaveLength(2)
})

test('who waits behind somebody who is refused gets the room that there is', async () => {
  await using store = await opened(smallDisk())
  await keep(store, numbered(1, 600_000))
  await flood(store, 1000, 60)
  const refused = expect(put(store, numbered(2, 500_000))).rejects.toMatchObject({ code: 'BLOCKS_FULL' })
  await put(store, numbered(3, 200_000))
  await refused
  expect(await hereOf(store, [numbered(3, 200_000)])).toHaveLength(1)
})
