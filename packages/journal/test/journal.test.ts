import { sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { openJournal } from '@ipfs-kit/journal'
import { openLog } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { textOf, treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 10 })

each('collections take nothing of the tree, while it changes and checkpoints are made', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk, { checkpointChanges: 7 })
    const { journal, blocks } = opened
    await taskGroup((group) => {
      for (const folder of ['/a', '/b', '/c']) {
        group.spawn(async () => {
          for (let nth = 0; nth < 20; nth += 1) {
            await journal.write(`${folder}/${nth % 10}`, Buffer.from(`${folder} ${nth}`), { parents: true })
          }
        })
      }
      group.spawn(async () => {
        for (let times = 0; times < 4; times += 1) await blocks.collect()
      })
    })
    await blocks.collect()
    expect(journal.stats().checkpoint).toBeDefined()
  }
  await using opened = await openOn(disk)
  await opened.blocks.collect()
  const tree = await treeOf(opened.journal)
  expect(tree.size).toBe(33)
  for (const folder of ['/a', '/b', '/c']) expect(tree.get(`${folder}/7`)).toBe(`${folder} 17`)
})

each('a checkpoint is made by itself, and what is before it need not be done again', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk, { checkpointChanges: 10 })
    for (let nth = 1; nth <= 25; nth += 1) await opened.journal.mkdir(`/${nth}`)
    while (opened.journal.stats().changesSinceCheckpoint > 15) await sleep(1)
  }
  await using opened = await openOn(disk)
  const { recovery } = opened.journal
  expect(recovery.checkpoint!.sequence).toBeGreaterThanOrEqual(10)
  expect(recovery.checkpoint!.sequence + recovery.changes).toBe(25)
  expect((await treeOf(opened.journal)).size).toBe(25)
})

each('a checkpoint has the CID of what it has, and it is the same however it came about', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { journal } = opened
  await journal.write('/x/a', Buffer.from('a'), { parents: true })
  await journal.write('/x/b', Buffer.from('b'))
  const both = await journal.flush('/x')
  await journal.rm('/x/b')
  const one = await journal.flush('/x')
  expect(String(one)).not.toBe(String(both))
  await journal.mkdir('/y')
  await journal.cp('/x/a', '/y/a')
  expect(String(await journal.flush('/y'))).toBe(String(one))
  await journal.write('/x/b', Buffer.from('b'))
  expect(String(await journal.flush('/x'))).toBe(String(both))
  expect((await journal.stat('/x')).cid?.equals(both)).toBe(true)
})

each('a full volume refuses changes and not reads, and with room again all works', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { journal } = opened
  await journal.write('/f', Buffer.from('f'))
  const { usedBytes } = disk.stats()
  disk.setFaults({ capacityBytes: usedBytes })
  let refused = 0
  for (let nth = 0; nth < 2000 && refused < 3; nth += 1) {
    try {
      await journal.mkdir(`/${'n'.repeat(200)}${nth}`)
    } catch (error) {
      expect(error).toMatchObject({ code: 'JOURNAL_FULL', kind: 'full' })
      refused += 1
      expect(await textOf(journal, '/f')).toBe('f')
      await expect(journal.stat(`/${'n'.repeat(200)}${nth}`)).rejects.toMatchObject({
        code: 'JOURNAL_NOT_FOUND',
      })
    }
  }
  expect(refused).toBe(3)
  disk.setFaults({ capacityBytes: 1024 ** 4 })
  await journal.mkdir('/after')
  expect(await journal.stat('/after')).toMatchObject({ kind: 'directory' })
})

each(
  'a change is refused whose record is too large, whoever comes second, and everybody after the end',
  async () => {
    const disk = simDisk({ seed: 1 })
    const opened = await openOn(disk)
    const { journal, blocks } = opened
    const deep = `/${Array.from({ length: 4000 }, (_, at) => at).join('/')}`.slice(0, 16_000)
    await expect(journal.mkdir(deep, { parents: true })).rejects.toMatchObject({ code: 'JOURNAL_TOO_LARGE' })
    expect(await journal.ls('/')).toEqual({ entries: [] })
    const second = openJournal({ path: '/journal', disk, blocks, segmentBytes: 65_536 })
    await expect(second).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' })
    await journal.close()
    for (const call of [
      journal.stat('/'),
      journal.ls('/'),
      journal.mkdir('/x'),
      journal.write('/x', Buffer.from('x')),
      journal.checkpoint(),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
    }
    await opened[Symbol.asyncDispose]()
  },
)

each('a record of a newer version is refused by name', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using log = await openLog({ path: '/journal', disk, segmentBytes: 65_536 })
    await log.append(Buffer.from([2, 1, 0xa0]))
  }
  await expect(openOn(disk)).rejects.toMatchObject({ code: 'JOURNAL_FORMAT_TOO_NEW' })
})

test('options that cannot be are refused', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { blocks } = opened
  const open = (options: object) =>
    openJournal({ path: '/other', blocks, disk: simDisk({ seed: 1 }), ...options })
  for (const wrong of [{ path: 'relative' }, { profile: 'v7' }, { clock: 1 }, { unknown: 1 }]) {
    await expect(open(wrong)).rejects.toThrow(TypeError)
  }
  for (const wrong of [{ checkpointChanges: 0 }, { checkpointChanges: Number.NaN }, { segmentBytes: 1 }]) {
    await expect(open(wrong)).rejects.toThrow(RangeError)
  }
})
