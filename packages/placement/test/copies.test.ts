import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { addOn, all, cidOf, eventually, faulty, openWorld, until, untilMet } from './placement-on.ts'
import { keep } from './world.ts'

const both = forEachBackend(test, { seeds: 15 })

both('content that is added gets the copies that it misses, and they are read back', async () => {
  await using world = await openWorld()
  const cid = await addOn(world, 1, 'c')
  const health = await untilMet(world, cid)
  expect(health.copies).toMatchObject([
    { backend: 'c', state: 'ok', counts: true, verifiedMs: 0 },
    { backend: 'a', state: 'ok', counts: true },
  ])
  expect(health.copies[1]!.verifiedMs).toBeGreaterThan(0)
  expect(health.evidence[0]).toBe('2 copies count, of at least 2, 2 wanted and 3 at most')
  expect(await world.backends['a']!.has(cid)).toBe(true)
  expect(await world.backends['b']!.has(cid)).toBe(false)
  const { operations } = await world.wal.list()
  expect(operations.map(({ params, backend, cids }) => ({ params, backend, cids }))).toEqual([
    { params: { cid, target: 'a' }, backend: 'a', cids: [cid] },
  ])
  expect(world.placement.stats()).toMatchObject({ contents: 1, copied: 1 })
})

both('a copy that is lost is made again, and one that is damaged is not read from', async () => {
  await using world = await openWorld({ placement: { policy: { otherwise: keep(1, 3, 3) } } })
  const cid = await addOn(world, 1, 'a', 'b', 'c')
  await world.backends['a']!.damage(cid)
  await world.backends['c']!.delete(cid)
  await world.placement.noteLost(cid, 'c')
  await until(world, cid, ({ missing, queued }) => missing.length === 0 && queued.length === 0)
  await world.placement.verify(cid)
  await untilMet(world, cid)
  const health = await world.placement.verify(cid)
  expect(health).toMatchObject({ state: 'met', domains: ['a', 'b', 'c'] })
  expect(world.placement.stats()).toMatchObject({ damaged: 1, lost: 1 })
})

both('a backend that changes what it takes has no copy, and another one gets it', async () => {
  const backends = { a: faulty('a'), b: faulty('b'), c: faulty('c') }
  backends.a.isLying = true
  await using world = await openWorld({ backends })
  const cid = await addOn(world, 1, 'b')
  const refused = await until(world, cid, ({ queued }) => queued.length > 0)
  expect(refused).toMatchObject({ state: 'under', missing: ['a'] })
  await eventually(
    async () => (await world.wal.get(refused.queued[0]!.operation))!.state === 'failed',
    () => world.wal.stats(),
  )
  await world.placement.evaluate()
  const health = await untilMet(world, cid)
  expect(health.domains).toEqual(['b', 'c'])
  expect(health.copies.map(({ backend }) => backend)).not.toContain('a')
  const { operations } = await world.wal.list({ states: ['failed'] })
  expect(operations[0]).toMatchObject({ backend: 'a', failure: { code: 'PLACEMENT_NOT_PROVEN' } })
})

both('while a backend is down another one gets its copies', async () => {
  const backends = { a: faulty('a'), b: faulty('b'), c: faulty('c') }
  backends.a.isDown = true
  await using world = await openWorld({
    backends,
    placement: { intervalMs: 20 },
    wal: {
      backends: {
        a: {
          offlineAfter: 2,
          degradedAfter: 1,
          probe: async ({ signal }) => JSON.stringify(await backends.a.probe({ signal })),
        },
      },
    },
  })
  const cid = await addOn(world, 1, 'b')
  const health = await untilMet(world, cid)
  expect(health.domains).toEqual(['b', 'c'])
  expect(world.placement.stats().backends[0]).toMatchObject({ name: 'a', state: 'away' })
  backends.a.isDown = false
  await eventually(
    () => world.placement.stats().backends[0]!.state === 'up' && world.placement.stats().queued === 0,
    () => world.placement.stats(),
  )
  expect(world.placement.health(cid)).toMatchObject({ state: 'met', domains: ['b', 'c'], queued: [] })
  expect(await backends.a.has(cid)).toBe(false)
})

both('copies of a backend that is down for longer are made elsewhere', async () => {
  const backends = { a: faulty('a'), b: faulty('b'), c: faulty('c') }
  await using world = await openWorld({
    backends,
    placement: { intervalMs: 20, offlineGraceMs: 100, policy: { otherwise: keep(2, 2, 2) } },
    wal: {
      backends: {
        a: {
          offlineAfter: 2,
          degradedAfter: 1,
          probe: async ({ signal }) => JSON.stringify(await backends.a.probe({ signal })),
        },
      },
    },
  })
  const cid = await addOn(world, 1, 'a', 'b')
  expect(world.placement.health(cid).state).toBe('met')
  backends.a.isDown = true
  await expect(world.wal.probe('a')).resolves.toMatchObject({ state: 'offline' })
  const health = await until(world, cid, ({ domains }) => domains.includes('c'))
  expect(health).toMatchObject({ state: 'met', domains: ['b', 'c'] })
  expect(health.evidence).toContain('the copy on a is on a backend that is down')
})

both('without a copy that can be read it says so, and is retained', async () => {
  await using world = await openWorld({ wal: { retryBaseMs: 1 } })
  const cid = cidOf(5)
  const told: string[] = []
  await using other = await openWorld({ placement: { onRetained: (one) => told.push(one) } })
  await other.placement.add({ cid, bytes: 1, on: [] })
  expect(told).toEqual([cid])
  await world.placement.add({ cid, bytes: 1, on: ['a'] })
  const met = await addOn(world, 6, 'a', 'b')
  await eventually(
    async () => {
      await world.placement.evaluate()
      return world.placement.stats().failed > 0
    },
    () => world.placement.stats(),
  )
  const health = world.placement.health(cid)
  expect(health).toMatchObject({ state: 'under', copies: [{ backend: 'a', state: 'lost', counts: false }] })
  expect(health.queued.map(({ failure }) => failure).join()).toContain('a does not have it')
  expect(await all(world.placement.retained())).toEqual([cid])
  expect(world.placement.health(met).state).toBe('met')
})

both(
  'a copy that has failed for good is tried again later, and at once when there is another copy',
  async () => {
    const backends = { a: faulty('a'), b: faulty('b') }
    backends.b.isLying = true
    await using world = await openWorld({
      backends,
      placement: { retryFailedMs: 1000, intervalMs: 200, evaluateEveryMs: 200 },
      wal: { retryBaseMs: 1 },
    })
    const failed = (): boolean => world.placement.stats().failed > 0
    const cid = await addOn(world, 5, 'a')
    await eventually(failed, () => world.placement.stats())
    backends.b.isLying = false
    expect(await untilMet(world, cid)).toMatchObject({ domains: ['a', 'b'] })
    expect(world.placement.stats().failed).toBe(0)
    const lost = cidOf(6)
    await world.placement.add({ cid: lost, bytes: 1, on: [] })
    await eventually(failed, () => world.placement.stats())
    await addOn(world, 6, 'a')
    expect(world.placement.health(lost)).toMatchObject({ missing: ['b'], queued: [{ target: 'b' }] })
    expect(world.placement.health(lost).queued[0]!.failure).toBeUndefined()
    await untilMet(world, lost)
  },
)
