import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import {
  createClient,
  followJobs,
  type FollowedJobs,
  type FollowOptions,
  type JobChange,
} from '@ipfs-kit/client'
import { createEvent, sleep } from '@ipfs-kit/concurrency'
import { simDisk } from '@ipfs-kit/disk'
import { createCaller } from '@ipfs-kit/operations'
import { operationRoutes } from '@ipfs-kit/operations/http'
import { openWal, type Wal, type WalOptions } from '@ipfs-kit/wal'
import { walOperations } from '@ipfs-kit/wal/operations'
import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

const mayEnd = createEvent()
const types: WalOptions['types'] = {
  pin: { params: z.looseObject({}), run: () => 1 },
  copy: { params: z.looseObject({}), run: () => mayEnd.wait() },
}

async function openLog(options: Partial<WalOptions> = {}): Promise<Wal> {
  const wal = await openWal({ path: '/log', disk: simDisk({ seed: 1 }), types, drainMs: 0, ...options })
  onTestFinished(() => wal.close())
  return wal
}

/** The operations of a log over HTTP; `cut` ends the server with all its connections. */
async function serveLog(wal: Wal, port = 0) {
  const { signal } = new AbortController()
  const caller = createCaller({
    operations: walOperations,
    borrow: () => ({ parts: { wal }, signal, release() {} }),
  })
  const app = Fastify({ forceCloseConnections: true })
  await app.register(operationRoutes({ operations: walOperations, caller }))
  await app.listen({ port, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  const { port: taken } = app.server.address() as AddressInfo
  return { port: taken, cut: () => app.close() }
}

function follow(port: number, jobs: FollowedJobs = {}, options: FollowOptions = {}) {
  const client = createClient({ url: `http://127.0.0.1:${port}` })
  return followJobs(client, jobs, { retryBaseMs: 1, retryMaxMs: 20, retries: 1000, ...options })
}

async function jobOf(
  changes: AsyncGenerator<JobChange>,
): Promise<{ id: number; state: string; lsn: number }> {
  const { value } = await changes.next()
  if (value === undefined || !('job' in value)) throw new Error(`no job: ${JSON.stringify(value)}`)
  return { id: value.job.id, state: value.job.state, lsn: value.lsn }
}

test('a connection that is lost is made again, and what has changed meanwhile is told, nothing twice', async () => {
  const wal = await openLog({ executor: 'off' })
  const { port, cut } = await serveLog(wal)
  const changes = follow(port, { from: 1 })
  const first = await wal.append({ type: 'pin', params: {} })
  expect(await jobOf(changes)).toMatchObject({ id: first.operation.id })
  await cut()
  const next = jobOf(changes)
  const [second, third] = await wal.appendMany([
    { type: 'pin', params: {} },
    { type: 'pin', params: {} },
  ])
  await serveLog(wal, port)
  expect(await next).toMatchObject({ id: second!.operation.id })
  expect(await jobOf(changes)).toMatchObject({ id: third!.operation.id })
  await wal.cancel(third!.operation.id)
  expect(await jobOf(changes)).toMatchObject({ id: third!.operation.id, state: 'cancelled' })
  await changes.return()
  while (wal.stats().followers > 0) await sleep(1)
})

test('one job is followed over a lost connection until it has ended', async () => {
  const wal = await openLog()
  const { port, cut } = await serveLog(wal)
  const { operation } = await wal.append({ type: 'copy', params: {} })
  while ((await wal.get(operation.id))?.state !== 'running') await sleep(1)
  const changes = follow(port, { id: operation.id })
  expect(await jobOf(changes)).toMatchObject({ id: operation.id, state: 'running' })
  await cut()
  const last = jobOf(changes)
  await serveLog(wal, port)
  mayEnd.set()
  expect(await last).toMatchObject({ id: operation.id, state: 'completed' })
  expect(await changes.next()).toEqual({ done: true, value: undefined })
})

test('what the log has let go is told as missed', async () => {
  const wal = await openLog({ segmentBytes: 65_536, keepFinished: { count: 0 } })
  const { port } = await serveLog(wal)
  while (wal.stats().log.firstLsn === 1) {
    const { operation } = await wal.append({ type: 'pin', params: { text: 'x'.repeat(4000) } })
    await wal.wait(operation.id)
  }
  const changes = follow(port, { from: 1 })
  const { value } = await changes.next()
  expect(value).toMatchObject({ missed: { after: 0, through: wal.stats().log.firstLsn - 1 } })
  await changes.return()
})

test('a server whose log has less than is known tells that once, and then what changes', async () => {
  const wal = await openLog({ executor: 'off' })
  const { port, cut } = await serveLog(wal)
  const through = wal.stats().log.nextLsn - 1
  const changes = follow(port, { from: 1000 })
  expect((await changes.next()).value).toEqual({ lsn: through, missed: { after: 0, through } })
  await cut()
  const next = jobOf(changes)
  const { operation } = await wal.append({ type: 'pin', params: {} })
  await serveLog(wal, port)
  expect(await next).toMatchObject({ id: operation.id })
  await changes.return()
})

test('the reason of the signal ends it, while it is told nothing and while it has no connection', async () => {
  const wal = await openLog({ executor: 'off' })
  const { port, cut } = await serveLog(wal)
  for (const isCut of [false, true]) {
    const abort = new AbortController()
    const reason = new Error('the page was left')
    const changes = follow(
      port,
      { from: 1 },
      { signal: abort.signal, retryBaseMs: 60_000, retryMaxMs: 60_000 },
    )
    await wal.append({ type: 'pin', params: {} })
    await jobOf(changes)
    const rest = (async () => {
      for await (const _ of changes);
    })()
    if (isCut) await cut()
    abort.abort(reason)
    await expect(rest).rejects.toBe(reason)
  }
})

test('it fails at once if no server is there at first, or refuses, and when new connections have failed too often', async () => {
  const wal = await openLog({ executor: 'off' })
  const { port, cut } = await serveLog(wal)
  await expect(follow(port, { id: 999 }).next()).rejects.toMatchObject({ code: 'WAL_NOT_FOUND' })
  const changes = follow(port, { from: 1 }, { retries: 3 })
  await wal.append({ type: 'pin', params: {} })
  await jobOf(changes)
  await cut()
  await expect(changes.next()).rejects.toMatchObject({ code: 'CLIENT_UNREACHABLE' })
  await expect(follow(port).next()).rejects.toMatchObject({ code: 'CLIENT_UNREACHABLE' })
})

test('a server that sends nothing is left', async () => {
  const silent = createServer((socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as AddressInfo
  await expect(follow(port, {}, { quietMs: 20 }).next()).rejects.toMatchObject({
    code: 'CLIENT_DISCONNECTED',
    message: 'Nothing has come from the server for 20 ms',
  })
})

test('wrong options are refused', async () => {
  await expect(follow(1, {}, { retries: -1 }).next()).rejects.toThrow(RangeError)
  await expect(follow(1, {}, { retry: 1 } as FollowOptions).next()).rejects.toThrow(/Unknown option retry/)
})
