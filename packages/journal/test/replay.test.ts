import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { textOf, treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 1 })
const bytes = (text: string) => Buffer.from(text)

test('a recovery does a step whose paths are not in memory together at first', async () => {
  const disk = simDisk({ seed: 1 })
  const deep = '/c'.repeat(126)
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    await journal.write(`/0${deep}/f`, bytes('f'), { parents: true })
    await journal.write('/s/f', bytes('f'), { parents: true })
    for (let nth = 1; nth <= 511; nth += 1) await journal.cp('/0', `/${nth}`)
    await journal.checkpoint()
    // Each looks up 128 names; on the way to where the last one goes they are 65,536: then those that were looked up are let go.
    for (let nth = 0; nth < 511; nth += 1) await journal.cp(`/${nth}${deep}/f`, `/f${nth}`)
    await journal.cp('/s/f', `/511${deep}/g`)
  }
  await using opened = await openOn(disk)
  expect(await textOf(opened.journal, `/511${deep}/g`)).toBe('f')
})

each('what a transaction has put and taken apart is there for a recovery', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk)
    const { journal, blocks } = opened
    await journal.write('/folder/in/f', bytes('f'), { parents: true })
    const cid = await journal.flush('/folder')
    await using transaction = journal.begin()
    await transaction.put('/put', cid)
    await transaction.mv('/put/in', '/kept')
    await transaction.rm('/put', { recursive: true })
    await journal.write('/folder/other', bytes('other'))
    await journal.checkpoint()
    await journal.rm('/folder', { recursive: true })
    for (let nth = 0; nth < 3; nth += 1) {
      await journal.mkdir(`/${nth}`)
      await journal.checkpoint()
    }
    await blocks.collect()
    await transaction.commit()
    await blocks.collect()
    expect(await textOf(journal, '/kept/f')).toBe('f')
  }
  await using opened = await openOn(disk)
  expect(await textOf(opened.journal, '/kept/f')).toBe('f')
})

each('attributes stay on a path that has become longer than any that can be asked for', async () => {
  const disk = simDisk({ seed: 1 })
  const long = `/${'n'.repeat(1000)}`.repeat(15)
  {
    await using opened = await openOn(disk, { segmentBytes: 1024 ** 2 })
    const { journal } = opened
    await journal.mkdir(`/a${long}`, { parents: true })
    await journal.setAttributes(`/a${long}`, { name: 'value' })
    await journal.mkdir(`/b${long}`, { parents: true })
    await journal.snapshot('before')
    await journal.mv('/a', `/b${long}/a`)
    await journal.snapshot('after')
  }
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    expect((await journal.stat(`/b${long}/a`)).kind).toBe('directory')
    await journal.mkdir('/c')
    const before = await treeOf(journal, '/c')
    await journal.restore({ snapshot: 'after' }, { path: '/b' })
    expect(await treeOf(journal, '/c')).toEqual(before)
    await journal.mv(`/b${long}/a`, '/a')
    expect(await journal.stat(`/a${long}`)).toMatchObject({ attributes: { name: 'value' } })
    await journal.rm('/b', { recursive: true })
  }
  await using opened = await openOn(disk)
  expect(await opened.journal.stat(`/a${long}`)).toMatchObject({ attributes: { name: 'value' } })
})
