import { taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { textOf, treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 10 })
const bytes = (text: string) => Buffer.from(text)

each('a path is what it was, as one change, and the rest stays as it is', async () => {
  const disk = simDisk({ seed: 1 })
  const opened = await openOn(disk)
  const { journal, blocks } = opened
  await journal.write('/d/f', bytes('old f'), { parents: true })
  await journal.write('/d/in/g', bytes('old g'), { parents: true })
  await journal.write('/e', bytes('e'))
  await journal.setAttributes('/d/in/g', { owner: 'a' })
  await journal.snapshot('s')
  await journal.write('/d/f', bytes('new f'))
  await journal.rm('/d/in', { recursive: true })
  await journal.mkdir('/d/more')
  await journal.setAttributes('/d/f', { owner: 'b' })
  await journal.write('/e', bytes('new e'))
  await blocks.collect()
  const { sequence } = journal.stats()
  await journal.restore({ snapshot: 's' }, { path: '/d' })
  expect(journal.stats().sequence).toBe(sequence + 1)
  const restored = new Map([
    ['/d/', ''],
    ['/d/f', 'old f'],
    ['/d/in/', ''],
    ['/d/in/g', 'old g'],
    ['/e', 'new e'],
  ])
  expect(await treeOf(journal)).toEqual(restored)
  await journal.restore({ snapshot: 's' }, { path: '/e' })
  restored.set('/e', 'e')
  const next = disk.crash()
  await Promise.allSettled([opened[Symbol.asyncDispose]()])
  await using again = await openOn(next)
  await again.blocks.collect()
  expect(await treeOf(again.journal)).toEqual(restored)
  expect((await again.journal.stat('/d/in/g')).attributes).toEqual({ owner: 'a' })
  expect(await again.journal.stat('/d/f')).not.toHaveProperty('attributes')
})

each('what was removed with all its folders is there again', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/a/b/f', bytes('f'), { parents: true })
  const { sequence } = await journal.checkpoint()
  await journal.rm('/a', { recursive: true })
  await journal.restore({ checkpoint: sequence }, { path: '/a/b/f' })
  expect(await textOf(journal, '/a/b/f')).toBe('f')
  await expect(journal.restore({ checkpoint: sequence }, { path: '/a/x' })).rejects.toMatchObject({
    code: 'JOURNAL_NOT_FOUND',
  })
  await journal.rm('/a', { recursive: true })
  await journal.write('/a', bytes('a file'))
  await expect(journal.restore({ checkpoint: sequence }, { path: '/a/b' })).rejects.toMatchObject({
    code: 'JOURNAL_NOT_A_FOLDER',
  })
  await journal.restore({ checkpoint: sequence }, { path: '/a' })
  expect(await textOf(journal, '/a/b/f')).toBe('f')
})

each('the whole tree is what it was, before and after a crash and a checkpoint', async () => {
  const disk = simDisk({ seed: 1 })
  const opened = await openOn(disk, { keepCheckpoints: 1 })
  const { journal, blocks } = opened
  await journal.write('/d/f', bytes('f'), { parents: true })
  await journal.setAttributes('/d', { owner: 'a' })
  const { cid } = await journal.snapshot('s')
  await journal.mv('/d', '/moved')
  await journal.mkdir('/other')
  await journal.setAttributes('/other', { owner: 'b' })
  await journal.checkpoint()
  await journal.restore({ snapshot: 's' })
  await blocks.collect()
  const was = new Map([
    ['/d/', ''],
    ['/d/f', 'f'],
  ])
  expect(await treeOf(journal)).toEqual(was)
  expect(String((await journal.stat('/')).cid)).toBe(String(cid))
  await journal.mkdir('/later')
  const next = disk.crash()
  await Promise.allSettled([opened[Symbol.asyncDispose]()])
  was.set('/later/', '')
  for (let times = 0; times < 2; times += 1) {
    await using again = await openOn(next)
    await again.blocks.collect()
    expect(await treeOf(again.journal)).toEqual(was)
    expect((await again.journal.stat('/d')).attributes).toEqual({ owner: 'a' })
    await expect(again.journal.stat('/other')).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
    await again.journal.restore({ snapshot: 's' }, { path: '/d' })
    await again.journal.checkpoint()
  }
})

each('a tree without a change since it was restored is a checkpoint of its own', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.mkdir('/a')
  const first = await journal.checkpoint()
  await journal.mkdir('/b')
  await journal.checkpoint()
  await journal.restore(first.cid)
  const last = await journal.checkpoint()
  expect(String(last.cid)).toBe(String(first.cid))
  expect(journal.checkpoints().map(({ sequence }) => sequence)).toEqual([3, 2, 1])
})

each('a folder of somebody else is restored by its CID and kept, if all of it is here', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { keepCheckpoints: 1 })
  const { journal, blocks } = opened
  await journal.write('/a/f', bytes('f'), { parents: true })
  await journal.write('/a/g', bytes('g'))
  const cid = await journal.flush('/')
  const { cid: file } = await journal.stat('/a/g')
  await journal.rm('/a', { recursive: true })
  await journal.checkpoint()
  await journal.restore(cid, { path: '/a' })
  await journal.checkpoint()
  await blocks.collect()
  expect(await treeOf(journal)).toEqual(
    new Map([
      ['/a/', ''],
      ['/a/f', 'f'],
      ['/a/g', 'g'],
    ]),
  )
  await journal.rm('/a', { recursive: true })
  await blocks.delete(file!)
  await expect(journal.restore(cid, { path: '/a' })).rejects.toMatchObject({ code: 'JOURNAL_BLOCK_MISSING' })
  expect(await journal.ls('/')).toEqual({ entries: [] })
})

each('a restore does not touch mounts, and makes none', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/content/f', bytes('f'), { parents: true })
  const cid = await journal.flush('/content')
  await journal.mount('/m', cid)
  await journal.snapshot('s')
  for (const path of ['/', '/m', '/m/f']) {
    await expect(journal.restore({ snapshot: 's' }, { path })).rejects.toMatchObject({
      code: path === '/m/f' ? 'JOURNAL_READ_ONLY' : 'JOURNAL_MOUNTED',
    })
  }
  await journal.unmount('/m')
  await journal.restore({ snapshot: 's' })
  expect(await journal.stat('/m')).not.toHaveProperty('mount')
  expect(await textOf(journal, '/m/f')).toBe('f')
})

each('a restore ends transactions that have used what it replaces', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/f', bytes('old'))
  await journal.snapshot('s')
  await journal.write('/f', bytes('new'))
  await using transaction = journal.begin()
  expect(await transaction.stat('/f')).toMatchObject({ size: 3 })
  await transaction.mkdir('/d')
  await journal.restore({ snapshot: 's' })
  await expect(transaction.commit()).rejects.toMatchObject({ code: 'JOURNAL_CONFLICT' })
  expect(await treeOf(journal)).toEqual(new Map([['/f', 'old']]))
})

each('restores beside changes, checkpoints and collections end as one of them', async () => {
  const disk = simDisk({ seed: 1, faults: { latencyMs: 1 } })
  {
    await using opened = await openOn(disk, { keepCheckpoints: 2 })
    const { journal, blocks } = opened
    for (const name of ['a', 'b', 'c']) await journal.write(`/${name}/f`, bytes(name), { parents: true })
    await journal.snapshot('s')
    await journal.rm('/a', { recursive: true })
    await taskGroup((group) => {
      group.spawn(() => journal.restore({ snapshot: 's' }))
      group.spawn(() => journal.write('/b/f', bytes('new b')))
      group.spawn(() => journal.checkpoint())
      group.spawn(async () => {
        await blocks.collect()
      })
      group.spawn(() => journal.restore({ snapshot: 's' }, { path: '/a' }))
    })
    await blocks.collect()
  }
  await using opened = await openOn(disk)
  await opened.blocks.collect()
  const tree = await treeOf(opened.journal)
  expect(tree.get('/a/f')).toBe('a')
  expect(tree.get('/c/f')).toBe('c')
  expect(['b', 'new b']).toContain(tree.get('/b/f'))
})

each('a full volume restores nothing', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { journal } = opened
  await journal.write('/f', bytes('old'))
  await journal.snapshot('s')
  await journal.write('/f', bytes('new'))
  disk.failAt('write', 1, 'ENOSPC')
  await expect(journal.restore({ snapshot: 's' })).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
  expect(await treeOf(journal)).toEqual(new Map([['/f', 'new']]))
  await journal.restore({ snapshot: 's' })
  expect(await treeOf(journal)).toEqual(new Map([['/f', 'old']]))
})
