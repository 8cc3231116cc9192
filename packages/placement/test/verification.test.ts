import { now, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import {
  addOn,
  cidOf,
  eventually,
  faulty,
  openWorld,
  untilMet,
  wallClock,
  type World,
} from './placement-on.ts'
import { keep } from './world.ts'

/** Days of virtual time: on the simulated backend alone. */
const inSim = (name: string, run: () => Promise<void>): void =>
  forEachBackend(test, { seeds: 3, only: 'sim' })(name, run)
const hour = 3_600_000
const day = 24 * hour

async function twenty(world: World): Promise<string[]> {
  const cids: string[] = []
  for (let number = 0; number < 20; number += 1) cids.push(await addOn(world, number, 'a', 'b'))
  return cids
}

inSim(
  'as many copies as its share are read and hashed in a day, each before any is a second time',
  async () => {
    await using world = await openWorld({ placement: { intervalMs: hour / 2, verifySharePerDay: 0.25 } })
    const cids = await twenty(world)
    await sleep(day + hour)
    expect(world.placement.stats().verified).toBeGreaterThanOrEqual(10)
    expect(world.placement.stats().verified).toBeLessThanOrEqual(11)
    await sleep(3 * day)
    const copies = cids.flatMap((cid) => world.placement.health(cid).copies)
    expect(copies.filter(({ verifiedMs }) => verifiedMs === 0)).toEqual([])
    expect(world.placement.stats().verified).toBeLessThanOrEqual(41)
  },
)

inSim('a copy that was damaged or lost without a word is found and made again', async () => {
  await using world = await openWorld({
    placement: {
      intervalMs: hour / 2,
      verifySharePerDay: 1,
      policy: { otherwise: keep(2, 2, 2, { backends: ['a', 'b'] }) },
    },
  })
  const [first, second] = (await twenty(world)) as [string, string]
  await world.backends['a']!.damage(first)
  await world.backends['b']!.delete(second)
  await sleep(day + 2 * hour)
  expect(world.placement.stats()).toMatchObject({ lost: 1, damaged: 1, copied: 2 })
  await untilMet(world, first)
  await untilMet(world, second)
  expect(await world.backends['b']!.has(second)).toBe(true)
  expect((await world.placement.verify(first)).state).toBe('met')
})

inSim('jumps of the wall clock neither stop it nor hurry it', async () => {
  let jumpMs = 0
  await using world = await openWorld({
    placement: { intervalMs: hour / 2, verifySharePerDay: 0.5, clock: () => wallClock() + jumpMs },
  })
  const cids = await twenty(world)
  jumpMs = 400 * day
  await sleep(day + 2 * hour)
  expect(world.placement.stats().verified).toBeLessThanOrEqual(23)
  jumpMs = -400 * day
  await sleep(2 * day)
  expect(world.placement.stats().verified).toBeGreaterThanOrEqual(59)
  // Those whose last verification lies in what is the future now were verified again.
  const stamps = cids.flatMap((cid) => world.placement.health(cid).copies.map(({ verifiedMs }) => verifiedMs))
  expect(stamps.filter((verifiedMs) => verifiedMs > wallClock() + jumpMs)).toEqual([])
})

inSim('it reads no more bytes a second than its budget', async () => {
  await using world = await openWorld({
    placement: { intervalMs: hour / 2, verifySharePerDay: 1, verifyBytesPerSecond: 1 },
  })
  const [cid] = (await twenty(world)) as [string]
  const began = now()
  await world.placement.verify(cid)
  const bytesRead = world.placement.stats().verifiedBytes
  expect(bytesRead).toBeGreaterThan(300)
  expect(now() - began).toBeGreaterThanOrEqual(bytesRead * 1000)
})

inSim('a backend that cannot be read keeps its copies, and the others are verified', async () => {
  const backends = { a: faulty('a'), b: faulty('b') }
  await using world = await openWorld({ backends, placement: { intervalMs: hour / 2, verifySharePerDay: 1 } })
  await twenty(world)
  backends.a.isDown = true
  await sleep(day)
  const { lost, damaged, lastFailure, verified } = world.placement.stats()
  expect({ lost, damaged, lastFailure }).toEqual({ lost: 0, damaged: 0, lastFailure: 'a is down' })
  expect(verified).toBeGreaterThanOrEqual(20)
  expect(world.placement.health(cidOf(3))).toMatchObject({ state: 'met', domains: ['a', 'b'] })
})

inSim('copies in memory are not verified', async () => {
  await using world = await openWorld({
    names: ['a', 'b', 'ram'],
    facts: { ram: { durability: 'memory' } },
    disk: simDisk({ seed: 1 }),
    placement: { intervalMs: hour / 2, verifySharePerDay: 1 },
  })
  const cid = await addOn(world, 1, 'a', 'b', 'ram')
  await sleep(3 * day)
  await eventually(
    () => world.placement.stats().verified >= 4,
    () => world.placement.stats(),
  )
  expect(world.placement.health(cid).copies.find(({ backend }) => backend === 'ram')).toMatchObject({
    verifiedMs: 0,
    counts: false,
  })
})
