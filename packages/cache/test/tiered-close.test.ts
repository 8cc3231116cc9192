import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import { random, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { collect, rejection } from './ground.ts'
import { bytesOf, keyOf } from './tiered-cids.ts'
import { faultyMemory } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 100 })

onBoth(
  'a store that is closed at any moment ends all that runs as closed, and leaves nothing running',
  async () => {
    const [near, far] = [faultyMemory('near', { jitterMs: 4 }), faultyMemory('far', { jitterMs: 4 })]
    const store = tiered([createMemoryTier({ maxBytes: 10_000 }), near, far], {
      maxWholeBytes: 2500,
      tiers: { near: { hedgeAfterMs: 1, demoteBelow: 1 } },
      heatHalfLifeMs: 1,
    })
    await store.put('small', bytesOf(1, 500))
    await store.put('large', bytesOf(2, 5000))
    const all = async (items: AsyncIterable<object>): Promise<void> => {
      for await (const item of items) if ('error' in item) throw item.error
    }
    const calls: (() => Promise<unknown>)[] = [
      () => store.getBytes('small'),
      () => store.getBytes('large'),
      async () => collect((await store.get('large'))!.body),
      () => store.put('small', bytesOf(3, 600)),
      () => store.delete('other'),
      () => store.stat('large'),
      () => store.list(),
      () => store.explain('small'),
      () => store.demote(),
      () => store.probe(),
      () => all(store.getMany(['small', 'large', 'other'])),
      () => all(store.putMany([{ key: 'more', body: bytesOf(4) }])),
      () => all(store.query()),
    ]
    await taskGroup((group) => {
      for (const call of calls)
        group.spawn(async () => {
          await sleep(random() * 8)
          const outcome = await rejection(call())
          if (outcome !== 'it did not reject') expect(outcome).toMatchObject({ code: 'STORAGE_CLOSED' })
        })
      for (let times = 0; times < 2; times += 1)
        group.spawn(async () => {
          await sleep(random() * 12)
          await store.close()
          expect(store.stats()).toMatchObject({ reads: { running: 0 } })
        })
    })
    for (const tier of store.stats().tiers)
      expect(tier).toMatchObject({ running: 0, waiting: 0, failures: 0 })
    expect(store.stats().arrivingBytes).toBe(0)
    for (const call of calls) expect(await rejection(call())).toMatchObject({ code: 'STORAGE_CLOSED' })
  },
)

test('a store that is closed at any turn of a put or batch ends it as closed', async () => {
  const large = bytesOf(1, 4_000_000)
  for (let turns = 0; turns < 60; turns += 1) {
    const store = tiered([createMemoryTier({ maxBytes: 100 }), faultyMemory('far')])
    const batch = async (): Promise<void> => {
      for await (const item of store.statMany(['a', 'b', 'c'])) if ('error' in item) throw item.error
    }
    const outcomes = [rejection(store.put(keyOf(large), large)), rejection(batch())]
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
    await store.close()
    for (const outcome of await Promise.all(outcomes))
      if (outcome !== 'it did not reject')
        expect(outcome, `${turns} turns`).toMatchObject({ code: 'STORAGE_CLOSED' })
    expect(store.stats().arrivingBytes).toBe(0)
  }
})
