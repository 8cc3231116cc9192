import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { openPlacement, type PlacementOptions } from '@ipfs-kit/placement'
import { describe, expect, test } from 'vitest'
import { addOn, cidOf, eventually, openWorld, untilMet } from './placement-on.ts'
import { keep } from './world.ts'

const both = forEachBackend(test, { seeds: 10 })

both('the summary counts contents and copies, and estimates what they cost a month', async () => {
  await using world = await openWorld({
    facts: { a: { costPerGiBMonth: 10 }, b: { costPerGiBMonth: 0, costPerRead: 0.5 } },
    placement: { policy: { otherwise: keep(1, 2, 2, { durability: 'single' }) }, verifySharePerDay: 0.1 },
  })
  await world.placement.add({ cid: cidOf(1), bytes: 2 ** 29, on: ['a', 'b'] })
  await world.placement.add({ cid: cidOf(2), bytes: 2 ** 30, on: ['a', 'b', 'c'] })
  await world.placement.noteLost(cidOf(1), 'b')
  const { backends, ...summary } = await world.placement.evaluate()
  expect(summary).toMatchObject({ contents: 2, under: 0, bytes: 2 ** 29 + 2 ** 30 })
  expect(summary.over + summary.met).toBe(2)
  expect(backends[0]).toMatchObject({ name: 'a', copies: 2, bytes: 2 ** 29 + 2 ** 30, costPerMonth: 15 })
  const reads = (0.1 * 365.25) / 12
  expect(backends[1]!.costPerMonth).toBeCloseTo(backends[1]!.copies * reads * 0.5)
  expect(summary.costPerMonth).toBeCloseTo(15 + backends[1]!.costPerMonth)
})

both('another policy counts from now on, and one that cannot be met changes nothing', async () => {
  await using world = await openWorld({ placement: { policy: { otherwise: keep(1, 1, 3) } } })
  const cid = await addOn(world, 1, 'b')
  expect(() => world.placement.setPolicy({ otherwise: keep(1, 4, 4) })).toThrow(
    expect.objectContaining({ code: 'PLACEMENT_IMPOSSIBLE' }) as Error,
  )
  expect(world.placement.health(cid)).toMatchObject({ state: 'met', missing: [] })
  world.placement.setPolicy({ otherwise: keep(3, 3, 3) })
  expect(await untilMet(world, cid)).toMatchObject({ domains: ['a', 'b', 'c'] })
})

both('content that is added again keeps what is not told, and what is known of its copies', async () => {
  await using world = await openWorld()
  const cid = cidOf(1)
  await addOn(world, 1, 'a', 'b')
  await world.placement.add({ cid, bytes: 3, name: 'x', type: 'text/plain', addedMs: 5, on: [] })
  await world.placement.add({ cid, bytes: 4, heat: 2, on: ['c'] })
  const { content, copies } = world.placement.health(cid)
  expect(content).toEqual({ cid, bytes: 4, name: 'x', type: 'text/plain', addedMs: 5, heat: 2 })
  expect(copies.map(({ backend }) => backend)).toEqual(['a', 'b', 'c'])
})

both('what is forgotten is not copied any more', async () => {
  await using world = await openWorld()
  const cid = await addOn(world, 1, 'a', 'b')
  expect(await world.placement.forget(cid)).toBe(true)
  expect(await world.placement.forget(cid)).toBe(false)
  expect(() => world.placement.health(cid)).toThrow(
    expect.objectContaining({ code: 'PLACEMENT_UNKNOWN' }) as Error,
  )
  expect(await world.backends['a']!.has(cid)).toBe(true)
})

both(
  'a call that is cancelled rejects with its reason, and after closing every call is refused',
  async () => {
    const world = await openWorld()
    const cid = await addOn(world, 1, 'a', 'b')
    const signal = AbortSignal.abort(new Error('no time'))
    const content = { cid: cidOf(2), bytes: 1, on: ['a'] }
    await expect(world.placement.add(content, { signal })).rejects.toThrow('no time')
    await expect(world.placement.verify(cid, { signal })).rejects.toThrow('no time')
    await world[Symbol.asyncDispose]()
    await world.placement.close()
    for (const call of [
      () => world.placement.add(content),
      () => world.placement.forget(cid),
      () => world.placement.noteLost(cid, 'a'),
      () => world.placement.verify(cid),
      () => world.placement.evaluate(),
      async () => world.placement.health(cid),
      async () => world.placement.setPolicy({ otherwise: keep(1, 1, 1) }),
      () => world.placement.retained().next(),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'PLACEMENT_CLOSED' })
    }
  },
)

both('copies, bad copies and evaluations are told on channels', async () => {
  const told: [string, unknown][] = []
  const names = ['placement:copy', 'placement:bad', 'placement:evaluation']
  const hear = (message: unknown, name: string | symbol): void => void told.push([String(name), message])
  for (const name of names) subscribe(name, hear)
  try {
    await using world = await openWorld()
    const cid = await addOn(world, 1, 'b')
    await untilMet(world, cid)
    await world.placement.noteLost(cid, 'b')
    await world.placement.evaluate()
    expect(told).toContainEqual(['placement:copy', { cid, source: 'b', target: 'a', bytes: 200 }])
    expect(told).toContainEqual(['placement:bad', { cid, backend: 'b', state: 'lost' }])
    expect(told.some(([name]) => name === 'placement:evaluation')).toBe(true)
    await eventually(
      () => world.placement.stats().evaluations > 1,
      () => told,
    )
  } finally {
    for (const name of names) unsubscribe(name, hear)
  }
})

describe('content that cannot be used is refused', () => {
  test.each([
    ['no CID', { cid: 'x', bytes: 1, on: [] }, 'PLACEMENT_CONTENT_INVALID'],
    ['bytes that are none', { cid: cidOf(1), bytes: -1, on: [] }, 'PLACEMENT_CONTENT_INVALID'],
    ['an unknown key', { cid: cidOf(1), bytes: 1, on: [], nam: '' }, 'PLACEMENT_CONTENT_INVALID'],
    ['a long name', { cid: cidOf(1), bytes: 1, on: [], name: 'x'.repeat(1001) }, 'PLACEMENT_CONTENT_INVALID'],
    [
      'a heat that is none',
      { cid: cidOf(1), bytes: 1, on: [], heat: Number.NaN },
      'PLACEMENT_CONTENT_INVALID',
    ],
    ['a backend that there is not', { cid: cidOf(1), bytes: 1, on: ['z'] }, 'PLACEMENT_UNKNOWN'],
    ['a hash that is not computed here', { cid: 'bafkqaaa', bytes: 0, on: [] }, 'PLACEMENT_CONTENT_INVALID'],
  ])('%s', async (_, content, code) => {
    await using world = await openWorld()
    await expect(world.placement.add(content)).rejects.toMatchObject({ code })
    expect(world.placement.stats().contents).toBe(0)
  })
})

describe('options that cannot be used are refused', () => {
  test.each([
    ['an unknown one', { polcy: 1 }, 'did you mean policy?'],
    ['a share above 1', { verifySharePerDay: 2 }, 'verifySharePerDay'],
    ['no interval', { intervalMs: 0 }, 'intervalMs'],
    ['a path that is not absolute', { path: 'x' }, 'absolute'],
    ['no room', { maxQueued: 0 }, 'maxQueued'],
    ['no log', { openWal: undefined }, 'openWal is a function'],
    ['an unknown key of a backend', { backends: [{ backend: undefined, tag: [] }] }, 'did you mean tags?'],
  ])('%s', async (_, options, message) => {
    const usable = {
      path: '/x',
      policy: { otherwise: keep(1, 1, 1) },
      backends: [],
      openWal: () => undefined,
    }
    await expect(openPlacement({ ...usable, ...options } as unknown as PlacementOptions)).rejects.toThrow(
      message,
    )
  })
})
