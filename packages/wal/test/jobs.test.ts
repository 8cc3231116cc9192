import { cp } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { sleep } from '@ipfs-kit/concurrency'
import type { OperationChange } from '@ipfs-kit/wal'
import { walOperations, type Job } from '@ipfs-kit/wal/operations'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { cidOf } from './cid-of.ts'
import { collect, servedWal, temporaryFolder } from './served-wal.ts'

test('a job shows its stage, its bytes and items, and which items failed', async () => {
  const { call, wal } = await servedWal()
  const { operation } = await wal.append({ type: 'custom:partial', params: {} })
  const job = await call('jobs.wait', { id: operation.id })
  expect(job).toMatchObject({
    ...{ state: 'completed', stage: 'copying', bytes: 300, totalBytes: 400, items: 3, totalItems: 4 },
    ...{ percent: 100, attempts: 1, failedItems: 1 },
    failures: [{ name: 'b', code: 'TEST_DENIED', message: 'b may not be read' }],
    next: expect.stringContaining('jobs show') as string,
  })
  expect(Date.parse(job.finishedAt!)).toBeGreaterThanOrEqual(Date.parse(job.startedAt!))
})

test('a job tells what was asked for, the CIDs that it needs, and what has come of it', async () => {
  const { call, wal } = await servedWal()
  const cids = Array.from({ length: 12 }, (_, nth) => cidOf(`${nth}`))
  const params = { text: 'x'.repeat(2000) }
  const { id } = (await wal.append({ type: 'custom:done', params, cids })).operation
  expect(await call('jobs.wait', { id })).toMatchObject({ params, cids: cids.slice(0, 10), result: params })
  const { jobs } = await call('jobs.list', {})
  expect(jobs).toMatchObject([{ id, cids: cids.slice(0, 10) }])
  // A page of them has no more than what tells them from each other.
  expect(JSON.stringify(jobs)).not.toContain('xxx')
  expect(textOf('jobs.list', { jobs })).toContain(`${id}  custom:done  completed  ${cids[0]}`)
  const shown = textOf('jobs.show', await call('jobs.show', { id }))
  expect(shown).toContain('asked for: {"text":"xxx')
  expect(shown).toContain('result: {"text":"xxx')
  for (const line of shown.split('\n')) expect(line.length).toBeLessThan(1100)
})

test('the rate of a job that goes on is that of its last attempt', async () => {
  const params = z.object({})
  let at = Date.now()
  const { call, wal } = await servedWal({
    // A second from each record to the next, at least.
    clock: () => (at += 1000),
    types: {
      'custom:goes-on': {
        params,
        async run(_params: unknown, { checkpoint, progress, save }) {
          if (checkpoint === undefined) {
            progress({ stage: 'copying', bytes: 1_000_000 })
            await save('half')
            await sleep(Infinity)
          }
          progress({ stage: 'copying', bytes: 1_000_050 })
        },
      },
    },
  })
  const { id } = (await wal.append({ type: 'custom:goes-on', params: {} })).operation
  for await (const change of wal.follow({ id, from: id })) {
    if ('operation' in change && change.operation.checkpoint !== undefined) break
  }
  await call('jobs.pause', { id })
  await call('jobs.resume', { id })
  const { attempts, bytes, bytesPerSecond } = await call('jobs.wait', { id })
  expect({ attempts, bytes }).toEqual({ attempts: 2, bytes: 1_000_050 })
  expect(bytesPerSecond).toBeGreaterThan(0)
  expect(bytesPerSecond).toBeLessThanOrEqual(50)
})

test('100 percent means completed, and nothing else does', async () => {
  const { call, wal } = await servedWal({
    types: {
      'custom:almost': {
        params: z.object({}),
        maxAttempts: 1,
        run(_params: unknown, { progress }) {
          progress({ stage: 'checking', bytes: 400, totalBytes: 400 })
          throw Object.assign(new Error('the last check failed'), { code: 'TEST_CHECK' })
        },
      },
    },
  })
  const { operation } = await wal.append({ type: 'custom:almost', params: {} })
  await wal.wait(operation.id)
  const job = await call('jobs.show', { id: operation.id })
  expect(job).toMatchObject({ state: 'failed', percent: 99, bytes: 400, failure: { code: 'TEST_CHECK' } })
  expect(job.next).toBe(`Try it again with jobs retry ${operation.id}.`)
})

test('a job is paused, resumed, cancelled and tried again by its id', async () => {
  const { call, wal } = await servedWal()
  const { operation } = await wal.append({ type: 'custom:endless', params: {} })
  const { id } = operation
  await firstProgress(wal.follow({ id, from: id }))
  expect(await call('jobs.show', { id })).toMatchObject({ state: 'running', percent: 25, stage: 'waiting' })
  expect(await call('jobs.pause', { id })).toMatchObject({ state: 'queued', paused: true })
  expect((await call('jobs.show', { id })).next).toContain('jobs resume')
  await call('jobs.resume', { id })
  expect(await call('jobs.cancel', { id, reason: 'enough' })).toMatchObject({
    ...{ state: 'cancelled', failure: { message: 'enough' } },
  })
  expect(await call('jobs.retry', { id })).toMatchObject({ paused: false })
  expect((await call('jobs.list', { state: 'unfinished' })).jobs.map((job) => job.id)).toEqual([id])
})

test('a job that is tried again does not look failed, and tells what its attempts before have failed with', async () => {
  let calls = 0
  const { call, wal } = await servedWal({
    types: {
      'custom:once': {
        params: z.object({}),
        maxAttempts: 1,
        async run(_params: unknown, { progress }) {
          calls += 1
          if (calls === 1) throw Object.assign(new Error('The source is gone'), { code: 'TEST_GONE' })
          progress({ stage: 'waiting', bytes: 50 })
          await sleep(Infinity)
        },
      },
    },
  })
  const { id } = (await wal.append({ type: 'custom:once', params: {} })).operation
  const failed = await call('jobs.wait', { id })
  expect(failed.failedAttempts).toMatchObject([{ attempt: 1, code: 'TEST_GONE' }])
  expect(textOf('jobs.show', failed).match(/The source is gone/g)).toHaveLength(1)
  const from = wal.stats().log.nextLsn
  const retried = await call('jobs.retry', { id })
  expect(retried.failure).toBeUndefined()
  await firstProgress(wal.follow({ id, from }))
  const running = await call('jobs.show', { id })
  expect(running).toMatchObject({ state: 'running', failedAttempts: [{ attempt: 1, code: 'TEST_GONE' }] })
  expect(running.failure).toBeUndefined()
  const [line] = textOf('jobs.list', await call('jobs.list', {})).split('\n')
  expect(line).toContain('running')
  expect(line).not.toContain('TEST_GONE')
  expect(textOf('jobs.show', running)).toContain('attempt 1: TEST_GONE: The source is gone')
  expect((await call('wal.get', { id })).failure).toBeUndefined()
})

test('what a job that waits or was broken by another one is to do next is told', async () => {
  const { call, wal } = await servedWal()
  const first = await wal.append({ type: 'custom:endless', params: {} })
  const second = await wal.append({ type: 'custom:done', params: {}, after: [first.operation.id] })
  const { id } = second.operation
  expect((await call('jobs.show', { id })).next).toBe('It waits for 1 other jobs.')
  await wal.cancel(first.operation.id)
  expect(await call('jobs.wait', { id })).toMatchObject({
    state: 'failed',
    next: expect.stringContaining(`what became of job ${first.operation.id}`) as string,
  })
})

test('following one job shows it at once, then its changes, and ends with it', async () => {
  const { call, wal } = await servedWal()
  const { operation } = await wal.append({ type: 'custom:endless', params: {} })
  const { id } = operation
  await firstProgress(wal.follow({ id, from: id }))
  const states: string[] = []
  for await (const { job } of await call('jobs.follow', { id })) {
    if (job === undefined) continue
    states.push(job.state)
    if (states.length === 1) await wal.cancel(id)
  }
  expect(states[0]).toBe('running')
  expect(states.at(-1)).toBe('cancelled')
  const again = await collect(await call('jobs.follow', { id }))
  expect(again.map(({ job }) => job?.state)).toEqual(['cancelled'])
  await expect(collect(await call('jobs.follow', { id: 999 }))).rejects.toMatchObject({
    code: 'WAL_NOT_FOUND',
  })
})

test('following one job takes no filter, which could hide its end', async () => {
  const { call } = await servedWal()
  await expect(call('jobs.follow', { id: 1, state: 'running' })).rejects.toMatchObject({ kind: 'invalid' })
})

test('following goes on from an LSN, and leaves nothing out', async () => {
  const { call, wal } = await servedWal()
  const ids: number[] = []
  for (let nth = 0; nth < 5; nth += 1) {
    const { operation } = await wal.append({ type: 'custom:done', params: {} })
    await wal.wait(operation.id)
    ids.push(operation.id)
  }
  const seen: Job[] = []
  const { lsn } = (await wal.get(ids[1]!))!
  for await (const line of await call('jobs.follow', { from: lsn + 1 })) {
    if (line.job !== undefined) seen.push(line.job)
    if (line.job?.id === ids.at(-1)) break
  }
  expect(seen.map(({ id }) => id)).toEqual(ids.slice(2))
})

test('following goes on among those that one opening has interrupted, and leaves none out', async () => {
  const { wal, path } = await servedWal()
  const endless = { type: 'custom:endless', params: {} } as const
  const appended = await wal.appendMany([endless, endless, endless])
  const ids = appended.map(({ operation }) => operation.id)
  for (const id of ids) await firstProgress(wal.follow({ id, from: id }))
  // What a power loss leaves.
  const left = join(await temporaryFolder(), 'log')
  await cp(path, left, { recursive: true, filter: (file) => !/lock|index/.test(basename(file)) })
  const { wal: again } = await servedWal({ path: left, executor: 'off' })
  const [opening] = (await collect(again.records())).filter(({ record }) => record.kind === 'open').slice(-1)
  // The index makes them pending little by little.
  while (again.stats().index.recovering > 0) await new Promise((resolve) => setImmediate(resolve))
  const first = await again.follow({ from: opening!.lsn }).next()
  const told = new Set([(first.value as OperationChange).operation.id])
  const rest = again.follow({ from: (first.value as OperationChange).lsn + 1 })
  for await (const change of rest) {
    if ('operation' in change) told.add(change.operation.id)
    if (told.size === ids.length) break
  }
  expect([...told].sort((a, b) => a - b)).toEqual(ids)
})

test('following that is cancelled ends with the reason, and when the log is closed by itself', async () => {
  const { call, wal } = await servedWal()
  const leaving = new AbortController()
  const lines = (await call('jobs.follow', {}, { signal: leaving.signal }))[Symbol.asyncIterator]()
  expect(await lines.next()).toMatchObject({ value: { lsn: wal.stats().index.appliedLsn } })
  const next = lines.next()
  leaving.abort(new Error('gone'))
  await expect(next).rejects.toThrow('gone')
  const others = (await call('jobs.follow', {}))[Symbol.asyncIterator]()
  await others.next()
  await wal.append({ type: 'custom:endless', params: {} })
  expect(await others.next()).toMatchObject({ value: { job: { type: 'custom:endless' } } })
  await wal.close()
  let last = await others.next()
  while (last.done !== true) last = await others.next()
  expect(last).toEqual({ done: true, value: undefined })
})

test('a job is a line on a terminal, and all there is to know when it is shown', async () => {
  const { call, wal } = await servedWal()
  const { operation } = await wal.append({ type: 'custom:partial', params: {}, backend: 's3' })
  await wal.wait(operation.id)
  const list = textOf('jobs.list', await call('jobs.list', {}))
  expect(list).toContain(`${operation.id}  custom:partial  completed  s3  100 %  300 of 400 bytes`)
  const shown = textOf('jobs.show', await call('jobs.show', { id: operation.id }))
  expect(shown).toContain('  b: TEST_DENIED: b may not be read')
  expect(shown).toContain('attempts: 1 of 5')
  expect(shown).toContain('asked for: {}')
  expect(textOf('jobs.list', { jobs: [] })).toBe('none')
})

/** An answer as it is on a terminal. */
function textOf(name: string, answer: unknown): string {
  const entry = walOperations.find((one) => one.name === name)!
  return (entry.text as (value: unknown) => string)(answer)
}

async function firstProgress(changes: AsyncIterable<object>): Promise<void> {
  for await (const change of changes) {
    if ('operation' in change && (change.operation as { progress?: object }).progress !== undefined) return
  }
}
