import { checkpoint, sim, sleep, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, simulate, type Victim } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { soak } from './crash/amount.ts'
import { type Block, listOf, numbered, whole } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

async function add(
  store: Blocks,
  claimed: Set<Block>,
  leaves: readonly Block[],
  nonce: number,
): Promise<Block> {
  using lease = store.lease()
  for (const { cid, bytes } of leaves) if (!(await lease.hold(cid))) await lease.put(cid, bytes)
  const root = listOf(
    leaves.map(({ cid }) => cid),
    nonce,
  )
  await lease.put(root.cid, root.bytes)
  await lease.flush()
  claimed.add(root)
  return root
}

function openFor(claimed: ReadonlySet<Block>, disk = simDisk({ seed: 1 })): Promise<Blocks> {
  return openOn(disk, { claimed })
}

async function expectAll(store: Blocks, blocks: Iterable<Block>): Promise<void> {
  for (const { cid, bytes } of blocks) {
    const found = await store.get(cid)
    if (found === undefined || Buffer.compare(found, bytes) !== 0) throw new Error(`${cid} is lost`)
  }
}

describe('a cancellation at every step', () => {
  const victims: Record<string, (store: Blocks) => Promise<unknown>> = {
    collect: (store: Blocks) => store.collect(),
    compact: (store: Blocks) => store.compact({ minDeadShare: 0.01 }),
    mark: (store: Blocks) => store.mark(),
    verify: (store: Blocks) => store.verify(),
    'a put of a lease': async (store: Blocks) => {
      using lease = store.lease()
      await lease.put(numbered(900, 20_000).cid, numbered(900, 20_000).bytes)
      await lease.flush()
    },
    'a read': (store: Blocks) => store.getRange(numbered(1, 9000).cid, { offset: 5 }),
  }
  for (const [name, victimOf] of Object.entries(victims)) {
    test(`of ${name} harms nothing`, async () => {
      const report = await cancelAtEveryStep(
        async (victim: Victim) => {
          const claimed = new Set<Block>()
          const disk = simDisk({ seed: 7, faults: { shortWrites: 0, slowReads: 0.5 } })
          const store = await openFor(claimed, disk)
          const leaves = Array.from({ length: 10 }, (_, at) => numbered(at, 9000))
          await add(store, claimed, leaves.slice(0, 5), 1)
          const dropped = await add(store, claimed, leaves.slice(5), 2)
          claimed.delete(dropped)
          await store.put(numbered(50, 9000).cid, numbered(50, 9000).bytes)
          // It waits for every operation of the disk.
          disk.setFaults({ slowReads: 1, slowWrites: 1 })
          await victim(() => victimOf(store))
          disk.setFaults({ slowReads: 0.5, slowWrites: 0.5 })
          // Nothing is held, and nobody is in the way.
          expect(store.stats().openLeases).toBe(0)
          await add(store, claimed, [leaves[7]!, numbered(60, 100)], 3)
          await expectAll(store, [...leaves.slice(0, 5), leaves[7]!, numbered(60, 100), ...claimed])
          expect((await store.collect()).keptBlocks).toBe(9)
          await store.close()
          const again = await openFor(claimed, disk.crash())
          await expectAll(again, [...leaves.slice(0, 5), leaves[7]!, numbered(60, 100), ...claimed])
          await again.close()
        },
        { maxWaits: 10_000 },
      )
      expect(report.cancellations).toBeGreaterThan(0)
    })
  }
})

/** Adds against collections: every block of what was answered is complete, at once and afterwards. */
async function addAgainstCollect(adds: number): Promise<void> {
  const claimed = new Set<Block>()
  const held = new Map<Block, readonly Block[]>()
  const store = await openFor(claimed)
  let done = false
  await taskGroup(async (group) => {
    group.spawn(async () => {
      while (!done) await store.collect()
    })
    group.spawn(async () => {
      const adders = [0, 1, 2].map((adder) => async (): Promise<void> => {
        for (let round = 0; round < adds; round += 1) {
          // The same few leaves again and again, most of them dead when they are found.
          const leaves = [0, 1, 2].map((at) => numbered((round * 3 + at * 5 + adder) % 14, 2000))
          const root = await add(store, claimed, leaves, adder * 10_000 + round)
          held.set(root, leaves)
          await expectAll(store, [root, ...leaves])
          if (round % 2 === 0) continue
          claimed.delete(root)
          held.delete(root)
          await checkpoint()
        }
      })
      await taskGroup(async (inner) => {
        for (const adder of adders) inner.spawn(adder)
      })
      done = true
    })
  })
  for (const [root, leaves] of held) await expectAll(store, [root, ...leaves])
  const { keptBlocks } = await store.collect()
  expect(keptBlocks).toBe(
    new Set([...held].flatMap(([root, leaves]) => [root, ...leaves].map(({ cid }) => `${cid}`))).size,
  )
  for (const [root, leaves] of held) await expectAll(store, [root, ...leaves])
  await store.close()
}

test('1,000 adds against collections lose nothing, natively', async () => {
  await addAgainstCollect(334)
})

test(
  'adds against collections lose nothing in any order of events',
  { timeout: 300_000 * soak },
  async () => {
    const { failed } = await simulate(() => addAgainstCollect(6), { seeds: 60 * soak, maxFailures: 1 })
    expect(failed[0]?.error).toBeUndefined()
  },
)

forEachBackend(test, { seeds: 20 * soak })(
  'a claim that ends while a mark runs costs no other claim its blocks',
  async () => {
    const claimed = new Set<Block>()
    const store = await openFor(claimed)
    const shared = Array.from({ length: 6 }, (_, at) => numbered(at, 3000))
    const stays = await add(store, claimed, shared.slice(0, 4), 1)
    const goes = await add(store, claimed, shared.slice(2), 2)
    await taskGroup(async (group) => {
      group.spawn(() => store.collect())
      group.spawn(async () => {
        await checkpoint()
        claimed.delete(goes)
      })
      group.spawn(() => store.mark())
    })
    await expectAll(store, [stays, ...shared.slice(0, 4)])
    expect((await store.collect()).keptBlocks).toBe(5)
    await expectAll(store, [stays, ...shared.slice(0, 4)])
    await store.close()
  },
)

forEachBackend(test, { seeds: 20 * soak })(
  'puts of one new block at once, by whomever, store it once',
  async () => {
    // Some packs are answered from their footers, so that a look takes a while.
    const store = await openOn(simDisk({ seed: 1 }), { claimed: [], maxIndexedEntries: 5 })
    for (let at = 0; at < 16; at += 1)
      await store.put(numbered(100 + at, 9000).cid, numbered(100 + at, 9000).bytes)
    const { cid, bytes } = numbered(1, 9000)
    const old = numbered(2, 9000)
    await store.put(old.cid, old.bytes)
    await taskGroup(async (group) => {
      for (let at = 0; at < 6; at += 1) {
        group.spawn(() => store.put(cid, bytes))
        group.spawn(async () => {
          using lease = store.lease()
          await lease.put(cid, bytes)
          await lease.put(old.cid, old.bytes)
        })
        group.spawn(() => store.unverified.put('a record', bytes))
      }
    })
    const { entries, keptEntries, keptBytes, cacheBytes } = store.stats()
    expect({ entries, keptEntries, keptBytes, cacheBytes }).toEqual({
      entries: 19,
      keptEntries: 2,
      keptBytes: 18_000,
      cacheBytes: 17 * 9000,
    })
    expect(await store.delete(cid)).toBe(true)
    expect(await store.has(cid)).toBe(false)
    expect(await store.get(cid)).toBeUndefined()
    await store.close()
  },
)

test('a block that is put again while its deletion moves is there at the next opening', async () => {
  const { failed } = await simulate(
    async () => {
      const claimed = new Set<Block>()
      const disk = simDisk({ seed: 1, faults: { latencyMs: 10, slowReads: 1 } })
      const store = await openFor(claimed, disk)
      const again = [1, 2, 3, 4, 5, 6].map((at) => numbered(at, 500))
      const fill = (first: number): Block[] =>
        Array.from({ length: 8 }, (_, at) => numbered(first + at, 7900))
      // The older pack holds the blocks, and something that lives; the newer one says that they are deleted.
      await add(store, claimed, [...again, ...fill(100)], 1)
      for (const { cid } of again) await store.delete(cid)
      const goes = await add(store, claimed, fill(200), 2)
      await add(store, claimed, fill(300), 3)
      claimed.delete(goes)
      await taskGroup(async (group) => {
        group.spawn(() => store.compact({ minDeadShare: 0.3 }))
        for (const [at, block] of again.entries()) {
          group.spawn(async () => {
            await sleep(whole(400))
            await add(store, claimed, [block], 10 + at)
          })
        }
      })
      const after = disk.crash()
      await store.close().catch(() => undefined)
      const reopened = await openFor(claimed, after)
      await expectAll(reopened, again)
      await reopened.close()
    },
    { seeds: 60 * soak, maxFailures: 1 },
  )
  expect(failed[0]?.error).toBeUndefined()
})

describe('a pack that is dropped', () => {
  test('is there until a range of a long value has been read', async () => {
    let read = 0
    const { failed } = await simulate(
      async () => {
        const disk = simDisk({ seed: 1, faults: { latencyMs: 20, slowReads: 1 } })
        const store = await openOn(disk, { maxBytes: 16_777_216, claimed: [] })
        const { cid, bytes } = numbered(1, 5_000_000)
        await store.put(cid, bytes, { verify: 'on-read' })
        await taskGroup(async (group) => {
          group.spawn(async () => {
            const part = await store.getRange(cid, { offset: 4_000_000, length: 10 })
            if (part === undefined) return
            read += 1
            expect(Buffer.from(part)).toEqual(Buffer.from(bytes.subarray(4_000_000, 4_000_010)))
          })
          group.spawn(async () => {
            await sleep(whole(100))
            await store.collect()
          })
        })
        expect(store.stats().entries).toBe(0)
        expect(store.stats().corruptReads).toBe(0)
        await store.close()
      },
      { seeds: 15 * soak, maxFailures: 1 },
    )
    expect(failed[0]?.error).toBeUndefined()
    expect(read).toBeGreaterThan(3)
  })

  test('is there for those who read it', async () => {
    await simulate(
      async () => {
        const claimed = new Set<Block>()
        const disk = simDisk({ seed: 1, faults: { latencyMs: 20, slowReads: 1 } })
        const store = await openFor(claimed, disk)
        const cached = Array.from({ length: 4 }, (_, at) => numbered(at, 9000))
        for (const { cid, bytes } of cached) await store.put(cid, bytes)
        const kept = Array.from({ length: 4 }, (_, at) => numbered(10 + at, 9000))
        const dropped = await add(store, claimed, kept, 1)
        claimed.delete(dropped)
        await add(store, claimed, kept.slice(0, 2), 2)
        await taskGroup(async (group) => {
          for (const block of [...cached, ...kept]) {
            group.spawn(async () => {
              const found = await store.get(block.cid)
              const stays = kept.slice(0, 2).includes(block)
              if (found === undefined ? stays : Buffer.compare(found, block.bytes) !== 0)
                throw new Error('lost or wrong')
            })
          }
          group.spawn(() => store.collect())
        })
        expect(store.stats().corruptReads).toBe(0)
        await store.close()
      },
      { seeds: 100 * soak },
    ).then(({ failed }) => expect(failed[0]?.error).toBeUndefined())
  })
})

describe('closing', () => {
  test('ends what runs, each call by its code or its result', async () => {
    const { failed } = await simulate(
      async () => {
        const claimed = new Set<Block>()
        const disk = simDisk({ seed: 1 })
        const store = await openFor(claimed, disk)
        const safe = [await add(store, claimed, [numbered(1, 9000)], 1), numbered(1, 9000)]
        const calls: (() => Promise<unknown>)[] = [
          () => store.put(numbered(2, 9000).cid, numbered(2, 9000).bytes),
          () => add(store, claimed, [numbered(3, 9000), numbered(1, 9000)], 2),
          () => store.get(numbered(1, 9000).cid),
          () => store.collect(),
          () => store.compact(),
          () => store.verify(),
          () => store.delete(numbered(2, 9000).cid),
          () => store.unverified.put('a', Buffer.of(1)),
          async () => {
            for await (const _ of store.list());
          },
        ]
        await taskGroup(async (group) => {
          for (const call of calls) {
            group.spawn(async () => {
              await checkpoint()
              await call().catch((error: unknown) => expect(error).toMatchObject({ code: 'BLOCKS_CLOSED' }))
            })
          }
          group.spawn(async () => {
            await checkpoint()
            await Promise.all([store.close(), store.close()])
          })
        })
        await store.close()
        const again = await openFor(claimed, disk.crash())
        await expectAll(again, [...safe, ...claimed])
        await again.close()
      },
      { seeds: 60 * soak, maxFailures: 1 },
    )
    expect(failed[0]?.error).toBeUndefined()
  })

  test('refuses every call afterwards', async () => {
    await withBackend(
      async () => {
        const store = await openFor(new Set())
        const lease = store.lease()
        await store.close()
        const { cid, bytes } = numbered(1, 10)
        const calls: (() => unknown)[] = [
          () => store.put(cid, bytes),
          () => store.get(cid),
          () => store.getRange(cid),
          () => store.has(cid),
          () => store.size(cid),
          () => store.delete(cid),
          () => store.mark(),
          () => store.collect(),
          () => store.compact(),
          () => store.verify(),
          () => store.explain(cid),
          () => store.list().next(),
          () => store.putMany([{ cid, bytes }]).next(),
          () => store.lease(),
          () => lease.put(cid, bytes),
          () => lease.hold(cid),
          () => lease.flush(),
          () => store.unverified.put('a', bytes),
          () => store.unverified.get('a'),
          () => store.unverified.delete('a'),
        ]
        for (const call of calls) {
          await expect((async () => await call())()).rejects.toMatchObject({
            code: 'BLOCKS_CLOSED',
            kind: 'temporary',
          })
        }
        lease.close()
      },
      { backend: sim(1) },
    )
  })
})
