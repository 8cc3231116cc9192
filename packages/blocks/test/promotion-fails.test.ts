import { createEvent, sim, sleep, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { type Disk, type DiskFile, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { BlocksError } from '../src/errors.ts'
import { soak } from './crash/amount.ts'
import { type Block, listOf, numbered, whole } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

/** A store with a claim whose leaves came later, without a lease: a mark has to move them to a kept pack. */
async function openWithCachedLeaves(
  disk: Disk,
  leafBytes: number,
): Promise<{ readonly store: Blocks; readonly leaves: readonly Block[] }> {
  const claimed: Block[] = []
  const store = await openOn(disk, { claimed })
  const leaves = Array.from({ length: 5 }, (_, at) => numbered(1 + at, leafBytes))
  const root = listOf(
    leaves.map(({ cid }) => cid),
    1,
  )
  using lease = store.lease()
  await lease.put(root.cid, root.bytes)
  await lease.flush()
  claimed.push(root)
  for (const { cid, bytes } of leaves) await store.put(cid, bytes)
  expect(store.stats()).toMatchObject({ keptEntries: 1, cacheEntries: 5 })
  return { store, leaves }
}

async function expectAll(store: Blocks, blocks: readonly Block[]): Promise<void> {
  for (const { cid, bytes } of blocks) {
    const found = await store.get(cid)
    if (found === undefined || Buffer.compare(found, bytes) !== 0) throw new Error(`${cid} is lost`)
  }
}

for (const [code, expected] of [
  ['EIO', 'BLOCKS_IO'],
  ['ENOSPC', 'BLOCKS_FULL'],
] as const) {
  for (const leafBytes of [1000, 20_000]) {
    test(`a mark that cannot write what it moves is no mark, and nothing is dropped (${code}, ${leafBytes} bytes)`, async () => {
      const disk = simDisk({ seed: 1 })
      const { store, leaves } = await openWithCachedLeaves(disk, leafBytes)
      disk.failAt('write', 1, code)
      await expect(store.collect()).rejects.toMatchObject({ code: expected })
      expect(store.stats().epoch).toBe(0)
      await expectAll(store, leaves)
      disk.failAt('write', 1, code)
      await expect(store.mark()).rejects.toMatchObject({ code: expected })
      // The next one moves them.
      expect(await store.collect()).toMatchObject({ removedBlocks: 0, keptBlocks: 6 })
      expect(store.stats()).toMatchObject({ keptEntries: 6, cacheEntries: 0, epoch: 1 })
      await store.close()
      await using again = await openOn(disk.crash())
      await expectAll(again, leaves)
    })
  }
}

test(
  'eviction beside a mark that cannot write what it moves costs no claimed block',
  { timeout: 300_000 * soak },
  async () => {
    let failedMarks = 0
    let completeMarks = 0
    let evicted = 0
    const { failed } = await simulate(
      async () => {
        const disk = simDisk({ seed: whole(1000), faults: { latencyMs: 3, slowReads: 0.5, shortWrites: 0 } })
        const { store, leaves } = await openWithCachedLeaves(disk, 9000)
        // Full of cached blocks, the leaves in the oldest packs.
        for (let at = 0; at < 70; at += 1)
          await store.put(numbered(100 + at, 9000).cid, numbered(100 + at, 9000).bytes)
        let safe = false
        await taskGroup(async (group) => {
          group.spawn(async () => {
            for (let at = 0; at < 40; at += 1) {
              const { cid, bytes } = numbered(300 + at, 9000)
              await store.put(cid, bytes).catch((error: unknown) => expect(error).toBeInstanceOf(BlocksError))
            }
          })
          group.spawn(async () => {
            for (let at = 0; at < 3; at += 1) {
              await sleep(whole(40))
              disk.failAt('write', 1 + whole(3))
              try {
                safe ||= (await store.mark()).missingLeaves === 0
              } catch (error) {
                if (!(error instanceof BlocksError)) throw error
                failedMarks += 1
              }
            }
          })
        })
        evicted += store.stats().evictedPacks
        // The leaves may go before a mark has met them all, and not afterwards.
        for (const leaf of leaves) if (safe || (await store.has(leaf.cid))) await expectAll(store, [leaf])
        expect(store.stats().corruptReads).toBe(0)
        completeMarks += Number(safe)
        await store.close()
      },
      { seeds: 40 * soak, maxFailures: 1 },
    )
    expect(failed[0]?.error).toBeUndefined()
    expect(failedMarks).toBeGreaterThan(5)
    expect(completeMarks).toBeGreaterThan(10)
    expect(evicted).toBeGreaterThan(100)
  },
)

test('a pack whose blocks come back, since they could not be moved, is not dropped', async () => {
  await withBackend(
    async () => {
      const disk = simDisk({ seed: 1, faults: { shortWrites: 0, slowReads: 0, latencyMs: 1 } })
      const moved = createEvent({ name: 'eviction has come to the end of the pack' })
      let moving = false
      const held: Disk = {
        ...disk,
        open: async (path, mode) => {
          const file = await disk.open(path, mode)
          const write: DiskFile['write'] = async (buffers, position) => {
            if (moving && path.includes('kept-')) {
              await moved.wait()
              moving = false
              disk.failAt('write', 1)
            }
            return await file.write(buffers, position)
          }
          return { ...file, write, writeNow: () => false }
        },
      }
      const { store, leaves } = await openWithCachedLeaves(held, 9000)
      // The leaves' pack is full, and the next ones are.
      for (let at = 0; at < 70; at += 1)
        await store.put(numbered(100 + at, 9000).cid, numbered(100 + at, 9000).bytes)
      expect(store.stats()).toMatchObject({ keptEntries: 1, evictedPacks: 0 })
      moving = true
      await taskGroup(async (group) => {
        group.spawn(async () => {
          await expect(store.mark()).rejects.toMatchObject({ code: 'BLOCKS_IO' })
        })
        await sleep(100)
        expect(store.stats()).toMatchObject({ keptEntries: 6 })
        for (let at = 0; at < 60; at += 1) {
          const { cid, bytes } = numbered(300 + at, 9000)
          group.spawn(() =>
            store.put(cid, bytes).catch((error: unknown) => expect(error).toBeInstanceOf(BlocksError)),
          )
        }
        await sleep(200)
        moved.set()
      })
      // They may be dropped: no mark was complete. But what is said to be there is there.
      for (const leaf of leaves) if (await store.has(leaf.cid)) await expectAll(store, [leaf])
      expect(store.stats()).toMatchObject({ corruptReads: 0, keptEntries: 1 })
      await store.close()
      await using again = await openOn(disk)
      for (const leaf of leaves) if (await again.has(leaf.cid)) await expectAll(again, [leaf])
    },
    { backend: sim(1) },
  )
})

test('a mark is told of what it could not move, though an eviction has met it before', async () => {
  await withBackend(
    async () => {
      const disk = simDisk({ seed: 1, faults: { shortWrites: 0, slowReads: 0, latencyMs: 1 } })
      const walked = createEvent({ name: 'the walk may end' })
      const claimed = Array.from({ length: 3 }, (_, at) => numbered(1 + at, 9000))
      await using store = await openOn(disk, {
        async *claims() {
          for (const { cid } of claimed) yield { cid }
          await walked.wait()
        },
        links: () => [],
      })
      for (let at = 0; at < 80; at += 1)
        await store.put(numbered(100 + at, 9000).cid, numbered(100 + at, 9000).bytes)
      for (const { cid, bytes } of claimed) await store.put(cid, bytes)
      await sleep(100)
      await taskGroup(async (group) => {
        disk.failAt('write', 1)
        group.spawn(async () => {
          await expect(store.mark()).rejects.toMatchObject({ code: 'BLOCKS_IO' })
        })
        await sleep(100)
        // The walk has come to them, and they are back where they were.
        expect(store.stats()).toMatchObject({ keptEntries: 0, epoch: 0, keptPacks: 0 })
        const before = store.stats().evictedPacks
        for (let at = 0; at < 40; at += 1)
          await store.put(numbered(300 + at, 9000).cid, numbered(300 + at, 9000).bytes)
        expect(store.stats().evictedPacks).toBeGreaterThan(before)
        walked.set()
      })
      expect(await store.mark()).toMatchObject({ epoch: 1, missingLeaves: 0 })
      expect(store.stats()).toMatchObject({ keptEntries: 3 })
    },
    { backend: sim(1) },
  )
})

test('a mark that is told of no failure has moved what is claimed', async () => {
  await withBackend(
    async () => {
      const disk = simDisk({ seed: 1 })
      const { store, leaves } = await openWithCachedLeaves(disk, 1000)
      await store.mark()
      for (const { cid } of leaves)
        expect(await store.explain(cid)).toMatchObject({ state: 'kept', synced: true })
      const next = disk.crash()
      await store.close().catch(() => undefined)
      await using again = await openOn(next)
      await expectAll(again, leaves)
    },
    { backend: sim(1) },
  )
})
