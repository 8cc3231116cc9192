import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StorageError, type StorageBackend } from '@ipfs-kit/storage'
import { delegate } from '@ipfs-kit/storage/testing'
import { backendEnd, transferJobs } from '@ipfs-kit/transfer'
import { openWal, type Wal } from '@ipfs-kit/wal'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bytesOf, contents, digests, fill, memory, rejection, watched } from './ground.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-transfer-'))
})
afterEach(() => rm(home, { recursive: true }))

const objects = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`k${at}`, bytesOf(at, 5000)]))

/** A log of operations with transfers between backends, by their names. */
async function walOf(stores: Record<string, StorageBackend>): Promise<Wal> {
  const types = transferJobs({
    async openEnd(address) {
      const [store = '', key = ''] = address.split(':')
      return { end: backendEnd(stores[store]!, key), [Symbol.asyncDispose]: async () => {} }
    },
  })
  return await openWal({ path: join(home, 'log'), types, retryBaseMs: 1, retryMaxMs: 1 })
}

/** A source of which one object cannot be read so many times. */
function failing(
  backend: StorageBackend,
  key: string,
  times: number,
  code: 'STORAGE_UNAVAILABLE' | 'STORAGE_DENIED',
) {
  let left = times
  return delegate(backend, {
    get: async (asked, options) => {
      if (asked === key && left-- > 0) throw new StorageError(code, `${key} cannot be read`)
      return await backend.get(asked, options)
    },
  })
}

test('a job tells results and progress in the form of the log, and its result is the report', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, objects)
  await using wal = await walOf({ from, to })
  const { operation } = await wal.append({
    type: 'custom:transfer-copy',
    params: { from: 'from:', to: 'to:' },
  })
  const done = await wal.wait(operation.id)
  expect(done).toMatchObject({
    state: 'completed',
    result: { items: 8, sent: 8, failed: 0, bytes: 40_000 },
    progress: { stage: 'commit', bytes: 80_000, totalBytes: 80_000, items: 8, totalItems: 8 },
    items: { done: 8, failed: 0 },
  })
  expect(done.items!.results.map(({ name }) => name).sort()).toEqual(Object.keys(objects))
  expect(await contents(to)).toEqual(digests(objects))
})

test('the next attempt takes up only what has failed', async () => {
  const from = memory('from')
  const to = watched(memory('to'))
  await fill(from, objects)
  await using wal = await walOf({ from: failing(from, 'k3', 2, 'STORAGE_UNAVAILABLE'), to: to.backend })
  const params = { from: 'from:', to: 'to:', compare: 'size' }
  const { operation } = await wal.append({ type: 'custom:transfer-copy', params })
  const done = await wal.wait(operation.id)
  expect(done).toMatchObject({
    state: 'completed',
    attemptCount: 3,
    result: { items: 8, sent: 8, failed: 0, same: 0 },
  })
  expect(done.attempts.map(({ failure }) => failure?.code)).toEqual([
    'TRANSFER_INCOMPLETE',
    'TRANSFER_INCOMPLETE',
    undefined,
  ])
  expect(to.puts.sort()).toEqual(Object.keys(objects))
})

test('what cannot pass is not tried again by itself, and a retry by hand takes it up', async () => {
  const from = memory('from')
  const to = watched(memory('to'))
  await fill(from, objects)
  await using wal = await walOf({ from: failing(from, 'k3', 1, 'STORAGE_DENIED'), to: to.backend })
  const { operation } = await wal.append({
    type: 'custom:transfer-move',
    params: { from: 'from:', to: 'to:' },
  })
  const failed = await wal.wait(operation.id)
  expect(failed).toMatchObject({ state: 'failed', attemptCount: 1, failure: { code: 'TRANSFER_INCOMPLETE' } })
  expect(failed.items!.results.filter(({ failure }) => failure !== undefined)).toEqual([
    {
      name: 'k3',
      failure: {
        code: 'TRANSFER_SOURCE_FAILED',
        message: expect.stringContaining('cannot be read') as string,
      },
    },
  ])
  expect(Object.keys(await contents(from))).toEqual(['k3'])
  await wal.retry(operation.id)
  expect(await wal.wait(operation.id)).toMatchObject({
    state: 'completed',
    result: { items: 8, sent: 8, removed: 8, failed: 0 },
  })
  expect(await contents(from)).toEqual({})
  expect(to.puts.length).toBe(8)
})

test('a job that cannot work fails at once, by name', async () => {
  const from = memory('from')
  await fill(from, objects)
  await using wal = await walOf({ from })
  const { operation } = await wal.append({
    type: 'custom:transfer-sync',
    params: { from: 'from:', to: 'from:a/' },
  })
  expect(await wal.wait(operation.id)).toMatchObject({
    state: 'failed',
    attemptCount: 1,
    failure: { code: 'TRANSFER_OVERLAP' },
  })
  const wrong = wal.append({
    type: 'custom:transfer-move',
    params: { from: 'from:', to: 'a', compare: 'size' },
  })
  expect(await rejection(wrong)).toMatchObject({ code: 'WAL_PARAMS_INVALID' })
})

test('a job that is cancelled has nothing half-written, and a retry ends it', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, objects)
  await using wal = await walOf({ from, to })
  const params = { from: 'from:', to: 'to:', bytesPerSecond: 20_000, concurrency: 2 }
  const { operation } = await wal.append({ type: 'custom:transfer-copy', params })
  for await (const change of wal.follow({ from: 1, id: operation.id })) {
    if ('operation' in change && (change.operation.progress?.items ?? 0) > 0) break
  }
  expect(await wal.cancel(operation.id)).toMatchObject({ state: 'cancelled' })
  const arrived = await contents(to)
  expect(Object.keys(arrived).length).toBeGreaterThan(0)
  expect(Object.keys(arrived).length).toBeLessThan(8)
  expect(digests(objects)).toMatchObject(arrived)
  const verifying = await wal.append({ type: 'custom:transfer-verify', params: { from: 'from:', to: 'to:' } })
  expect(await wal.wait(verifying.operation.id)).toMatchObject({ state: 'failed' })
  await wal.retry(operation.id)
  expect(await wal.wait(operation.id)).toMatchObject({ state: 'completed' })
  expect(await contents(to)).toEqual(digests(objects))
})

test('a sync job deletes extras, and a verify job finds nothing more', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, objects)
  await fill(to, { extra: bytesOf(1, 1) })
  await using wal = await walOf({ from, to })
  const params = { from: 'from:', to: 'to:', extras: 'delete' }
  const { operation } = await wal.append({ type: 'custom:transfer-sync', params })
  expect(await wal.wait(operation.id)).toMatchObject({ state: 'completed', result: { sent: 8, deleted: 1 } })
  const verifying = await wal.append({ type: 'custom:transfer-verify', params: { from: 'from:', to: 'to:' } })
  expect(await wal.wait(verifying.operation.id)).toMatchObject({
    state: 'completed',
    result: { same: 8, failed: 0 },
  })
})
