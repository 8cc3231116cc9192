import { sim, withBackend } from '@ipfs-kit/concurrency'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { BlocksError } from '../src/errors.ts'
import { type Block, listOf, numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

const calm = { shortWrites: 0, slowReads: 0 }

/** Adds blocks through a lease, and claims them once they are durable. */
async function add(
  store: Blocks,
  claimed: Block[],
  first: number,
  count: number,
  size: number,
): Promise<readonly Block[]> {
  using lease = store.lease()
  const leaves = Array.from({ length: count }, (_, at) => numbered(first + at, size))
  const root = listOf(
    leaves.map(({ cid }) => cid),
    first,
  )
  for (const { cid, bytes } of [...leaves, root]) await lease.put(cid, bytes)
  await lease.flush()
  claimed.push(root)
  return [...leaves, root]
}

/** What a store goes through; the blocks of the claims that it has then. Each call may fail, by a code. */
async function scenario(disk: SimDisk, claimed: Block[], failures: string[]): Promise<readonly Block[]> {
  const safe: Block[] = []
  const attempt = async (what: () => Promise<unknown>): Promise<void> => {
    try {
      await what()
    } catch (error) {
      if (!(error instanceof BlocksError)) throw error
      failures.push(error.code)
    }
  }
  let store: Blocks | undefined
  await attempt(async () => (store = await openOn(disk, { claimed })))
  if (store === undefined) return safe
  const open = store
  for (let at = 0; at < 4; at += 1)
    await attempt(() => open.put(numbered(at, 9000).cid, numbered(at, 9000).bytes))
  await attempt(async () => safe.push(...(await add(open, claimed, 100, 6, 9000))))
  await attempt(() => open.unverified.put('a record', Buffer.from('a value')))
  await attempt(async () => void (await add(open, claimed, 200, 8, 9000)))
  const dropped = claimed.findIndex(({ bytes }) => Buffer.compare(bytes, safe.at(-1)?.bytes ?? bytes) !== 0)
  if (dropped !== -1) claimed.splice(dropped, 1)
  await attempt(() => open.delete(numbered(1, 9000).cid))
  await attempt(() => open.collect())
  await attempt(async () => safe.push(...(await add(open, claimed, 300, 5, 2000))))
  for (const { cid, bytes } of safe)
    await attempt(async () => expect(Buffer.compare((await open.get(cid))!, bytes)).toBe(0))
  // One failure is no reason to take nothing more, but for a sync.
  if (open.stats().syncFailure === undefined) {
    const more = async (): Promise<void> => {
      await open.put(numbered(400, 100).cid, numbered(400, 100).bytes)
      safe.push(...(await add(open, claimed, 500, 2, 2000)))
    }
    const before = failures.length
    await attempt(more)
    if (failures.length > before && open.stats().syncFailure === undefined) await more()
  }
  await attempt(() => open.close())
  return safe
}

async function expectWhole(disk: SimDisk, safe: readonly Block[]): Promise<void> {
  await using store = await openOn(disk)
  for (const { cid, bytes } of safe) {
    const found = await store.get(cid)
    if (found === undefined || Buffer.compare(found, bytes) !== 0) throw new Error(`${cid} is lost`)
  }
}

async function operationsOf(what: (disk: SimDisk) => Promise<unknown>): Promise<number> {
  const disk = simDisk({ seed: 1, faults: calm })
  await what(disk)
  return Object.values(disk.stats().operations).reduce((sum, count) => sum + count, 0)
}

describe('an operation of the disk that fails, whichever it is', () => {
  for (const [code, end] of [
    ['EIO', 'kill'],
    ['EIO', 'crash'],
    ['ENOSPC', 'crash'],
  ] as const) {
    test(`costs nothing that was promised (${code}, then ${end})`, async () => {
      const count = await operationsOf((disk) => scenario(disk, [], []))
      expect(count).toBeGreaterThan(80)
      let told = 0
      for (let nth = 1; nth <= count; nth += 1) {
        const disk = simDisk({ seed: nth, faults: calm })
        disk.failAt('any', nth, code)
        const claimed: Block[] = []
        const failures: string[] = []
        const safe = await scenario(disk, claimed, failures).catch((error: unknown) => {
          throw new Error(`operation ${nth} of ${count}`, { cause: error })
        })
        told += Number(failures.length > 0)
        const after = end === 'kill' ? disk.kill() : disk.crash()
        await expectWhole(after.copy(nth), safe)
        await expectWhole(after.crash(), safe)
      }
      expect(told).toBeGreaterThan(count / 8)
    })
  }
})

describe('a sync that fails', () => {
  test('ends durable puts for good, and nothing else', async () => {
    const disk = simDisk({ seed: 1 })
    const store = await openOn(disk)
    const before = await add(store, [], 1, 3, 100)
    disk.failAt('sync', 1)
    const lease = store.lease()
    await lease.put(numbered(50, 10).cid, numbered(50, 10).bytes)
    await expect(lease.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED', kind: 'internal' })
    await expect(lease.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
    await expect(lease.put(numbered(51, 10).cid, numbered(51, 10).bytes)).rejects.toMatchObject({
      code: 'BLOCKS_SYNC_FAILED',
    })
    await expect(store.lease().flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
    expect(store.stats().syncFailure).toContain('sync')
    for (const { cid, bytes } of before) expect(await store.get(cid)).toEqual(Buffer.from(bytes))
    await store.put(numbered(52, 10).cid, numbered(52, 10).bytes)
    expect(await store.has(numbered(52, 10).cid)).toBe(true)
    lease.close()
    await store.close()
    await expectWhole(disk.crash(), before)
  })

  test('is not forgotten when the process dies: the next one writes what is in doubt anew', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const disk = simDisk({ seed })
      const store = await openOn(disk)
      const before = await add(store, [], 1, 3, 3000)
      disk.failAt('sync', 1)
      await expect(add(store, [], 50, 3, 3000)).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
      await store.close()
      const second = disk.kill()
      const again = await openOn(second)
      expect(again.stats().syncFailure).toBeUndefined()
      // The blocks are found, from memory; once flushed they are on the device.
      const after = await add(again, [], 50, 3, 3000)
      const third = second.crash()
      await again.close().catch(() => undefined)
      await expectWhole(third, [...before, ...after])
    }
  })
})

test('what a killed process has left unsynced is synced before it counts as durable', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const disk = simDisk({ seed })
    const blocks = [1, 2, 3, 4].map((at) => numbered(at, 3000))
    const store = await openOn(disk)
    using first = store.lease()
    for (const { cid, bytes } of blocks) await first.put(cid, bytes)
    const second = disk.kill()
    await store.close().catch(() => undefined)
    const again = await openOn(second)
    using lease = again.lease()
    expect(await lease.hold(blocks[0]!.cid)).toBe(true)
    for (const { cid, bytes } of blocks) expect(await lease.put(cid, bytes)).toBe('found')
    await lease.flush()
    const third = second.crash()
    await again.close().catch(() => undefined)
    await expectWhole(third, blocks)
  }
})

describe('a full volume', () => {
  test('in mid-append costs what did not fit, and puts go on when there is room', async () => {
    const disk = simDisk({ seed: 3 })
    const store = await openOn(disk)
    const claimed: Block[] = []
    const safe = [...(await add(store, claimed, 1, 5, 5000))]
    disk.setFaults({ capacityBytes: disk.stats().usedBytes + 30_000 })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, at) => add(store, claimed, 1000 + at * 20, 6, 4000)),
    )
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') safe.push(...outcome.value)
      else expect(outcome.reason).toMatchObject({ code: 'BLOCKS_FULL', kind: 'full' })
    }
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true)
    for (const { cid, bytes } of safe) expect(await store.get(cid)).toEqual(Buffer.from(bytes))
    disk.setFaults({ capacityBytes: 2 ** 40 })
    safe.push(...(await add(store, claimed, 5000, 6, 4000)))
    await store.close()
    await expectWhole(disk.crash(), safe)
  })

  test('in mid-compaction leaves everything as it was', async () => {
    for (const room of [0, 4096, 12_288, 24_576]) {
      const disk = simDisk({ seed: 4 })
      const claimed: Block[] = []
      const store = await openOn(disk, { claimed })
      const safe: Block[] = []
      for (let at = 0; at < 12; at += 1) {
        const blocks = await add(store, claimed, at * 100, 4, 4000)
        if (at % 2 === 0) claimed.pop()
        else safe.push(...blocks)
      }
      disk.setFaults({ capacityBytes: disk.stats().usedBytes + room })
      await store
        .compact({ minDeadShare: 0.1 })
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'BLOCKS_FULL' }))
      for (const { cid, bytes } of safe) expect(await store.get(cid)).toEqual(Buffer.from(bytes))
      disk.setFaults({ capacityBytes: 2 ** 40 })
      expect((await store.collect()).keptBlocks).toBe(safe.length)
      await store.close()
      await expectWhole(disk.crash(), safe)
    }
  })
})

test('a write that fails fails for all who put the block, and for nobody after them', async () => {
  const disk = simDisk({ seed: 5 })
  const store = await openOn(disk)
  const { cid, bytes } = numbered(1, 50_000)
  for (const lease of [undefined, store.lease()]) {
    disk.failAt('write', 1)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => (lease ?? store).put(cid, bytes)),
    )
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0)
    for (const one of outcomes)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'BLOCKS_IO' })
    await (lease ?? store).put(cid, bytes)
    expect(await store.get(cid)).toEqual(Buffer.from(bytes))
    expect(store.stats().entries).toBe(1)
    lease?.close()
  }
  await store.close()
})

test('values of one key whose writes fail leave no trace', async () => {
  const world = async (): Promise<void> => {
    // A write that takes its time: the others are put while the first one is being written.
    const disk = simDisk({ seed: 6, faults: { ...calm, slowWrites: 1, latencyMs: 100 } })
    await using store = await openOn(disk)
    await store.put(numbered(1, 10).cid, numbered(1, 10).bytes)
    disk.failAt('write', 1)
    const puts = [1, 2, 3].map((at) => store.unverified.put('a key', Buffer.alloc(20_000, at)))
    const outcomes = await Promise.allSettled(puts)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(await store.unverified.get('a key')).toBeUndefined()
    expect(store.stats()).toMatchObject({ entries: 1, corruptReads: 0 })
  }
  await withBackend(world, { backend: sim(1) })
})
