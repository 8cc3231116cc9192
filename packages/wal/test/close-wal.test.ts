import { createEvent, moveOnAfter, now, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { Wal } from '@ipfs-kit/wal'
import { describe, expect, test } from 'vitest'
import { errorOf, handler, openOps, someDisk, until } from './wal-on.ts'

const onBoth = forEachBackend(test, { seeds: 15 })
const onSim = forEachBackend(test, { seeds: 15, only: 'sim' })

describe('closing', () => {
  onBoth('waits for what runs, and begins nothing more', async () => {
    const disk = someDisk()
    const mayEnd = createEvent()
    const run = async () => {
      await mayEnd.wait()
      return 'done'
    }
    const types = { pin: handler(run) }
    const wal = await openOps({ types, laneLimit: 1 }, disk)
    const all = await wal.appendMany([
      { type: 'pin', params: {} },
      { type: 'pin', params: {} },
    ])
    const [one, two] = all.map(({ operation }) => operation.id)
    await until(wal, one!, 'running')
    const waiting = errorOf(wal.wait(two!))
    const closing = [wal.close(), wal.close()]
    mayEnd.set()
    await Promise.all(closing)
    await wal[Symbol.asyncDispose]()
    expect(await waiting).toMatchObject({ code: 'WAL_CLOSED' })
    for (const call of [
      wal.get(1),
      wal.append({ type: 'pin', params: {} }),
      wal.cancel(1),
      wal.list(),
      wal.deleteFinished(),
    ]) {
      expect(await errorOf(call)).toMatchObject({ code: 'WAL_CLOSED' })
    }
    await using again = await openOps({ types, executor: 'off' }, disk)
    expect(await again.get(one!)).toMatchObject({ state: 'completed', result: 'done' })
    expect(await again.get(two!)).toMatchObject({ state: 'queued', attemptCount: 0 })
  })

  onSim('cancels what takes longer, which goes on at the next opening and has lost no attempt', async () => {
    const disk = someDisk()
    const began = createEvent()
    const hang = handler(
      async () => {
        began.set()
        await sleep(Infinity)
      },
      { maxAttempts: 1 },
    )
    const wal = await openOps({ types: { pin: hang }, drainMs: 5000 }, disk)
    const { id } = (await wal.append({ type: 'pin', params: {} })).operation
    await began.wait()
    const before = now()
    await wal.close()
    expect(now() - before).toBeGreaterThanOrEqual(5000)
    expect(now() - before).toBeLessThan(5100)
    await using again = await openOps({ types: { pin: handler(() => 'done') } }, disk)
    const done = await again.wait(id)
    expect(done).toMatchObject({ state: 'completed', attemptCount: 2, attemptLimit: 2 })
    expect(done.attempts.map(({ outcome }) => outcome)).toEqual(['released', 'completed'])
  })

  onBoth('in a handler waits no longer than any other wait of it, and closes', async () => {
    const disk = someDisk()
    let wal: Wal
    const types = { pin: handler(() => wal.close()) }
    wal = await openOps({ types, drainMs: 20 }, disk)
    const { operation } = await wal.append({ type: 'pin', params: {} })
    expect(await errorOf(wal.wait(operation.id))).toMatchObject({ code: 'WAL_CLOSED' })
    await wal.close()
    await using again = await openOps({ types, executor: 'off' }, disk)
    const { attempts, state } = (await again.get(operation.id))!
    expect([state, attempts.map(({ outcome }) => outcome)]).toEqual(['queued', ['released']])
  })

  onBoth('lets calls that are under way come to their end', async () => {
    const wal = await openOps(
      { types: { pin: handler(() => 1) }, executor: 'off' },
      simDisk({ seed: 3, faults: { latencyMs: 2 } }),
    )
    const appending = wal.append({ type: 'pin', params: {} })
    await wal.close()
    expect((await appending).operation.state).toBe('queued')
  })
})

describe('a disk that fails', () => {
  onBoth('to sync stops everything, and says so; the next opening goes on', async () => {
    const disk = someDisk()
    const mayEnd = createEvent()
    const types = { pin: handler(() => mayEnd.wait()), copy: handler(() => 'done') }
    const wal = await openOps({ types }, disk)
    const { id } = (await wal.append({ type: 'pin', params: {} })).operation
    await until(wal, id, 'running')
    const [queued] = await wal.appendMany([{ type: 'copy', params: {}, after: [id] }])
    disk.failAt('sync', 1)
    expect(await errorOf(wal.append({ type: 'copy', params: {} }))).toMatchObject({ code: 'WAL_SYNC_FAILED' })
    expect(wal.stats()).toMatchObject({ stopped: expect.any(String), log: { state: 'stopped' } })
    expect(await errorOf(wal.cancel(queued!.operation.id))).toMatchObject({ code: 'WAL_SYNC_FAILED' })
    mayEnd.set()
    await sleep(5)
    expect((await wal.get(id))!.state).toBe('running')
    await wal.close().catch(() => undefined)
    await using again = await openOps({ types }, disk.kill())
    expect(await again.wait(id)).toMatchObject({ state: 'completed', attemptCount: 2 })
    expect(await again.wait(queued!.operation.id)).toMatchObject({ state: 'completed' })
  })

  onSim('to write for a while holds things up for as long, and loses nothing', async () => {
    const disk = someDisk()
    await using wal = await openOps({ types: { pin: handler(() => sleep(10)) } }, disk)
    const all = await wal.appendMany(Array.from({ length: 20 }, () => ({ type: 'pin', params: {} }) as const))
    await sleep(5)
    disk.setFaults({ writeErrors: 1 })
    expect(await errorOf(wal.append({ type: 'pin', params: {} }))).toMatchObject({ code: 'WAL_IO' })
    await sleep(10_000)
    disk.setFaults({ writeErrors: 0 })
    const finished = await moveOnAfter(60_000, async () => {
      for (const { operation } of all)
        expect(await wal.wait(operation.id)).toMatchObject({ state: 'completed', attemptCount: 1 })
      return true
    })
    expect(finished).toBe(true)
  })
})

onBoth('two openers of one log: the second one is refused', async () => {
  const disk = someDisk()
  await using _wal = await openOps({ types: {} }, disk)
  expect(await errorOf(openOps({ types: {} }, disk))).toMatchObject({ code: 'WAL_LOCKED' })
})
