import { createEvent, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { OperationHandler, Wal, WalOptions } from '@ipfs-kit/wal'
import { describe, expect, test } from 'vitest'
import { errorOf, handler, openOps, someDisk, wallClock } from './wal-on.ts'

const onBoth = forEachBackend(test, { seeds: 20 })

/** A log whose lane is known to have nothing that waits. */
async function warm(
  run: OperationHandler['run'],
  options: Partial<WalOptions> = {},
  disk = someDisk(),
): Promise<Wal> {
  const wal = await openOps({ types: { pin: handler(run), copy: handler(() => 1) }, ...options }, disk)
  await wal.wait((await wal.append({ type: 'copy', params: {} })).operation.id)
  // Until the index has the end of that, and the lane was filled from it.
  await wal.list()
  while ((await wal.append({ type: 'copy', params: {} })).operation.state !== 'running') await sleep(1)
  while (wal.stats().running > 0) await sleep(1)
  return wal
}

describe('an operation that finds room', () => {
  onBoth('begins with its promise: one record less, and one sync', async () => {
    await using wal = await warm(() => 'done')
    const before = wal.stats().log
    const { operation } = await wal.append({ type: 'pin', params: {} })
    expect(operation).toMatchObject({ state: 'running', attemptCount: 1, epoch: 1, attempts: [{ epoch: 1 }] })
    const done = await wal.wait(operation.id)
    expect(done).toMatchObject({ state: 'completed', attemptCount: 1, result: 'done' })
    const { records, syncs } = wal.stats().log
    expect([records - before.records, syncs - before.syncs]).toEqual([2, 2])
    expect(await wal.get(operation.id)).toEqual(done)
  })

  onBoth('is interrupted when its process dies, and tried again by the next', async () => {
    const disk = someDisk()
    let attempts = 0
    const run = async () => {
      attempts += 1
      if (attempts === 1) await sleep(Infinity)
      return 'done'
    }
    const wal = await warm(run, { drainMs: 0 }, disk)
    const { operation } = await wal.append({ type: 'pin', params: {}, key: 'once' })
    while (attempts === 0) await sleep(1)
    const next = disk.crash()
    await wal.close().catch(() => undefined)
    await using again = await openOps({ types: { pin: handler(run) } }, next)
    const same = await again.append({ type: 'pin', params: {}, key: 'once' })
    expect(same).toMatchObject({ isNew: false, operation: { id: operation.id } })
    const done = await again.wait(operation.id)
    expect(done).toMatchObject({ state: 'completed', attemptCount: 2 })
    expect(done.attempts.map(({ epoch, outcome }) => [epoch, outcome])).toEqual([
      [1, 'interrupted'],
      [2, 'completed'],
    ])
  })

  onBoth('gives the room back when it cannot be written', async () => {
    const disk = someDisk()
    await using wal = await warm(() => 'done', { laneLimit: 1, concurrency: 1 }, disk)
    disk.failAt('write', 1)
    expect(await errorOf(wal.append({ type: 'pin', params: {} }))).toMatchObject({ code: 'WAL_IO' })
    const { operation } = await wal.append({ type: 'pin', params: {} })
    expect(await wal.wait(operation.id)).toMatchObject({ state: 'completed' })
  })

  onBoth('and is promised while the log is being closed comes to its end with the next opening', async () => {
    const disk = simDisk({ seed: 5, faults: { latencyMs: 2 } })
    const wal = await warm(() => sleep(1000), { drainMs: 0 }, disk)
    const appending = wal.append({ type: 'pin', params: {} })
    await sleep(0)
    await wal.close()
    const { operation } = await appending
    await using again = await openOps({ types: { pin: handler(() => 'done') } }, disk)
    expect(await again.wait(operation.id)).toMatchObject({ state: 'completed', result: 'done' })
  })
})

describe('an operation waits for its turn', () => {
  onBoth('if others run, or wait', async () => {
    const mayEnd = createEvent()
    const order: number[] = []
    const run = async ({ n }: { n: number }) => {
      order.push(n)
      await mayEnd.wait()
    }
    await using wal = await warm(run, { laneLimit: 1 })
    const all: number[] = []
    for (const [n, priority] of [
      [0, 5],
      [1, 1],
      [2, 9],
    ] as const) {
      const { operation } = await wal.append({ type: 'pin', params: { n }, priority })
      expect(operation.state).toBe(n === 0 ? 'running' : 'queued')
      all.push(operation.id)
    }
    mayEnd.set()
    for (const id of all) await wal.wait(id)
    expect(order).toEqual([0, 2, 1])
  })

  onBoth('if it is one of several, comes later, or waits for another', async () => {
    const mayEnd = createEvent()
    await using wal = await warm(() => mayEnd.wait())
    const two = await wal.appendMany([
      { type: 'pin', params: {} },
      { type: 'pin', params: {} },
    ])
    expect(two.map(({ operation: { state } }) => state)).toEqual(['queued', 'queued'])
    const [{ operation: first }] = two as [(typeof two)[0], ...typeof two]
    const later = await wal.append({ type: 'pin', params: {}, notBefore: wallClock() + 86_400_000 })
    const after = await wal.append({ type: 'pin', params: {}, after: [first.id] })
    expect([later.operation.state, after.operation.state]).toEqual(['queued', 'queued'])
    mayEnd.set()
    await wal.wait(after.operation.id)
  })
})
