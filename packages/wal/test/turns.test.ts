import { createEvent, now, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { describe, expect, test } from 'vitest'
import type { NewOperation } from '@ipfs-kit/wal'
import { epochMs, handler, openOps, someDisk, wallClock } from './wal-on.ts'

const onBoth = forEachBackend(test, { seeds: 10 })
/** On virtual time alone. */
const onSim = forEachBackend(test, { seeds: 10, only: 'sim' })

describe('whose turn it is', () => {
  onBoth('the highest priority first, of one priority the one that was due first', async () => {
    const order: number[] = []
    const run = ({ n }: { n: number }) => void order.push(n)
    const ask = (n: number, priority: number): NewOperation => ({ type: 'pin', params: { n }, priority })
    const disk = someDisk()
    {
      await using wal = await openOps({ types: { pin: handler(run) }, executor: 'off' }, disk)
      await wal.appendMany([ask(1, 5), ask(2, 0), ask(3, 9), ask(4, 5), ask(5, 9)])
      expect(order).toEqual([])
    }
    await using wal = await openOps({ types: { pin: handler(run) }, laneLimit: 1 }, disk)
    await wal.wait((await wal.append(ask(6, 0))).operation.id)
    expect(order).toEqual([3, 5, 1, 4, 2, 6])
  })

  onBoth('also when most of them do not fit into memory', async () => {
    const order: number[] = []
    const gate = { isOpen: false }
    const run = async ({ n }: { n: number }) => {
      while (!gate.isOpen) await sleep(1)
      order.push(n)
    }
    await using wal = await openOps({ types: { pin: handler(run) }, laneLimit: 1, windowSize: 16 })
    const ask = (n: number): NewOperation => ({ type: 'pin', params: { n }, priority: n % 10 })
    const [first] = await wal.appendMany([ask(9)])
    await sleep(5)
    const batches = Array.from({ length: 4 }, (_, at) =>
      Array.from({ length: 25 }, (__, nth) => ask(10 + at * 25 + nth)),
    )
    const all = await Promise.all(batches.map((batch) => wal.appendMany(batch)))
    gate.isOpen = true
    for (const { operation } of all.flat()) await wal.wait(operation.id)
    expect((await wal.get(first!.operation.id))?.state).toBe('completed')
    const priorities = order.slice(1).map((n) => n % 10)
    expect(priorities).toEqual([...priorities].sort((a, b) => b - a))
    expect(new Set(order).size).toBe(101)
  })

  onBoth('limits hold per backend and in all, and one lane does not hold up another', async () => {
    let most = 0
    let running = 0
    const isFull = createEvent()
    const byBackend: Record<string, number> = {}
    const run = async ({ backend }: { backend: string }) => {
      running += 1
      byBackend[backend] = (byBackend[backend] ?? 0) + 1
      most = Math.max(most, running)
      expect(byBackend[backend]).toBeLessThanOrEqual(backend === 'a' ? 1 : 2)
      // Nobody ends before as many run as may.
      if (running === 3) isFull.set()
      await isFull.wait()
      await sleep(2)
      byBackend[backend] -= 1
      running -= 1
    }
    await using wal = await openOps({
      types: { upload: handler(run) },
      concurrency: 3,
      laneLimit: 2,
      backends: { a: { limit: 1 } },
    })
    const asked = ['a', 'a', 'a', 'b', 'b', 'b', 'c', 'c', 'c', 'd'].map((backend): NewOperation => ({
      type: 'upload',
      params: { backend },
      backend,
    }))
    const all = await wal.appendMany(asked)
    for (const { operation } of all) await wal.wait(operation.id)
    expect(most).toBe(3)
  })
})

describe('time', () => {
  onSim(
    'nothing begins before its time, and begins when it has come, without asking again and again',
    async () => {
      const began: number[] = []
      await using wal = await openOps({ types: { pin: handler(() => void began.push(now())) } })
      const { operation } = await wal.append({ type: 'pin', params: {}, notBefore: epochMs + 5_000_000 })
      await wal.append({ type: 'pin', params: {}, notBefore: epochMs + 1000 })
      await wal.wait(operation.id)
      expect(began[0]).toBeGreaterThanOrEqual(1000)
      expect(began[0]).toBeLessThan(1100)
      expect(began[1]).toBeGreaterThanOrEqual(5_000_000)
      expect(began[1]).toBeLessThan(5_000_100)
    },
  )

  onSim('a lane that has nothing to begin any more leaves the room in all to the next one', async () => {
    const mayEnd = createEvent()
    await using wal = await openOps({
      types: { pin: handler(() => mayEnd.wait()), copy: handler(() => 1) },
      concurrency: 1,
    })
    await wal.append({ type: 'pin', params: {}, backend: 'a' })
    const { operation } = await wal.append({ type: 'copy', params: {}, backend: 'b' })
    const last = await wal.append({ type: 'copy', params: {}, backend: 'c' })
    await wal.cancel(operation.id)
    mayEnd.set()
    await wal.wait(last.operation.id)
    expect(now()).toBeLessThan(1000)
  })

  onSim('what expires fails when its time is up, whenever that is', async () => {
    await using wal = await openOps({ types: { pin: handler(() => 1) } })
    const all = await wal.appendMany(
      Array.from({ length: 40 }, (_, nth) => ({
        type: 'pin' as const,
        params: {},
        notBefore: wallClock() + 3_600_000,
        expiresAt: wallClock() + 100 + nth * 50,
      })),
    )
    for (const { operation } of all) {
      const { state, failure, finishedAt } = await wal.wait(operation.id)
      expect([state, failure!.code]).toEqual(['failed', 'WAL_EXPIRED'])
      expect(finishedAt! - operation.expiresAt!).toBeLessThan(20)
    }
  })

  onSim('retries wait longer each time, up to the longest wait, and no two the same', async () => {
    const began: number[] = []
    const run = (): never => {
      began.push(now())
      throw new Error('not yet')
    }
    await using wal = await openOps({
      types: { pin: handler(run, { maxAttempts: 20 }) },
      retryBaseMs: 1000,
      retryMaxMs: 20_000,
    })
    const { operation } = await wal.append({ type: 'pin', params: {} })
    expect(await wal.wait(operation.id)).toMatchObject({ state: 'failed', attemptCount: 20 })
    const waits = began.slice(1).map((at, nth) => at - began[nth]!)
    waits.forEach((wait, nth) => {
      expect(wait).toBeGreaterThanOrEqual(1)
      expect(wait).toBeLessThanOrEqual(Math.min(20_000, 1000 * 2 ** nth) + 50)
    })
    expect(new Set(waits.map(Math.floor)).size).toBeGreaterThan(10)
  })

  onSim('an operation that has not ended in time fails, while it waits and while it runs', async () => {
    await using wal = await openOps({ types: { pin: handler(() => sleep(Infinity)) }, laneLimit: 1 })
    const [runs, waits] = await wal.appendMany([
      { type: 'pin', params: {}, expiresAt: epochMs + 5000 },
      { type: 'pin', params: {}, notBefore: epochMs + 600_000, expiresAt: epochMs + 2000 },
    ])
    expect(await wal.wait(waits!.operation.id)).toMatchObject({
      state: 'failed',
      attemptCount: 0,
      failure: { code: 'WAL_EXPIRED' },
    })
    expect(now()).toBeLessThan(3000)
    expect(await wal.wait(runs!.operation.id)).toMatchObject({
      state: 'failed',
      attemptCount: 1,
      failure: { code: 'WAL_EXPIRED' },
    })
  })

  onSim('an attempt that takes too long is cancelled, and another one follows', async () => {
    let attempts = 0
    const run = async () => {
      attempts += 1
      if (attempts < 3) await sleep(Infinity)
      return attempts
    }
    await using wal = await openOps({ types: { pin: handler(run, { timeoutMs: 700 }) } })
    const { operation } = await wal.append({ type: 'pin', params: {} })
    const done = await wal.wait(operation.id)
    expect(done).toMatchObject({ state: 'completed', result: 3 })
    expect(done.attempts[0]).toMatchObject({ outcome: 'failed', failure: { code: 'WAL_TIMEOUT' } })
  })

  onSim('a clock that goes forward begins what is due then', async () => {
    let ahead = 0
    await using wal = await openOps({
      types: { pin: handler(() => 1) },
      clock: () => epochMs + Math.floor(now()) + ahead,
    })
    const { operation } = await wal.append({ type: 'pin', params: {}, notBefore: epochMs + 3_600_000 })
    await sleep(1)
    ahead = 3_600_000
    await wal.wait(operation.id)
    expect(now()).toBeLessThan(40_000)
  })

  onSim('a clock that goes back keeps no retry longer than the longest wait', async () => {
    let ahead = 0
    let attempts = 0
    const run = (): void => {
      attempts += 1
      if (attempts === 1) throw new Error('once')
    }
    await using wal = await openOps({
      types: { pin: handler(run) },
      retryMaxMs: 10_000,
      clock: () => epochMs + Math.floor(now()) + ahead,
    })
    const { operation } = await wal.append({ type: 'pin', params: {} })
    while (attempts === 0) await sleep(1)
    await wal.list()
    ahead = -86_400_000
    expect(await wal.wait(operation.id)).toMatchObject({ state: 'completed' })
    expect(now()).toBeLessThan(70_000)
  })

  onSim(
    'a clock that goes back holds up nothing that was to begin at once, and all that was to begin later',
    async () => {
      const disk = someDisk()
      let ahead = 86_400_000
      const options = { types: { pin: handler(() => 1) }, clock: () => epochMs + Math.floor(now()) + ahead }
      const before = await openOps({ ...options, executor: 'off' }, disk)
      const { operation } = await before.append({ type: 'pin', params: {} })
      const later = await before.append({ type: 'pin', params: {}, notBefore: epochMs + 2 * 86_400_000 })
      await before.close()
      ahead = 0
      await using wal = await openOps(options, disk)
      expect(await wal.wait(operation.id)).toMatchObject({ state: 'completed' })
      expect(now()).toBeLessThan(40_000)
      expect(await wal.get(later.operation.id)).toMatchObject({ state: 'queued' })
    },
  )
})

onSim('new work goes on while many stalled operations are recovered', async () => {
  const disk = someDisk()
  const stalled = 300
  const run = async ({ isNew }: { isNew?: boolean }) => (isNew === true ? 'new' : await sleep(10))
  {
    const wal = await openOps(
      {
        types: { pin: handler(() => sleep(Infinity)) },
        concurrency: 10_000,
        laneLimit: 10_000,
        windowSize: 300,
        segmentBytes: 2_097_152,
      },
      disk,
    )
    await wal.appendMany(Array.from({ length: stalled }, () => ({ type: 'pin', params: {} }) as const))
    while (wal.stats().operations.find(({ state }) => state === 'running')?.operations !== stalled)
      await sleep(1)
    const next = disk.kill()
    await wal.close().catch(() => undefined)
    await using again = await openOps(
      { types: { pin: handler(run) }, laneLimit: 4, windowSize: 32, drainMs: 0 },
      next,
    )
    const began = now()
    await taskGroup(async (group) => {
      for (let at = 0; at < 5; at += 1) {
        group.spawn(async () => {
          const { operation } = await again.append({
            type: 'pin',
            params: { isNew: true },
            ...(at > 2 && { backend: 's3' }),
          })
          expect(await again.wait(operation.id)).toMatchObject({ result: 'new' })
        })
      }
    })
    // All of the stalled ones take 750 milliseconds.
    expect(now() - began).toBeLessThan(200)
    expect(again.stats().unfinished).toBeGreaterThan(150)
  }
})
