import { setImmediate } from 'node:timers/promises'
import { taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { Batch } from '@ipfs-kit/wal'
import { describe, expect, test } from 'vitest'
import { contentOf, openOn, outcomes, recordsOf, texts } from './open-on.ts'

const both = forEachBackend(test, { seeds: 30 })

describe('onBatch', () => {
  both('is told of all that is acknowledged, by LSN and before its appender goes on', async () => {
    const batches: Batch[] = []
    let nextLsn = 1
    const onBatch = (batch: Batch): void => {
      expect(batch.firstLsn).toBe(nextLsn)
      nextLsn += batch.payloads.length
      batches.push(batch)
    }
    await using log = await openOn(simDisk({ seed: 1, faults: { slowWrites: 0.5 } }), { onBatch })
    await taskGroup(async (group) => {
      for (let task = 0; task < 5; task += 1) {
        group.spawn(async () => {
          for (let nth = 0; nth < 6; nth += 1) {
            const lsns = await log.appendMany(texts(1 + (nth % 3)))
            expect(nextLsn).toBeGreaterThan(lsns.at(-1)!)
          }
        })
      }
    })
    expect(batches.length).toBe(log.stats().batches)
    expect(recordsOf(batches)).toEqual(await contentOf(log))
  })

  test('is told after the sync, and in the other modes after the write', async () => {
    for (const [mode, syncs] of [
      ['always', 1],
      ['interval', 0],
      ['os', 0],
    ] as const) {
      const disk = simDisk({ seed: 2 })
      const told: number[] = []
      const onBatch = (): void => void told.push(disk.stats().operations.sync)
      await using log = await openOn(disk, { mode, onBatch })
      const before = disk.stats().operations.sync
      await log.append(Buffer.from('x'))
      expect(told).toEqual([before + syncs])
    }
  })

  test('is not told of what failed, nor of what was there at opening', async () => {
    const disk = simDisk({ seed: 3 })
    const batches: Batch[] = []
    const onBatch = (batch: Batch): void => void batches.push(batch)
    {
      await using log = await openOn(disk)
      await log.appendMany(texts(3))
    }
    const log = await openOn(disk, { onBatch })
    disk.failAt('write', 1)
    expect(await outcomes([log.append(Buffer.from('not written'))])).toEqual(['WAL_IO'])
    expect(await outcomes([log.append(Buffer.from('written'))])).toEqual(['done'])
    disk.failAt('sync', 1)
    expect(await outcomes([log.append(Buffer.from('not synced'))])).toEqual(['WAL_SYNC_FAILED'])
    await log.close()
    expect(recordsOf(batches)).toEqual(new Map([[4, 'written']]))
  })

  test('may append', async () => {
    const batches: Batch[] = []
    const follow: Promise<number>[] = []
    const log = await openOn(simDisk({ seed: 4 }), {
      onBatch: (batch) => {
        batches.push(batch)
        if (batch.firstLsn < 3) follow.push(log.append(Buffer.from(`after ${batch.firstLsn}`)))
      },
    })
    await log.append(Buffer.from('first'))
    expect([await follow[0], await follow[1]]).toEqual([2, 3])
    await log.close()
    expect([...recordsOf(batches).values()]).toEqual(['first', 'after 1', 'after 2'])
  })

  test('that throws is an unhandled rejection, and who appends is answered', async () => {
    const found: unknown[] = []
    const before = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', (error) => found.push(error))
    try {
      const thrown = new Error('the index is full')
      await using log = await openOn(simDisk({ seed: 5 }), {
        onBatch: () => {
          throw thrown
        },
      })
      expect(await Promise.all(texts(3).map((payload) => log.append(payload)))).toEqual([1, 2, 3])
      await setImmediate()
      expect(found).toEqual(found.map(() => thrown))
      expect(found.length).toBe(log.stats().batches)
    } finally {
      process.removeAllListeners('unhandledRejection')
      for (const listener of before) process.on('unhandledRejection', listener)
    }
  })

  test('is a function', async () => {
    for (const wrong of [null, 5, 'x', {}]) {
      await expect(openOn(simDisk({ seed: 6 }), { onBatch: wrong as never })).rejects.toThrow(TypeError)
    }
  })
})
