import { taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { damageLastRecordOf } from './damage.ts'
import { openOn } from './open-on.ts'
import { treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 10 })

each('a snapshot and all its blocks stay through changes, checkpoints, collections and a crash', async () => {
  const disk = simDisk({ seed: 1 })
  const opened = await openOn(disk, { keepCheckpoints: 1, clock: () => 1234 })
  const { journal, blocks } = opened
  await journal.write('/d/f', Buffer.from('old'), { parents: true })
  const made = await journal.snapshot('before')
  expect(made).toEqual({ name: 'before', cid: made.cid, sequence: 1, at: 1234 })
  await journal.rm('/d', { recursive: true })
  await journal.checkpoint()
  await journal.mkdir('/e')
  await journal.checkpoint()
  await blocks.collect()
  const next = disk.crash()
  await Promise.allSettled([opened[Symbol.asyncDispose]()])
  await using again = await openOn(next)
  expect(again.journal.snapshots().map((one) => ({ ...one, cid: String(one.cid) }))).toEqual([
    { name: 'before', cid: String(made.cid), sequence: 1, at: 1234 },
  ])
  await again.blocks.collect()
  await again.journal.put('/restored', made.cid)
  expect(await treeOf(again.journal, '/restored')).toEqual(
    new Map([
      ['/restored/d/', ''],
      ['/restored/d/f', 'old'],
    ]),
  )
})

each('a snapshot that was removed is not kept, and one that was not made neither', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk, { keepCheckpoints: 1 })
  const { journal, blocks } = opened
  await journal.write('/f', Buffer.from('f'))
  const { cid } = await journal.snapshot('s')
  await expect(journal.snapshot('s')).rejects.toMatchObject({ code: 'JOURNAL_SNAPSHOT_EXISTS' })
  await journal.rm('/f')
  await journal.checkpoint()
  await blocks.collect()
  expect(await blocks.has(cid)).toBe(true)
  await journal.removeSnapshot('s')
  await blocks.collect()
  expect(await blocks.has(cid)).toBe(false)
  expect(journal.snapshots()).toEqual([])
  await expect(journal.removeSnapshot('s')).rejects.toMatchObject({ code: 'JOURNAL_VERSION_UNKNOWN' })
  disk.failAt('write', 1, 'ENOSPC')
  await expect(journal.snapshot('t')).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
  expect(journal.snapshots()).toEqual([])
})

each('where there is no room to write the tree a snapshot can be removed', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk, { segmentBytes: 1024 * 1024 })
  const { journal } = opened
  await journal.write('/f', Buffer.from('f'))
  await journal.snapshot('s')
  for (let nth = 0; nth < 200; nth += 1) await journal.mkdir(`/${'n'.repeat(900)}${nth}`)
  disk.setFaults({ capacityBytes: disk.stats().usedBytes })
  await expect(journal.checkpoint()).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
  await journal.removeSnapshot('s')
  expect(journal.snapshots()).toEqual([])
})

each('a checkpoint that is passed by takes no snapshot with it', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk)
    const { journal, blocks } = opened
    await journal.write('/f', Buffer.from('f'))
    await journal.snapshot('first')
    await journal.write('/g', Buffer.from('g'))
    const { cid } = await journal.snapshot('second')
    await journal.mkdir('/d')
    await blocks.delete(cid)
  }
  await using opened = await openOn(disk)
  const { journal, blocks } = opened
  expect(journal.recovery).toMatchObject({ checkpoint: { sequence: 1 }, changes: 2 })
  expect(journal.snapshots().map(({ name }) => name)).toEqual(['first', 'second'])
  await blocks.collect()
  // What has become of it is written again.
  await journal.rm('/d')
  await journal.checkpoint()
  await journal.put('/second', journal.snapshots()[1]!.cid)
  expect([...(await treeOf(journal, '/second')).values()]).toEqual(['f', 'g'])
})

each('a damaged record takes only the snapshot that it has made', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    await journal.mkdir('/a')
    await journal.snapshot('first')
    await journal.mkdir('/b')
    const { cid } = await journal.snapshot('second')
    await journal.mkdir('/c')
    await damageLastRecordOf(disk, cid)
  }
  await using opened = await openOn(disk)
  expect(opened.journal.snapshots().map(({ name }) => name)).toEqual(['first'])
  expect([...(await treeOf(opened.journal)).keys()]).toEqual(['/a/', '/b/', '/c/'])
})

each('snapshots that are made and removed at once come one after the other', async () => {
  const disk = simDisk({ seed: 1, faults: { latencyMs: 1 } })
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    await taskGroup((group) => {
      for (const name of ['a', 'b', 'c', 'd']) {
        group.spawn(async () => {
          await journal.mkdir(`/${name}`)
          await journal.snapshot(name)
          if (name === 'b') await journal.removeSnapshot(name)
        })
      }
      group.spawn(() => journal.checkpoint())
    })
  }
  await using opened = await openOn(disk)
  const snapshots = opened.journal.snapshots()
  expect(snapshots.map(({ name }) => name).toSorted()).toEqual(['a', 'c', 'd'])
})

each('names that cannot be are refused', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  for (const name of ['', '.', '..', 'a/b', 'a\0', 'a\n', '\ud800', 'n'.repeat(65), 'ü'.repeat(33)]) {
    await expect(journal.snapshot(name)).rejects.toMatchObject({ code: 'JOURNAL_INVALID_NAME' })
  }
  await expect(journal.snapshot(1 as never)).rejects.toThrow(TypeError)
  await journal.snapshot('vor dem Umzug – 1')
})

test('as many snapshots and checkpoints as there can be fit into the smallest segment', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk, { keepCheckpoints: 100, clock: () => 2 ** 52 })
    const { journal } = opened
    for (let nth = 0; nth < 100; nth += 1) {
      await journal.mkdir(`/${nth}`)
      await journal.setAttributes(`/${nth}`, { name: 'value' })
      await journal.checkpoint()
    }
    for (let nth = 0; nth < 200; nth += 1) await journal.snapshot(`${nth}`.padEnd(64, 'n'))
    await expect(journal.snapshot('more')).rejects.toMatchObject({ code: 'JOURNAL_TOO_MANY_SNAPSHOTS' })
    await journal.mkdir('/last')
    await journal.checkpoint()
  }
  await using opened = await openOn(disk, { keepCheckpoints: 100 })
  expect(opened.journal.snapshots()).toHaveLength(200)
  expect(opened.journal.checkpoints()).toHaveLength(100)
})
