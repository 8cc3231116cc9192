import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Blocks, openBlocks } from '@ipfs-kit/blocks'
import { sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { blockOf } from './blocks-of.ts'

const onBoth = forEachBackend(test, { seeds: 40 })

/** A store of small packs on a disk that takes its time. */
function openSmall(seed = 1, maxIndexedEntries?: number): Promise<Blocks> {
  return openBlocks({
    path: '/store',
    disk: simDisk({ seed, faults: { latencyMs: 3 } }),
    maxBytes: 32 * 1024 * 1024,
    packBytes: 65_536,
    ...(maxIndexedEntries === undefined ? {} : { maxIndexedEntries }),
  })
}

async function listed(blocks: Blocks, pauseMs?: number): Promise<Map<string, number>> {
  const times = new Map<string, number>()
  for await (const { cid } of blocks.list()) {
    times.set(cid.toString(), (times.get(cid.toString()) ?? 0) + 1)
    if (pauseMs !== undefined) await sleep(pauseMs)
  }
  return times
}

onBoth(
  'lists every block once with its size and stream, and no record',
  async () => {
    await using blocks = await openSmall()
    const expected = new Map<string, { size: number; stream: string }>()
    using lease = blocks.lease()
    for (let number = 0; number < 200; number++) {
      const { cid, bytes } = blockOf(number, 20 + number * 5)
      await (number % 3 === 0 ? lease.put(cid, bytes) : blocks.put(cid, bytes))
      expected.set(cid.toString(), { size: bytes.length, stream: number % 3 === 0 ? 'kept' : 'cache' })
    }
    await blocks.unverified.put('name', Buffer.from('value'))
    const found = new Map<string, { size: number; stream: string }>()
    for await (const { cid, size, stream } of blocks.list()) {
      expect(cid.version).toBe(1)
      expect(found.has(cid.toString())).toBe(false)
      found.set(cid.toString(), { size, stream })
    }
    expect(found).toEqual(expected)
  },
  { seeds: 10 },
)

onBoth(
  'lists no block that was deleted, and none that is damaged',
  async () => {
    await using blocks = await openSmall()
    const [here, gone] = [blockOf(1), blockOf(2)]
    await blocks.put(here.cid, here.bytes)
    await blocks.put(gone.cid, gone.bytes)
    await blocks.put(here.cid, Buffer.from('not these'), { verify: 'on-read' })
    await blocks.delete(gone.cid)
    expect([...(await listed(blocks)).keys()]).toEqual([here.cid.toString()])
    const lie = blockOf(3)
    await blocks.put(lie.cid, Buffer.from('other bytes'), { verify: 'on-read' })
    expect(await blocks.get(lie.cid)).toBeUndefined()
    expect([...(await listed(blocks)).keys()]).toEqual([here.cid.toString()])
  },
  { seeds: 10 },
)

for (const maxIndexedEntries of [undefined, 100]) {
  const where = maxIndexedEntries === undefined ? 'in memory' : 'answered from footers'
  onBoth(`lists once what moves to other packs meanwhile, with entries ${where}`, async () => {
    await using blocks = await openSmall(1, maxIndexedEntries)
    const kept = Array.from({ length: 300 }, (_, number) => blockOf(number, 700))
    const cached = Array.from({ length: 100 }, (_, number) => blockOf(1000 + number, 700))
    {
      using lease = blocks.lease()
      for (const { cid, bytes } of kept) await lease.put(cid, bytes)
      await lease.flush()
    }
    for (const { cid, bytes } of cached) await blocks.put(cid, bytes)
    for (const { cid } of kept.filter((_, number) => number % 2 === 0)) await blocks.delete(cid)
    const stay = [...kept.filter((_, number) => number % 2 === 1), ...cached].map(({ cid }) => cid.toString())
    await taskGroup(async (group) => {
      const listing = group.spawn(() => listed(blocks))
      group.spawn(() => blocks.compact({ minDeadShare: 0.1 }))
      group.spawn(async () => {
        using lease = blocks.lease({ name: 'mover' })
        for (const { cid } of cached) await lease.hold(cid)
      })
      const times = await listing
      for (const cid of stay) expect([cid, times.get(cid)]).toEqual([cid, 1])
    })
    expect(blocks.stats().compactedPacks).toBeGreaterThan(0)
  })
}

onBoth(
  'lists by the frames where the keys of a footer are damaged',
  async () => {
    const disk = simDisk({ seed: 1 })
    const options = { path: '/store', disk, maxBytes: 32 * 1024 * 1024, packBytes: 65_536 }
    const expected = new Set<string>()
    {
      await using blocks = await openBlocks(options)
      for (let number = 0; number < 300; number++) {
        const { cid, bytes } = blockOf(number, 500)
        await blocks.put(cid, bytes)
        expected.add(cid.toString())
      }
    }
    await using blocks = await openBlocks(options)
    const file = await disk.open('/store/cache-00000001.pack', 'write')
    // The last key, before the 64 bytes at the end of a footer.
    await file.write([Buffer.alloc(8, 0xff)], (await file.size()) - 64 - 20)
    await file.close()
    const times = await listed(blocks)
    expect(new Set(times.keys())).toEqual(expected)
  },
  { seeds: 5 },
)

onBoth(
  'ends with the reason of its signal, and with BLOCKS_CLOSED',
  async () => {
    const blocks = await openSmall()
    for (let number = 0; number < 10; number++) {
      const { cid, bytes } = blockOf(number)
      await blocks.put(cid, bytes)
    }
    const controller = new AbortController()
    const reason = new Error('enough')
    const cancelled = blocks.list({ signal: controller.signal })
    await cancelled.next()
    controller.abort(reason)
    await expect(cancelled.next()).rejects.toBe(reason)
    const closed = blocks.list()
    await closed.next()
    await blocks.close()
    await expect(closed.next()).rejects.toMatchObject({ code: 'BLOCKS_CLOSED' })
  },
  { seeds: 10 },
)

test('lists more than one range of tags once while packs are compacted', async () => {
  const path = await mkdtemp(join(tmpdir(), 'blocks-'))
  const blocks = await openBlocks({ path, packBytes: 262_144 })
  try {
    const count = 70_000
    const kept = 6000
    const all = Array.from({ length: count }, (_, number) => blockOf(number, 16))
    {
      using lease = blocks.lease()
      for (let from = 0; from < kept; from += 500) {
        await Promise.all(all.slice(from, from + 500).map(({ cid, bytes }) => lease.put(cid, bytes)))
      }
    }
    for await (const _cid of blocks.putMany(all.slice(kept), { verify: 'on-read' }));
    for (let number = 0; number < kept; number += 4) await blocks.delete(all[number]!.cid)
    const times = new Map<string, number>()
    let compacting: Promise<unknown> | undefined
    for await (const { cid } of blocks.list()) {
      // The first range is there: all others are listed while packs change.
      compacting ??= blocks.compact({ minDeadShare: 0.01 })
      times.set(cid.toString(), (times.get(cid.toString()) ?? 0) + 1)
    }
    await compacting
    expect(blocks.stats().compactedPacks).toBeGreaterThan(0)
    const wrong = all.filter(({ cid }, number) => {
      const isGone = number < kept && number % 4 === 0
      return (times.get(cid.toString()) ?? 0) !== (isGone ? 0 : 1)
    })
    expect(wrong).toEqual([])
  } finally {
    await blocks.close()
    await rm(path, { recursive: true })
  }
})
