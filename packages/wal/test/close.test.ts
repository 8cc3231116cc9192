import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { nodeDisk, simDisk } from '@ipfs-kit/disk'
import { openLog } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { contentOf, openOn, outcomes, texts } from './open-on.ts'

const both = forEachBackend(test, { seeds: 50 })

both('closing while appends run writes those in the queue, and refuses the rest', async () => {
  const disk = simDisk({ seed: 1, faults: { slowWrites: 1 } })
  const log = await openOn(disk, { maxQueuedBytes: 400 })
  const appends = texts(12).map((payload) => log.append(payload))
  const closing = log.close()
  const late = await outcomes([
    log.append(Buffer.from('late')),
    log.appendMany([]),
    log.dropBefore(1),
    log.verify(),
  ])
  const came = await outcomes(appends)
  await closing
  expect(late).toEqual(['WAL_CLOSED', 'WAL_CLOSED', 'WAL_CLOSED', 'WAL_CLOSED'])
  const done = came.filter((one) => one === 'done').length
  expect(done).toBeGreaterThan(0)
  expect(came).toEqual(came.map((_, at) => (at < done ? 'done' : 'WAL_CLOSED')))
  await using again = await openOn(disk)
  expect([...(await contentOf(again)).values()]).toEqual(texts(done).map(String))
})

both('closing twice, at once and again, is closing', async () => {
  const disk = simDisk({ seed: 2 })
  const log = await openOn(disk)
  const append = log.append(Buffer.from('x'))
  await taskGroup(async (group) => {
    group.spawn(() => log.close())
    group.spawn(() => log.close())
  })
  await append
  await log.close()
  expect(log.stats()).toMatchObject({ state: 'closed', durableLsn: 1 })
  expect(disk.stats()).toMatchObject({ openFiles: 0, locks: 0 })
})

both('a reader that is under way when the log is closed is told', async () => {
  const disk = simDisk({ seed: 3 })
  const log = await openOn(disk)
  for (const text of texts(200)) await log.append(text)
  const reading = log.read()
  await reading.next()
  await log.close()
  expect(await outcomes([reading.next(), log.read().next()])).toEqual(['WAL_CLOSED', 'WAL_CLOSED'])
  expect(disk.stats().openFiles).toBe(0)
})

test('a reader that is left gives its file back', async () => {
  const disk = simDisk({ seed: 4 })
  const log = await openOn(disk)
  await log.appendMany(texts(3))
  for await (const { firstLsn } of log.read()) if (firstLsn === 1) break
  await log.close()
  expect(disk.stats().openFiles).toBe(0)
})

both('one opener at a time has the log', async () => {
  const disk = simDisk({ seed: 5 })
  const opening = [openOn(disk), openOn(disk)]
  expect((await outcomes(opening)).sort()).toEqual(['WAL_LOCKED', 'done'])
  for (const one of await Promise.allSettled(opening)) if (one.status === 'fulfilled') await one.value.close()
  await (await openOn(disk)).close()
})

test('an opening that fails gives everything back', async () => {
  const disk = simDisk({ seed: 6 })
  await (await openOn(disk)).close()
  for (let nth = 1; nth < 12; nth += 1) {
    disk.failAt('any', nth)
    const [outcome] = await outcomes([openOn(disk).then((log) => log.close())])
    expect(disk.stats(), outcome).toMatchObject({ openFiles: 0, locks: 0 })
  }
})

test('the disk of the system holds a log with all defaults', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-')), 'log')
  try {
    {
      await using log = await openLog({ path })
      await Promise.all(texts(500).map((payload) => log.append(payload)))
      await expect(openLog({ path, disk: nodeDisk() })).rejects.toMatchObject({
        code: 'WAL_LOCKED',
        kind: 'conflict',
      })
    }
    await using log = await openLog({ path })
    expect([...(await contentOf(log)).values()]).toEqual(texts(500).map(String))
    expect(log.findings).toEqual([])
    expect(log.stats().bytes).toBe(33_554_432)
  } finally {
    await rm(join(path, '..'), { recursive: true })
  }
})
