import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sim, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { type Disk, nodeDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openBlocks } from '../src/open-blocks.ts'
import { soak } from './crash/amount.ts'
import { countedDisk } from './crash/counted-disk.ts'
import { type Block, linksOf, listOf, numbered } from './crash/made-blocks.ts'

const maxBytes = 2_097_152
const blockBytes = 4096

/** Ten times the quota goes through it; of every ten groups three are kept, up to 30 % of the quota. */
async function writeThrough(
  disk: Disk,
  path: string,
  seed: number,
): Promise<{ readonly waitMs: number; readonly over: number }> {
  const counted = await countedDisk(disk, path)
  let writtenBytes = 0
  const measured: Disk = {
    ...counted,
    open: async (file, mode) => {
      const one = await counted.open(file, mode)
      return {
        ...one,
        write: (buffers, position) => {
          writtenBytes += buffers.reduce((sum, { length }) => sum + length, 0)
          over = Math.max(over, counted.packBytes - maxBytes)
          return one.write(buffers, position)
        },
      }
    },
  }
  let over = -Infinity
  const claimed: { readonly root: Block; readonly leaves: readonly Block[] }[] = []
  const store = await openBlocks({
    path,
    disk: measured,
    maxBytes,
    packBytes: 131_072,
    minFreeBytes: 0,
    minFreeInodes: 0,
    claims: () => claimed.map(({ root }) => ({ cid: root.cid })),
    links: linksOf,
  })
  const hot = Array.from({ length: 8 }, (_, at) => numbered(seed * 1e6 + 900_000 + at, blockBytes))
  for (const { cid, bytes } of hot) await store.put(cid, bytes)
  let payloadBytes = 0
  let group = 0
  const groups = (10 * maxBytes) / (10 * blockBytes)
  const writer = async (): Promise<void> => {
    while (group < groups) {
      const number = group++
      const leaves = Array.from({ length: 10 }, (_, at) =>
        numbered(seed * 1e6 + number * 10 + at, blockBytes),
      )
      payloadBytes += 10 * blockBytes
      if (number % 10 < 3) {
        using lease = store.lease()
        for (const { cid, bytes } of leaves) await lease.put(cid, bytes)
        const root = listOf(
          leaves.map(({ cid }) => cid),
          number,
        )
        await lease.put(root.cid, root.bytes)
        await lease.flush()
        claimed.push({ root, leaves })
        if (claimed.length * 10 * blockBytes > 0.3 * maxBytes) claimed.shift()
      } else for (const { cid, bytes } of leaves) await store.put(cid, bytes)
      for (const { cid, bytes } of hot.slice(0, 2))
        if ((await store.get(cid)) === undefined) await store.put(cid, bytes)
    }
  }
  await taskGroup(async (tasks) => {
    for (let at = 0; at < 4; at += 1) tasks.spawn(writer)
  })
  for (const { root, leaves } of claimed) {
    for (const { cid, bytes } of [root, ...leaves])
      expect(Buffer.compare((await store.get(cid))!, bytes)).toBe(0)
  }
  const stats = store.stats()
  expect(stats.packBytes).toBeLessThanOrEqual(maxBytes)
  expect(counted.packBytes).toBeLessThanOrEqual(stats.packBytes)
  expect(stats.evictedPacks).toBeGreaterThan(50)
  // What was read since comes back, within the budget: a tenth of each pack that is dropped.
  expect(stats.readmittedBytes).toBeLessThanOrEqual(stats.evictedPacks * 13_108)
  expect(writtenBytes / payloadBytes).toBeLessThan(1.3)
  await store.close()
  return { waitMs: stats.longestRoomWaitMs, over }
}

test(
  'ten times the quota goes through it without a byte above it, in simulated time',
  { timeout: 300_000 * soak },
  async () => {
    for (let seed = 1; seed <= 2 * soak; seed += 1) {
      await withBackend(
        async () => {
          const disk = simDisk({ seed, faults: { latencyMs: 0.2 } })
          await disk.makeFolder('/store')
          const { waitMs, over } = await writeThrough(disk, '/store', seed)
          expect(over).toBeLessThanOrEqual(0)
          expect(waitMs).toBeLessThan(1500)
        },
        { backend: sim(seed, { maxSteps: 20_000_000 }) },
      )
    }
  },
)

test('ten times the quota goes through it without a byte above it, on the disk of the system', async () => {
  const home = await mkdtemp(join(tmpdir(), 'ipfs-kit-blocks-'))
  try {
    const { over } = await writeThrough(nodeDisk(), home, 0)
    expect(over).toBeLessThanOrEqual(0)
  } finally {
    await rm(home, { recursive: true })
  }
})
