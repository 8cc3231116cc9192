import { createEvent, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { describe, expect, test } from 'vitest'
import { cidOf } from './cid-of.ts'
import { openLagging } from './operations/lagging-store.ts'
import { epochMs, errorOf, handler, openOps, someDisk, wallClock } from './wal-on.ts'

const onBoth = forEachBackend(test, { seeds: 15 })

describe('a pause', () => {
  onBoth('keeps an operation from beginning until it is resumed, over openings too', async () => {
    const disk = someDisk()
    const types = { pin: handler(() => 'done') }
    let id: number
    {
      await using wal = await openOps({ types, executor: 'off' }, disk)
      id = (await wal.append({ type: 'pin', params: {} })).operation.id
      expect(await wal.pause(id)).toMatchObject({ state: 'queued', paused: true })
      expect(await wal.pause(id)).toMatchObject({ paused: true })
    }
    await using wal = await openOps({ types }, disk)
    await sleep(5)
    expect(await wal.get(id)).toMatchObject({ state: 'queued', attemptCount: 0 })
    expect((await wal.list({ paused: true })).operations).toHaveLength(1)
    expect(await wal.resume(id)).toMatchObject({ paused: false })
    expect(await wal.wait(id)).toMatchObject({ state: 'completed' })
    expect(await errorOf(wal.pause(id))).toMatchObject({ code: 'WAL_STATE' })
    expect(await errorOf(wal.resume(id))).toMatchObject({ code: 'WAL_STATE' })
    expect(await errorOf(wal.retry(id))).toMatchObject({ code: 'WAL_STATE' })
    for (const call of [wal.pause(99), wal.resume(99), wal.retry(99), wal.wait(99)]) {
      expect(await errorOf(call)).toMatchObject({ code: 'WAL_NOT_FOUND', kind: 'not-found' })
    }
  })

  onBoth('ends an attempt under way, which does not count', async () => {
    let attempts = 0
    const began = createEvent()
    const run = async () => {
      attempts += 1
      began.set()
      if (attempts === 1) await sleep(Infinity)
      return attempts
    }
    await using wal = await openOps({ types: { pin: handler(run, { maxAttempts: 1 }) } })
    const { id } = (await wal.append({ type: 'pin', params: {} })).operation
    await began.wait()
    const paused = await wal.pause(id)
    expect(paused).toMatchObject({
      state: 'queued',
      paused: true,
      attempts: [{ outcome: 'released' }],
      attemptLimit: 2,
    })
    await wal.resume(id)
    expect(await wal.wait(id)).toMatchObject({ state: 'completed', result: 2 })
  })

  onBoth('comes too late for a handler that has done its work all the same', async () => {
    const began = createEvent()
    const run = async () => {
      began.set()
      try {
        await sleep(Infinity)
      } catch {
        return 'done after all'
      }
      return 'never'
    }
    await using wal = await openOps({ types: { pin: handler(run) } })
    const { id } = (await wal.append({ type: 'pin', params: {} })).operation
    await began.wait()
    expect(await errorOf(wal.pause(id))).toMatchObject({ code: 'WAL_STATE' })
    expect(await wal.get(id)).toMatchObject({ state: 'completed', result: 'done after all' })
  })
})

onBoth('calls for one operation at once come one after the other', async () => {
  await using wal = await openOps({ types: { pin: handler(() => sleep(Infinity)) }, drainMs: 0 })
  const { id } = (await wal.append({ type: 'pin', params: {}, notBefore: wallClock() + 60_000 })).operation
  const calls = [wal.pause(id), wal.resume(id), wal.cancel(id), wal.cancel(id), wal.retry(id), wal.pause(id)]
  const settled = await Promise.allSettled(calls)
  const done = settled.map(({ status }) => (status === 'fulfilled' ? 1 : 0))
  const retries = done[4]!
  expect(done[2]! + done[3]!).toBeGreaterThanOrEqual(1)
  expect(done[2]! + done[3]!).toBeLessThanOrEqual(1 + retries)
  const { state, lsn } = (await wal.get(id))!
  expect(['queued', 'running', 'cancelled']).toContain(state)
  expect(lsn).toBeGreaterThan(id)
})

onBoth('finished operations are removed, and others are not', async () => {
  const disk = someDisk()
  const types = {
    pin: handler(() => 1),
    copy: handler(() => {
      throw Object.assign(new Error('no'), { kind: 'invalid' })
    }),
  }
  {
    await using wal = await openOps({ types }, disk)
    const all = await wal.appendMany([
      { type: 'pin', params: {}, cids: [cidOf('a'), cidOf('b')] },
      { type: 'copy', params: {}, cids: [cidOf('b')] },
      {
        type: 'pin',
        params: {},
        cids: [cidOf('b'), cidOf('c'), cidOf('c')],
        notBefore: wallClock() + 60_000,
      },
    ])
    await wal.wait(all[0]!.operation.id)
    await wal.wait(all[1]!.operation.id)
    expect((await wal.retainedCids()).sort()).toEqual([cidOf('b'), cidOf('c')].sort())
    expect(await wal.deleteFinished({ finishedBefore: epochMs })).toBe(0)
    expect(await wal.deleteFinished({ states: ['failed'] })).toBe(1)
    expect(await wal.get(all[1]!.operation.id)).toBeUndefined()
    expect(await errorOf(wal.retry(all[1]!.operation.id))).toMatchObject({ code: 'WAL_NOT_FOUND' })
    expect(await wal.deleteFinished()).toBe(1)
    expect(await wal.deleteFinished()).toBe(0)
  }
  await using wal = await openOps({ types }, disk)
  expect((await wal.list()).operations).toMatchObject([{ type: 'pin', state: 'queued' }])
})

onBoth('an operation that is retried waits for what it depends on and has not ended', async () => {
  const mayEnd = createEvent()
  const order: unknown[] = []
  const run = async ({ n }: { n: string }) => {
    if (n === 'fails') throw Object.assign(new Error('no'), { kind: 'invalid' })
    if (n === 'slow') await mayEnd.wait()
    order.push(n)
  }
  await using wal = await openLagging(5)({ types: { pin: handler(run) } }, someDisk())
  const all = await wal.appendMany([
    { type: 'pin', params: { n: 'slow' } },
    { type: 'pin', params: { n: 'fails' } },
    { type: 'pin', params: { n: 'cancelled' }, afterInBatch: [0] },
    { type: 'pin', params: { n: 'broken' }, afterInBatch: [0, 1] },
  ])
  const [cancelled, broken] = all.slice(2).map(({ operation }) => operation.id)
  await wal.cancel(cancelled!)
  expect(await wal.wait(broken!)).toMatchObject({ state: 'failed', failure: { code: 'WAL_BROKEN' } })
  for (const id of [cancelled!, broken!]) {
    expect(await wal.retry(id)).toMatchObject({ state: 'queued', waitingFor: 1 })
  }
  await sleep(30)
  expect(order).toEqual([])
  mayEnd.set()
  for (const id of [cancelled!, broken!]) {
    expect(await wal.wait(id)).toMatchObject({ state: 'completed' })
  }
  expect(order[0]).toBe('slow')
})

onBoth('what is removed is gone at once, for every other call', async () => {
  await using wal = await openLagging(10)({ types: { pin: handler(() => 1) } }, someDisk())
  const all = await wal.appendMany(Array.from({ length: 20 }, () => ({ type: 'pin', params: {} }) as const))
  const ids = all.map(({ operation }) => operation.id)
  for (const id of ids) await wal.wait(id)
  const removed = await Promise.all([wal.deleteFinished(), wal.deleteFinished(), wal.deleteFinished()])
  expect(removed.reduce((sum, count) => sum + count, 0)).toBe(20)
  expect(await errorOf(wal.wait(ids[1]!))).toMatchObject({ code: 'WAL_NOT_FOUND' })
  expect(await errorOf(wal.retry(ids[2]!))).toMatchObject({ code: 'WAL_NOT_FOUND' })
})

onBoth('no more operations are promised at once than there may be unfinished', async () => {
  await using wal = await openOps({ types: { pin: handler(() => 1) }, executor: 'off', maxUnfinished: 10 })
  const all = await Promise.allSettled(
    Array.from({ length: 50 }, () => wal.append({ type: 'pin', params: {} })),
  )
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  expect(wal.stats().unfinished).toBe(10)
})

onBoth('lists are paged, filtered, the newest first', async () => {
  await using wal = await openOps({
    types: { pin: handler(() => 1), copy: handler(() => 1) },
    executor: 'off',
  })
  const asked = Array.from(
    { length: 25 },
    (_, n) =>
      ({ type: n % 5 === 0 ? 'copy' : 'pin', params: { n }, ...(n === 7 && { backend: 's3' }) }) as const,
  )
  await wal.appendMany(asked)
  const seen: unknown[] = []
  let page = await wal.list({ limit: 10 })
  for (;;) {
    seen.push(...page.operations.map(({ params }) => params['n']))
    if (page.next === undefined) break
    page = await wal.list({ limit: 10, before: page.next })
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => 24 - n))
  expect((await wal.list({ types: ['copy'] })).operations).toHaveLength(5)
  expect((await wal.list({ backends: ['s3'] })).operations).toMatchObject([{ params: { n: 7 } }])
  expect((await wal.list({ backends: [''] })).operations).toHaveLength(24)
  expect((await wal.list({ states: ['completed'] })).operations).toEqual([])
})
