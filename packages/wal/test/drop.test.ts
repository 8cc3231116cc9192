import { taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Log } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { whole } from './crash/world.ts'
import { contentOf, openOn, outcomes, recordsOf, segmentsOf } from './open-on.ts'

const both = forEachBackend(test, { seeds: 30 })

both('drops whole segments below an LSN, and never the newest with records', async () => {
  const disk = simDisk({ seed: 1 })
  const log = await openOn(disk)
  for (let nth = 0; nth < 15; nth += 1) await log.append(Buffer.alloc(700, nth))
  expect(await log.dropBefore(5)).toBe(0)
  expect(await log.dropBefore(6)).toBe(1)
  expect(log.stats()).toMatchObject({ firstLsn: 6, nextLsn: 16, segments: 2 })
  expect(await log.dropBefore(1_000_000)).toBe(1)
  expect(log.stats()).toMatchObject({ firstLsn: 11, nextLsn: 16, segments: 1 })
  expect(await log.append(Buffer.from('x'))).toBe(16)
  await log.close()
  await using again = await openOn(disk)
  expect(again.stats()).toMatchObject({ firstLsn: 11, nextLsn: 17, segments: 1 })
  expect(again.findings).toEqual([])
})

test('a read of what was dropped says so', async () => {
  const disk = simDisk({ seed: 2 })
  await using log = await openOn(disk, { segmentBytes: 2_097_152 })
  for (let nth = 0; nth < 15; nth += 1) await log.append(Buffer.alloc(400_000, nth))
  const reading = log.read()
  expect(await reading.next()).toMatchObject({ value: { firstLsn: 1 } })
  await log.dropBefore(11)
  await expect(contentOf(log, 10)).rejects.toMatchObject({ code: 'WAL_DROPPED', kind: 'not-found' })
  // What is open is read on; the segment behind it is gone.
  const seen: number[] = []
  const read = async (): Promise<void> => {
    for await (const batch of reading) seen.push(...recordsOf([batch]).keys())
  }
  await expect(read()).rejects.toMatchObject({ code: 'WAL_DROPPED' })
  expect(seen).toEqual([2, 3, 4, 5])
  expect([...(await contentOf(log)).keys()]).toEqual([11, 12, 13, 14, 15])
})

forEachBackend(test, { seeds: 60, only: 'sim' })(
  'a read beside drops ends, or says what was dropped',
  async () => {
    const faults = { latencyMs: 3, slowReads: 0.7 }
    await using log = await openOn(simDisk({ seed: whole(2 ** 31), faults }))
    await taskGroup(async (group) => {
      group.spawn(async () => {
        for (let nth = 0; nth < 25; nth += 1) await log.append(Buffer.alloc(700, nth))
      })
      group.spawn(async () => {
        for (let nth = 0; nth < 12; nth += 1) await log.dropBefore(1 + whole(log.stats().nextLsn))
      })
      for (const reading of [contentOf, contentOf, (one: Log) => one.verify()]) {
        group.spawn(async () => {
          for (let nth = 0; nth < 10; nth += 1) {
            const [outcome] = await outcomes([reading(log)])
            expect(['done', 'WAL_DROPPED']).toContain(outcome)
          }
        })
      }
    })
  },
)

test('a drop syncs what stays before it removes anything, in every mode', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const disk = simDisk({ seed })
    const log = await openOn(disk, { mode: 'os' })
    for (let nth = 0; nth < 12; nth += 1) await log.append(Buffer.alloc(700, nth))
    await log.dropBefore(11)
    const next = disk.crash()
    await expect(log.close()).resolves.toBeUndefined()
    await using again = await openOn(next)
    expect(again.stats()).toMatchObject({ nextLsn: 13 })
    expect((await contentOf(again)).size).toBe(13 - again.stats().firstLsn)
  }
})

test('a drop whose removal fails leaves what it could not remove', async () => {
  const disk = simDisk({ seed: 3 })
  await using log = await openOn(disk)
  for (let nth = 0; nth < 15; nth += 1) await log.append(Buffer.alloc(700, nth))
  disk.failAt('unlink', 2)
  await expect(log.dropBefore(11)).rejects.toMatchObject({ code: 'WAL_IO' })
  expect([log.stats().firstLsn, (await segmentsOf(disk)).length]).toEqual([6, 2])
  expect(await log.dropBefore(11)).toBe(1)
})

/** As the next process finds it: the name of a segment was removed, and comes back or not after a power loss. */
async function diskWithDoubtfulName(seed: number): Promise<SimDisk> {
  const disk = simDisk({ seed })
  const log = await openOn(disk)
  for (let nth = 0; nth < 15; nth += 1) await log.append(Buffer.alloc(700, nth))
  disk.failAt('syncFolder', 1)
  await expect(log.dropBefore(6)).rejects.toMatchObject({ code: 'WAL_SYNC_FAILED' })
  await log.close()
  return disk.kill()
}

test('a name that comes back after a failed sync of the folder is removed by the next opening', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const next = await diskWithDoubtfulName(seed)
    const again = await openOn(next)
    await again.dropBefore(11)
    await again.close()
    await using last = await openOn(next.crash())
    expect(last.findings).toEqual([])
    expect(last.stats().firstLsn).toBe(11)
  }
})

test('an opening that loses the power while it removes such a name leaves nothing to be found', async () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const killed = await diskWithDoubtfulName(seed)
    for (let nth = 5; nth <= 30; nth += 1) {
      const copy = killed.copy(nth)
      copy.crashAt('any', nth)
      const [outcome] = await outcomes([openOn(copy).then((opened) => opened.close())])
      if (outcome === 'done') break
      await using again = await openOn(copy.crash())
      expect(again.findings).toEqual([])
    }
  }
})
