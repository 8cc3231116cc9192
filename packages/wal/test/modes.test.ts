import { sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import { contentOf, openOn, texts } from './open-on.ts'

const sim = forEachBackend(test, { seeds: 30, only: 'sim' })

describe('interval', () => {
  sim('answers before the sync, says what can be lost, and syncs after the interval', async () => {
    const disk = simDisk({ seed: 1 })
    const log = await openOn(disk, { mode: 'interval', intervalMs: 200 })
    const { syncs } = log.stats()
    await log.appendMany(texts(3))
    expect(log.stats()).toMatchObject({
      durableLsn: 0,
      syncs,
      loss: { records: 3, bytes: 72, maxMs: 200, maxBytes: 4096 },
    })
    await sleep(199)
    expect(log.stats().durableLsn).toBe(0)
    await sleep(20)
    expect(log.stats()).toMatchObject({ durableLsn: 3, syncs: syncs + 1, loss: { records: 0, bytes: 0 } })
    // Nothing is synced while nothing is appended.
    await sleep(10_000)
    expect(log.stats().syncs).toBe(syncs + 1)
    await log.close()
  })

  sim('stops when a sync fails that nobody waits for', async () => {
    const disk = simDisk({ seed: 2 })
    const log = await openOn(disk, { mode: 'interval', intervalMs: 50 })
    await log.append(Buffer.from('x'))
    disk.failAt('sync', 1)
    await sleep(100)
    expect(log.stats()).toMatchObject({ state: 'stopped', lastFailure: { code: 'WAL_SYNC_FAILED' } })
    await expect(log.append(Buffer.from('y'))).rejects.toMatchObject({ code: 'WAL_SYNC_FAILED' })
    await expect(log.close()).rejects.toMatchObject({ code: 'WAL_SYNC_FAILED' })
    expect(disk.stats()).toMatchObject({ openFiles: 0, locks: 0 })
  })
})

describe('os', () => {
  test('syncs when a segment ends and when it is closed, and not otherwise', async () => {
    const disk = simDisk({ seed: 3 })
    const log = await openOn(disk, { mode: 'os' })
    for (let nth = 0; nth < 5; nth += 1) await log.append(Buffer.alloc(700, nth))
    expect(log.stats()).toMatchObject({ durableLsn: 0, loss: { records: 5, maxBytes: 4096 } })
    expect(log.stats().loss).not.toHaveProperty('maxMs')
    await log.append(Buffer.alloc(700))
    expect(log.stats()).toMatchObject({ durableLsn: 5, loss: { records: 1 } })
    await log.close()
    expect(log.stats().durableLsn).toBe(6)
    await using again = await openOn(disk.crash())
    expect((await contentOf(again)).size).toBe(6)
  })
})

test('what was answered in any mode is there when the process dies', async () => {
  for (const mode of ['always', 'interval', 'os'] as const) {
    const disk = simDisk({ seed: 4 })
    const log = await openOn(disk, { mode })
    await log.appendMany(texts(5))
    const next = disk.kill()
    await log.close().catch((error: unknown) => expect(error).toMatchObject({ code: 'WAL_SYNC_FAILED' }))
    await using again = await openOn(next, { mode })
    expect([...(await contentOf(again)).values()]).toEqual(texts(5).map(String))
  }
})
