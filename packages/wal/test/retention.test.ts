import { simDisk } from '@ipfs-kit/disk'
import { nodeDisk } from '@ipfs-kit/disk'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adds, completeOne, openStoreOn } from './open-store-on.ts'

let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
})
afterAll(() => rm(home, { recursive: true }))

describe.each([
  ['in memory', () => ({ disk: simDisk({ seed: 1 }), path: '/log' })],
  ['in SQLite', () => ({ disk: nodeDisk(), path: join(home, `${Math.random()}`) })],
] as const)('with an index %s', (_, where) => {
  test('the last finished operations are kept, and no more after a checkpoint', async () => {
    const { disk, path } = where()
    const options = { path, keepFinished: { count: 3 } }
    const ids: number[] = []
    {
      await using store = await openStoreOn(disk, options)
      for (let at = 1000; at < 1010; at += 1) ids.push(await completeOne(store, at))
      await store.checkpoint()
      expect(store.index.finished({}, 100)).toEqual(ids.slice(-3))
    }
    await using store = await openStoreOn(disk, options)
    await store.checkpoint()
    expect(store.index.finished({}, 100)).toEqual(ids.slice(-3))
  })

  test('finished operations go when they are too old, by the end and not by the beginning', async () => {
    const { disk, path } = where()
    const clock = { now: 1000 }
    await using store = await openStoreOn(disk, {
      path,
      keepFinished: { maxAgeMs: 500 },
      clock: () => clock.now,
    })
    const old = await completeOne(store, 1000)
    const [long] = await store.append([adds()])
    await store.append([{ kind: 'cancel', at: 1400, id: long!, reason: 'late' }])
    clock.now = 1600
    await store.checkpoint()
    expect(store.index.get(old)).toBeUndefined()
    expect(store.index.get(long!)).toMatchObject({ state: 'cancelled' })
  })

  test('keys go after their window, but for those of unfinished operations', async () => {
    const { disk, path } = where()
    const clock = { now: 1000 }
    const options = { path, idempotencyWindowMs: 500, clock: () => clock.now }
    let open = 0
    {
      await using store = await openStoreOn(disk, options)
      await completeOne(store, 1000, { key: 'done' })
      open = (await store.append([adds({}, { key: 'open' })]))[0]!
      await completeOne(store, 1400, { key: 'recent' })
      clock.now = 1600
      await store.checkpoint()
    }
    await using store = await openStoreOn(disk, options)
    expect(store.index.byKey('done')).toBeUndefined()
    expect(store.index.byKey('open')).toMatchObject({ id: open })
    expect(store.index.byKey('recent')).toMatchObject({ at: 1400 })
    await store.append([{ kind: 'cancel', at: 1600, id: open, reason: 'no' }])
    await store.checkpoint()
    expect(store.index.byKey('open')).toBeUndefined()
  })

  test('more unfinished operations than there is room for are refused, and ending them is not', async () => {
    const { disk, path } = where()
    await using store = await openStoreOn(disk, { path, maxUnfinishedBytes: 5000 })
    const ids: number[] = []
    const text = 'x'.repeat(500)
    await expect(
      (async () => {
        for (;;) ids.push((await store.append([adds({ text })]))[0]!)
      })(),
    ).rejects.toMatchObject({ code: 'WAL_BUSY', kind: 'temporary' })
    expect(ids.length).toBeGreaterThan(3)
    await store.append(ids.map((id) => ({ kind: 'cancel', at: 1000, id, reason: 'room' }) as const))
    await store.index.recovered()
    await store.append([adds({ text })])
  })

  test('the log is never longer than twice what is unfinished and a segment', async () => {
    const { disk, path } = where()
    const segmentBytes = 16_384
    await using store = await openStoreOn(disk, { path, segmentBytes, keepFinished: { count: 5 } })
    const tasks = Array.from({ length: 8 }, async () => {
      for (let nth = 0; nth < 60; nth += 1) {
        await completeOne(store, 1000)
        const { unfinishedBytes } = store.index.stats()
        expect(store.log.stats().bytes).toBeLessThanOrEqual(2 * (unfinishedBytes + segmentBytes))
      }
    })
    await Promise.all(tasks)
    expect(store.stats().checkpoints).toBeGreaterThan(3)
  })

  test('a reader of the log does not keep it from being dropped', async () => {
    const { disk, path } = where()
    await using store = await openStoreOn(disk, { path })
    for (let nth = 0; nth < 20; nth += 1) await completeOne(store, 1000)
    // So that none is under way that drops what is to be read first.
    await store.checkpoint()
    const reader = store.log.read({ from: store.log.stats().firstLsn })
    await reader.next()
    const { firstLsn } = store.log.stats()
    for (let nth = 0; nth < 20; nth += 1) await completeOne(store, 1000)
    await store.checkpoint()
    expect(store.log.stats().firstLsn).toBeGreaterThan(firstLsn)
    await reader.return()
  })
})

test('options that cannot be are refused', async () => {
  const disk = simDisk({ seed: 1 })
  for (const wrong of [
    { keepFinished: { count: -1 } },
    { keepFinished: { counts: 1 } },
    { keepFinished: { maxAgeMs: Number.NaN } },
    { idempotencyWindowMs: 0.5 },
    { maxUnfinishedBytes: 0 },
    { index: 'file' },
    { clock: 5 },
    { onBatch: () => {} },
    { noSuchOption: 1 },
  ]) {
    await expect(openStoreOn(disk, wrong as never)).rejects.toThrow(/./)
    const thrown = await openStoreOn(disk, wrong as never).catch((error: unknown) => error)
    expect(thrown instanceof TypeError || thrown instanceof RangeError).toBe(true)
  }
})
