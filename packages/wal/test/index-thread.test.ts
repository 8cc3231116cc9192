import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '@ipfs-kit/concurrency'
import { nodeDisk } from '@ipfs-kit/disk'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSqliteIndex } from '../src/sqlite/sqlite-index.ts'
import { applyAll } from './index-steps.ts'
import { adds, completeOne, openStoreOn } from './open-store-on.ts'

let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
})
afterAll(() => rm(home, { recursive: true }))

/** Holds the writer of an index: it waits for the lock of the file. */
function hold(path: string): { release(): void } {
  const database = new Database(join(path, 'index.sqlite'))
  database.exec('BEGIN IMMEDIATE')
  return {
    release() {
      database.exec('COMMIT')
      database.close()
    },
  }
}

describe('the thread of the index', () => {
  test('slows appends, in their order, when it lags for more than a second', async () => {
    const path = join(home, 'held')
    await using store = await openStoreOn(nodeDisk(), { path, segmentBytes: 1024 * 1024 })
    await store.index.recovered()
    const held = hold(path)
    // It has this, and lags from now on. What is appended once it has lagged for long enough would wait for it.
    await store.append([adds()])
    while (store.index.stats().lagMs <= 1000) await sleep(10)
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (nth) => {
      const [id] = await store.append([adds({ nth })])
      order.push(nth)
      return id!
    })
    const controller = new AbortController()
    const cancelled = store.append([adds()], { signal: controller.signal })
    const reason = new Error('not now')
    controller.abort(reason)
    await expect(cancelled).rejects.toBe(reason)
    expect(store.stats().slowed).toBe(3)
    expect(order).toEqual([])
    held.release()
    const ids = await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
    expect(ids).toEqual(ids.toSorted((a, b) => a - b))
    expect(store.stats().slowed).toBe(0)
    await store.index.recovered()
    expect(store.index.get(ids[2]!)).toMatchObject({ params: { nth: 3 } })
  })

  test('that has died stops appends with a code, and the log keeps what it has', async () => {
    const path = join(home, 'dead')
    const ids: number[] = []
    {
      const store = await openStoreOn(nodeDisk(), { path })
      await store.index.recovered()
      const database = new Database(join(path, 'index.sqlite'))
      database.exec('DROP TABLE operations')
      database.close()
      const failed = expect(store.index.applied(1000)).rejects.toMatchObject({ code: 'WAL_INDEX_FAILED' })
      ids.push(...(await store.append([adds({ text: 'acknowledged' })])))
      await failed
      await expect(store.append([adds()])).rejects.toMatchObject({ code: 'WAL_INDEX_FAILED' })
      await expect(store.checkpoint()).rejects.toMatchObject({ code: 'WAL_INDEX_FAILED' })
      await expect(
        store.index.retain({ keysBefore: 0, finishedBefore: 0, keepFinished: 0 }),
      ).rejects.toMatchObject({
        code: 'WAL_INDEX_FAILED',
      })
      await store.close()
    }
    await using store = await openStoreOn(nodeDisk(), { path })
    expect(store.index.get(ids[0]!)).toMatchObject({ params: { text: 'acknowledged' } })
  })

  test('that dies while an image is there lets the image end', async () => {
    const path = join(home, 'image.sqlite')
    const index = await openSqliteIndex(path)
    applyAll(index, [adds()], 1)
    const image = await index.image()
    const database = new Database(path)
    database.exec('DROP TABLE operations')
    database.close()
    applyAll(index, [adds()], 2)
    await image[Symbol.asyncDispose]()
    await expect(index.applied(2)).rejects.toMatchObject({ code: 'WAL_INDEX_FAILED' })
    await index.close()
  })

  test('has taken away what it was taking when something is kept', async () => {
    const path = join(home, 'kept')
    await using store = await openStoreOn(nodeDisk(), { path })
    const { index } = store
    const [gone, left] = [await completeOne(store, 1000), await completeOne(store, 1000)]
    await index.recovered()
    const held = hold(path)
    const retaining = index.retain({ keysBefore: 0, finishedBefore: 0, keepFinished: 1 })
    await new Promise(setImmediate)
    using _keeping = index.keep([gone])
    const found = index.retained().then(() => index.get(gone))
    held.release()
    expect(await found).toBeUndefined()
    await retaining
    using _other = index.keep([left])
    await index.retain({ keysBefore: 0, finishedBefore: 0, keepFinished: 0 })
    expect(index.get(left)).toMatchObject({ state: 'completed' })
  })

  test('that is closed ends calls that wait, and those that come', async () => {
    const path = join(home, 'closed.sqlite')
    const index = await openSqliteIndex(path)
    applyAll(index, [adds()], 1)
    await Promise.all([index.close(), index.close()])
    expect(() => index.get(1)).toThrow(expect.objectContaining({ code: 'WAL_CLOSED' }) as Error)
    await expect(index.image()).rejects.toMatchObject({ code: 'WAL_CLOSED' })
    await expect(index.applied(10)).rejects.toMatchObject({ code: 'WAL_CLOSED' })
    await using again = await openSqliteIndex(path)
    expect(again.get(1)).toMatchObject({ state: 'queued' })
  })

  test('recovers what an older epoch was running in slices, between which new operations are applied', async () => {
    const count = 5000
    await using index = await openSqliteIndex(join(home, 'recovers.sqlite'))
    const ids = Array.from({ length: count }, (_, at) => at + 2)
    applyAll(
      index,
      [
        { kind: 'open', at: 1000, epoch: 1 },
        ...ids.map(() => adds()),
        ...ids.map((id) => ({ kind: 'start', at: 1000, id, epoch: 1 }) as const),
      ],
      500,
    )
    await index.recovered()
    const ready: string[] = []
    index.onReady = (lane) => ready.push(lane)
    applyAll(index, [{ kind: 'open', at: 2000, epoch: 2 }], 1, 2 * count + 2)
    applyAll(index, [adds({ text: 'new' })], 1, 2 * count + 3)
    await index.applied(2 * count + 3)
    expect(index.stats().recovering).toBeGreaterThan(count / 2)
    expect(index.get(2 * count + 3)).toMatchObject({ params: { text: 'new' } })
    // What is not recovered yet is shown as it will be.
    expect(index.get(count)).toMatchObject({ state: 'retrying', attempts: [{ outcome: 'interrupted' }] })
    expect(index.list({ before: count + 2, limit: 1 })).toMatchObject([{ state: 'retrying' }])
    // What is asked for is recovered first.
    applyAll(index, [{ kind: 'start', at: 2000, id: count + 1, epoch: 2 }], 1, 2 * count + 4)
    await index.applied(2 * count + 4)
    expect(index.get(count + 1)).toMatchObject({ state: 'running', epoch: 2, attemptCount: 2 })
    await index.recovered()
    expect(index.list({ states: ['running'], limit: 10 }).map(({ id }) => id)).toEqual([count + 1])
    expect(index.due('', 2000, 10_000)).toHaveLength(count)
    expect(ready.length).toBeGreaterThan(3)
  })

  test('moves pages into the database while others read, so that the file beside it does not grow', async () => {
    const path = join(home, 'pages.sqlite')
    await using index = await openSqliteIndex(path)
    const { statSync } = await import('node:fs')
    const batch = Array.from({ length: 1000 }, () => adds({ text: 'x'.repeat(1000) }))
    let most = 0
    for (let nth = 0; nth < 25; nth += 1) {
      applyAll(index, batch, 1000, 1 + nth * 1000)
      await index.applied((nth + 1) * 1000)
      index.list({ limit: 100 })
      most = Math.max(most, statSync(`${path}-wal`).size)
    }
    expect(statSync(path).size).toBeGreaterThan(20_000_000)
    expect(most).toBeLessThan(24_000_000)
  })
})
