import { createEvent, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import type { LoggedOperation } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { errorOf, handler, openOps, someDisk, until } from './wal-on.ts'

const onBoth = forEachBackend(test, { seeds: 20 })

onBoth('runs an operation, and keeps its result over openings', async () => {
  const disk = someDisk()
  const types = { add: handler(async ({ path }: { path: string }) => ({ cid: `cid of ${path}` })) }
  let id: number
  {
    await using wal = await openOps({ types }, disk)
    const { operation, isNew } = await wal.append({ type: 'add', params: { path: 'photo.jpg' } })
    expect(isNew).toBe(true)
    expect(operation).toMatchObject({ type: 'add', state: 'queued', params: { path: 'photo.jpg' } })
    id = operation.id
    const done = await wal.wait(id)
    expect(done).toMatchObject({ state: 'completed', result: { cid: 'cid of photo.jpg' }, attemptCount: 1 })
    expect(done.attempts).toMatchObject([{ attempt: 1, epoch: 1, outcome: 'completed' }])
    expect(wal.stats()).toMatchObject({ completed: 1, unfinished: 0, epoch: 1 })
  }
  await using wal = await openOps({ types }, disk)
  expect(await wal.get(id)).toMatchObject({ state: 'completed', result: { cid: 'cid of photo.jpg' } })
  expect(await wal.get(99)).toBeUndefined()
  expect(wal.stats().epoch).toBe(2)
})

onBoth('tries again after a failure, and keeps what has failed too often as a dead letter', async () => {
  let calls = 0
  const run = async (): Promise<number> => {
    calls += 1
    await sleep(1)
    if (calls < 3) throw new Error(`failure ${calls}`)
    if (calls < 4) return calls
    throw Object.assign(new Error('for ever'), { code: 'LASTING', kind: 'invalid' })
  }
  await using wal = await openOps({
    types: { 'custom:try': handler(run, { maxAttempts: 3 }) },
    retryBaseMs: 2,
  })
  const { operation } = await wal.append({ type: 'custom:try', params: {} })
  const done = await wal.wait(operation.id)
  expect(done).toMatchObject({ state: 'completed', result: 3, attemptCount: 3 })
  expect(done.failure).toBeUndefined()
  expect(done.attempts.map(({ failure }) => failure?.message)).toEqual(['failure 1', 'failure 2', undefined])
  const second = await wal.append({ type: 'custom:try', params: {} })
  const dead = await wal.wait(second.operation.id)
  expect(dead).toMatchObject({
    state: 'failed',
    attemptCount: 1,
    failure: { code: 'LASTING', message: 'for ever' },
  })
  await wal.retry(dead.id)
  expect(await wal.wait(dead.id)).toMatchObject({ state: 'failed', attemptCount: 2 })
  expect(wal.stats()).toMatchObject({ completed: 1, failed: 2, retried: 2 })
})

onBoth('what is tried again has no failure while it is, and its attempts keep theirs', async () => {
  const ends = [createEvent(), createEvent(), createEvent()]
  let calls = 0
  const run = async (): Promise<void> => {
    const call = calls++
    await ends[call]?.wait()
    throw new Error(`failure ${call + 1}`)
  }
  await using wal = await openOps({
    types: { 'custom:try': handler(run, { maxAttempts: 2 }) },
    retryBaseMs: 2,
    drainMs: 0,
  })
  const { id } = (await wal.append({ type: 'custom:try', params: {} })).operation
  const running = async (attempts: number): Promise<LoggedOperation> => {
    for (;;) {
      const operation = await until(wal, id, 'running')
      if (operation.attemptCount === attempts) return operation
      await sleep(1)
    }
  }
  const failures = ({ attempts }: LoggedOperation) => attempts.map(({ failure }) => failure?.message)
  expect((await running(1)).failure).toBeUndefined()
  ends[0]!.set()
  const second = await running(2)
  expect(second.failure).toBeUndefined()
  expect(failures(second)).toEqual(['failure 1', undefined])
  ends[1]!.set()
  expect(await wal.wait(id)).toMatchObject({ state: 'failed', failure: { message: 'failure 2' } })
  const queued = await wal.retry(id)
  expect(queued.state).toBe('queued')
  expect(queued.failure).toBeUndefined()
  const third = await running(3)
  expect(third.failure).toBeUndefined()
  expect(failures(third)).toEqual(['failure 1', 'failure 2', undefined])
  await wal.cancel(id)
})

onBoth('an operation is cancelled while it waits and while it runs', async () => {
  const ends: string[] = []
  const run = async (): Promise<void> => {
    try {
      await sleep(Infinity)
    } finally {
      ends.push('ended')
    }
  }
  await using wal = await openOps({ types: { pin: handler(run) }, laneLimit: 1 })
  const [first, second] = await wal.appendMany([
    { type: 'pin', params: { n: 1 } },
    { type: 'pin', params: { n: 2 } },
  ])
  const { id } = first!.operation
  expect(await until(wal, id, 'running')).toMatchObject({ epoch: 1 })
  expect(await wal.cancel(second!.operation.id, { reason: 'not needed' })).toMatchObject({
    state: 'cancelled',
    failure: { code: 'WAL_CANCELLED', message: 'not needed' },
    attemptCount: 0,
  })
  expect(ends).toEqual([])
  expect(await wal.cancel(id)).toMatchObject({ state: 'cancelled', attempts: [{ outcome: 'cancelled' }] })
  expect(ends).toEqual(['ended'])
  expect(await errorOf(wal.cancel(id))).toMatchObject({ code: 'WAL_STATE' })
  expect(await errorOf(wal.cancel(77))).toMatchObject({ code: 'WAL_NOT_FOUND' })
})

onBoth('is followed from now on, and from an LSN of the past', async () => {
  await using wal = await openOps({ types: { pin: handler(async () => 'done') } })
  const told: string[] = []
  await taskGroup(async (group) => {
    group.spawn(async () => {
      for await (const change of wal.follow()) {
        if (!('operation' in change)) throw new Error('nothing was missed')
        told.push(change.operation.state)
        if (change.operation.state === 'completed') return
      }
    })
    await sleep(1)
    const { operation } = await wal.append({ type: 'pin', params: {} })
    await wal.wait(operation.id)
  })
  expect(told.at(-1)).toBe('completed')
  for await (const change of wal.follow({ from: 1 })) {
    expect(change).toMatchObject({ operation: { state: 'completed', result: 'done' } })
    break
  }
})
