import {
  backendStats,
  cancelScope,
  monitor,
  shield,
  sim,
  sleep,
  taskGroup,
  withBackend,
} from '@ipfs-kit/concurrency'
import { forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test, vi } from 'vitest'

const onBoth = forEachBackend(test, { seeds: 20 })

onBoth('counts the tasks of its backend that are alive, and all that were spawned', async () => {
  const before = backendStats()
  await taskGroup(async (group) => {
    for (let at = 0; at < 5; at++) group.spawn(() => sleep(Infinity))
    group.spawn(() => undefined)
    await waitAllTasksBlocked()
    const during = backendStats()
    expect(during.tasks - before.tasks).toBe(5)
    expect(during.spawned - before.spawned).toBe(6)
    group.cancel()
  })
  expect(backendStats().tasks).toBe(before.tasks)
  expect(Object.isFrozen(before)).toBe(true)
})

onBoth('counts timers, and those that are not needed any more are none', async () => {
  const before = backendStats().timers
  await taskGroup(async (group) => {
    for (let at = 0; at < 5; at++) group.spawn(() => sleep(1_000_000 + at))
    group.spawn(() => sleep(Infinity))
    await waitAllTasksBlocked()
    expect(backendStats().timers - before).toBe(5)
    group.cancel()
  })
  await cancelScope(() => undefined, { deadline: 1e9 })
  expect(backendStats().timers).toBe(before)
})

onBoth('measures the time from a cancellation to the end of its scope', async () => {
  using figures = monitor()
  await cancelScope(async (scope) => {
    scope.cancel()
    await shield(() => sleep(4))
  })
  await cancelScope((scope) => scope.cancel())
  const { cancellations, cancelMaxMs, recentCancelMeanMs, cancelMeanMs, backend } = figures.stats()
  expect(cancellations).toBeGreaterThanOrEqual(2)
  expect(recentCancelMeanMs).toBeGreaterThanOrEqual(2)
  expect(cancelMaxMs).toBeGreaterThanOrEqual(4)
  expect(cancelMeanMs).toBeGreaterThan(0)
  if (backend === 'sim')
    expect({ cancelMaxMs, recentCancelMeanMs }).toEqual({ cancelMaxMs: 4, recentCancelMeanMs: 2 })
  expect(figures.stats().recentCancelMeanMs).toBe(0)
})

onBoth('counts the waits that a cancelled scope refused', async () => {
  const before = backendStats().refusedWaits
  await cancelScope(async (scope) => {
    scope.cancel()
    for (let at = 0; at < 20; at++) await sleep(1).catch(() => undefined)
  })
  expect(backendStats().refusedWaits - before).toBe(20)
})

onBoth('gives the rate of spawned tasks since the last look', async () => {
  using figures = monitor()
  const spawn = (count: number) =>
    taskGroup((group) => {
      for (let at = 0; at < count; at++) group.spawn(() => undefined)
    })
  await spawn(30)
  await sleep(3)
  const first = figures.stats()
  expect(first.sinceMs).toBeGreaterThanOrEqual(3)
  expect(first.spawnedPerSecond).toBeCloseTo((30 / first.sinceMs) * 1000)
  await sleep(1)
  expect(figures.stats().spawnedPerSecond).toBe(0)
  await spawn(5)
  const last = figures.stats()
  expect(last.spawnedPerSecond).toBe(last.sinceMs === 0 ? 0 : (5 / last.sinceMs) * 1000)
})

test('each simulated run has figures of its own', async () => {
  await withBackend(
    async (main) => {
      expect(backendStats()).toMatchObject({ backend: 'sim', tasks: 0, spawned: 0, cancellations: 0 })
      expect(backendStats({ scope: main }).backend).toBe('sim')
      using figures = monitor()
      expect(figures.stats().loopDelay).toBeUndefined()
    },
    { backend: sim(1) },
  )
  expect(backendStats().backend).toBe('native')
})

test('shows the delay of the event loop since the last look, until it is closed', async () => {
  const figures = monitor()
  await vi.waitFor(async () => {
    // The measurement has to have begun anew, and to see the next turn of the loop.
    await sleep(12)
    const end = performance.now() + 30
    while (performance.now() < end);
    await sleep(1)
    expect(figures.stats().loopDelay!.maxMs).toBeGreaterThan(5)
  }, 60_000)
  figures.close()
  figures.close()
  expect(figures.stats().loopDelay).toBeUndefined()
})

test('an event loop that is not busy is not late by the period of the measurement', async () => {
  using figures = monitor()
  await vi.waitFor(
    () => {
      const { meanMs } = figures.stats().loopDelay!
      expect(meanMs).toBeGreaterThan(0)
      expect(meanMs).toBeLessThan(10)
    },
    { timeout: 60_000 },
  )
})

test('refuses options that it does not have', () => {
  expect(() => monitor({ scop: 1 } as never)).toThrow('did you mean "scope"?')
  expect(() => backendStats(5 as never)).toThrow(TypeError)
  expect(() => backendStats({ scope: {} as never })).toThrow(TypeError)
})
