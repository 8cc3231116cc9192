import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { sleep, taskGroup } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import type { BlocksOptions } from '../src/open-blocks.ts'
import { soak } from './crash/amount.ts'
import { checkAll, dagOf, flood, hereOf, putAll } from './crash/cached-dag.ts'
import { type Block, linksOf, numbered, whole } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

/** A store of 1 MiB whose retained roots are those of a list, which are claims that may have holes. */
function opened(
  roots: readonly Block[],
  options: Partial<BlocksOptions> = {},
  disk = simDisk({ seed: 1 }),
): Promise<Blocks> {
  return openOn(disk, {
    claims: () => roots.map(({ cid }) => ({ cid, missing: 'skip' })),
    retained: () => roots.map(({ cid }) => cid),
    links: linksOf,
    ...options,
  })
}

for (const [where, options] of [
  ['in memory', {}],
  ['answered from their footers', { maxIndexedEntries: 20 }],
] as const) {
  test(`what a retained root reaches outlasts the cache packs it lay in, and nothing else does (packs ${where})`, async () => {
    const dag = dagOf(1)
    const other = dagOf(100)
    await using store = await opened([dag.root], options)
    await putAll(store, dag.blocks)
    await putAll(store, other.blocks)
    await flood(store, 1000, 1000)
    expect(store.stats().evictedPacks).toBeGreaterThan(40)
    await checkAll(store, dag.blocks)
    expect(await hereOf(store, other.blocks)).toEqual([])
    for (const { cid } of dag.blocks)
      expect(await store.explain(cid)).toMatchObject({ state: 'kept', synced: true })
  })
}

test('explain tells of a block that moves when its pack is dropped', async () => {
  const dag = dagOf(1)
  await using store = await opened([dag.root])
  await putAll(store, dag.blocks)
  await store.mark()
  const { why } = await store.explain(dag.root.cid)
  expect(why).toContain('it moves to a kept pack then, since a claim retains it')
})

describe('a root that comes later', () => {
  for (const [how, told] of [
    ['by its name', (root: Block) => [[root.cid]]],
    ['without its name', () => [undefined]],
    [
      'among very many',
      (root: Block) => [
        ...Array.from({ length: 1500 }, (_, at) => [numbered(1_000_000 + at, 4).cid]),
        [root.cid],
      ],
    ],
  ] as const) {
    test(`is walked before the next block goes, told of ${how}`, async () => {
      const roots: Block[] = []
      const dag = dagOf(1)
      await using store = await opened(roots)
      await flood(store, 1000, 500)
      await putAll(store, dag.blocks)
      await flood(store, 2000, 150)
      expect(await hereOf(store, dag.blocks)).toHaveLength(dag.blocks.length)
      roots.push(dag.root)
      for (const names of told(dag.root)) store.noteRetained(names)
      await flood(store, 3000, 500)
      await checkAll(store, dag.blocks)
    })
  }

  test('is found whoever tells of it, once the packs that were there at the last walk are gone', async () => {
    const roots: Block[] = []
    const dag = dagOf(1)
    await using store = await opened(roots)
    await flood(store, 1000, 500)
    roots.push(dag.root)
    await putAll(store, dag.blocks)
    await flood(store, 3000, 500)
    await checkAll(store, dag.blocks)
  })

  test('counts for a collection whose mark has asked for the claims before', async () => {
    const roots: Block[] = []
    const kept = dagOf(1)
    const cached = dagOf(100)
    const gone = dagOf(200)
    let store: Blocks | undefined
    store = await opened(roots, {
      // In the moment in which the mark has them all.
      claims: () => {
        roots.push(kept.root, cached.root)
        store?.noteRetained()
        return []
      },
    })
    {
      using lease = store.lease()
      for (const { cid, bytes } of [...kept.blocks, ...gone.blocks]) await lease.put(cid, bytes)
    }
    await putAll(store, cached.blocks)
    expect(await store.collect()).toMatchObject({ removedBlocks: gone.blocks.length })
    await checkAll(store, [...kept.blocks, ...cached.blocks])
    await store.close()
  })
})

for (const [how, fillerBytes] of [
  ['written anew', 0],
  ['rid of single blocks', 50_000],
] as const) {
  test(`a root that comes after a mark keeps what was dead by it, as the kept pack is ${how}`, async () => {
    const filler = numbered(1, fillerBytes)
    const dag = dagOf(100, 100)
    const gone = numbered(200, 100)
    const roots: Block[] = []
    await using store = await opened(roots, { claims: () => [{ cid: filler.cid }] })
    {
      using lease = store.lease()
      for (const { cid, bytes } of [filler, ...dag.blocks, gone]) await lease.put(cid, bytes)
    }
    const onMark = (): void => {
      roots.push(dag.root)
      store.noteRetained()
    }
    subscribe('blocks:mark', onMark)
    try {
      expect(await store.collect()).toMatchObject({ removedBlocks: 1 })
    } finally {
      unsubscribe('blocks:mark', onMark)
    }
    await checkAll(store, [filler, ...dag.blocks])
    expect(await store.has(gone.cid)).toBe(false)
    expect(store.stats().compactedPacks).toBe(fillerBytes === 0 ? 1 : 0)
  })
}

test('blocks below a retained root that come later are found before their packs go', async () => {
  const dag = dagOf(1)
  await using store = await opened([dag.root])
  await store.put(dag.root.cid, dag.root.bytes)
  await flood(store, 1000, 500)
  expect(await hereOf(store, dag.blocks)).toEqual([dag.root])
  await putAll(store, dag.blocks)
  await flood(store, 2000, 500)
  await checkAll(store, dag.blocks)
})

test('all is dropped that a root reached once it is not retained any more', async () => {
  const roots = [dagOf(1), dagOf(100)].map(({ root }) => root)
  const [moved, unmoved] = [dagOf(1), dagOf(100)]
  await using store = await opened(roots)
  await putAll(store, moved.blocks)
  await flood(store, 1000, 500)
  await putAll(store, unmoved.blocks)
  await store.mark()
  expect(store.stats().keptEntries).toBe(moved.blocks.length)
  roots.length = 0
  await flood(store, 2000, 500)
  expect(await hereOf(store, unmoved.blocks)).toEqual([])
  expect(await store.collect()).toMatchObject({ keptBlocks: 0 })
  expect(await hereOf(store, moved.blocks)).toEqual([])
})

test('a store can be filled again and again by what is retained for a while', async () => {
  // In simulated time: how much has gone by the time a root comes depends on when marks are made.
  const { failed } = await simulate(
    async () => {
      const roots: Block[] = []
      const disk = simDisk({ seed: whole(1000), faults: { latencyMs: 3 } })
      await using store = await opened(roots, {}, disk)
      for (let round = 1; round <= 12; round += 1) {
        // A quarter of the store. Leaves may go before the root comes, while what was retained before has its room.
        const dag = dagOf(round * 100, 25_000)
        await putAll(store, dag.blocks)
        roots.splice(0, 1, dag.root)
        store.noteRetained()
        const here = await hereOf(store, dag.blocks)
        expect(here.length).toBeGreaterThan(dag.blocks.length / 2)
        await flood(store, round * 10_000, 200)
        await checkAll(store, here)
      }
      const { packBytes, maxBytes } = store.stats()
      expect(packBytes).toBeLessThanOrEqual(maxBytes)
    },
    { seeds: 2 * soak, maxFailures: 1 },
  )
  expect(failed[0]?.error).toBeUndefined()
})

for (const leafBytes of [1000, 14_000]) {
  test(`writers are not refused while the oldest packs hold nothing but what is retained (leaves of ${leafBytes} bytes)`, async () => {
    const dags = Array.from({ length: 560_000 / (11 * leafBytes) }, (_, at) => dagOf(1 + at * 100, leafBytes))
    const { failed } = await simulate(
      async () => {
        const disk = simDisk({ seed: whole(1000), faults: { latencyMs: 3, slowReads: 0.5 } })
        await using store = await opened(
          dags.map(({ root }) => root),
          {},
          disk,
        )
        for (const { blocks } of dags) await putAll(store, blocks.toReversed())
        await taskGroup(async (group) => {
          for (let writer = 1; writer <= 8; writer += 1) group.spawn(() => flood(store, writer * 10_000, 60))
        })
        for (const { blocks } of dags) await checkAll(store, blocks)
        const { packBytes, maxBytes } = store.stats()
        expect(packBytes).toBeLessThanOrEqual(maxBytes)
      },
      { seeds: 2 * soak, maxFailures: 1 },
    )
    expect(failed[0]?.error).toBeUndefined()
  })
}

test('a collection of a store that is full of what is retained needs no room for it', async () => {
  const dags = Array.from({ length: 5 }, (_, at) => dagOf(1 + at * 100, 14_000))
  await using store = await opened(dags.map(({ root }) => root))
  for (const { blocks } of dags) await putAll(store, blocks)
  const { packBytes, maxBytes } = store.stats()
  expect(packBytes).toBeGreaterThan(0.75 * maxBytes)
  expect(await store.collect()).toMatchObject({ removedBlocks: 0 })
  for (const { blocks } of dags) await checkAll(store, blocks)
  expect(store.stats()).toMatchObject({ cacheEntries: 0 })
})

test('a store that is full of what is retained refuses what does not fit', async () => {
  const dags = Array.from({ length: 8 }, (_, at) => dagOf(1 + at * 100, 14_000))
  await using store = await opened(dags.map(({ root }) => root))
  const putting = async (): Promise<void> => {
    for (const { blocks } of dags) await putAll(store, blocks.toReversed())
  }
  await expect(putting()).rejects.toMatchObject({ code: 'BLOCKS_FULL' })
  const { packBytes, maxBytes } = store.stats()
  expect(packBytes).toBeLessThanOrEqual(maxBytes)
})

test('nothing is evicted while nobody can tell what is retained', async () => {
  const failure = new Error('the log is closed')
  let fails = false
  const dag = dagOf(1)
  await using store = await opened([], {
    retained: () => {
      if (fails) throw failure
      return [dag.root.cid]
    },
  })
  await putAll(store, dag.blocks)
  fails = true
  await expect(flood(store, 1000, 500)).rejects.toBe(failure)
  expect(store.stats().evictedPacks).toBe(0)
  fails = false
  await flood(store, 2000, 500)
  await checkAll(store, dag.blocks)
})

test('whoever finds no room then is told why, whatever is tried beside', async () => {
  const failure = new Error('the log is closed')
  const { failed } = await simulate(
    async () => {
      const disk = simDisk({ seed: whole(1000), faults: { latencyMs: 3 } })
      // oxlint-disable-next-line require-yield -- it fails
      const failing = async function* (): AsyncGenerator<never> {
        await sleep(whole(20))
        throw failure
      }
      await using store = await opened([], { claims: failing, retained: failing }, disk)
      const told: unknown[] = []
      await taskGroup(async (group) => {
        for (let writer = 1; writer <= 4; writer += 1) {
          group.spawn(() => flood(store, writer * 10_000, 500).catch((error: unknown) => told.push(error)))
        }
      })
      expect(told).toEqual([failure, failure, failure, failure])
    },
    { seeds: 20 * soak, maxFailures: 1 },
  )
  expect(failed[0]?.error).toBeUndefined()
})

test('a retained block that is damaged keeps no pack from being dropped', async () => {
  const disk = simDisk({ seed: 1 })
  const lone = numbered(1, 3000)
  const store = await opened([lone], {}, disk)
  await putAll(store, [lone])
  await flood(store, 1000, 30)
  const { pack, offset } = await store.explain(lone.cid)
  const path = `/store/cache-${String(pack).padStart(8, '0')}.pack`
  const file = await disk.open(path, 'write')
  await file.write([Buffer.from('damage')], offset! + 100)
  await file.close()
  await flood(store, 2000, 500)
  expect(await store.has(lone.cid)).toBe(false)
  expect(store.stats().keptEntries).toBe(0)
  await store.close()
})

test('retained roots without claims are refused', async () => {
  await expect(openOn(simDisk({ seed: 1 }), { retained: () => [] })).rejects.toThrow(
    'retained roots are among the claims',
  )
})
