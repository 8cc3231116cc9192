import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { putNode } from './put-node.ts'
import { textOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 5 })
const bytes = (text: string) => Buffer.from(text)

each('what nobody could tell is known when its block is back', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { folderMemoryBytes: 0 })
  const { journal, blocks } = opened
  await journal.write('/d/in/f', bytes('f'), { parents: true, mode: 0o600 })
  await journal.write('/moved', bytes('moved'), { mode: 0o600 })
  await journal.checkpoint()
  const { entries } = await journal.ls('/')
  const gone = await Promise.all(
    entries.map(async ({ cid }) => ({ cid: cid!, block: (await blocks.get(cid!))! })),
  )
  for (const { cid } of gone) await blocks.delete(cid)
  await journal.mkdir('/other')
  await journal.checkpoint()
  expect(await journal.stat('/d')).toMatchObject({ kind: 'unknown' })
  await expect(journal.stat('/d/in')).rejects.toMatchObject({ code: 'JOURNAL_BLOCK_MISSING' })
  await expect(journal.write('/d/g', bytes('g'))).rejects.toMatchObject({ code: 'JOURNAL_BLOCK_MISSING' })
  await journal.mv('/moved', '/other/moved')
  expect(await journal.stat('/other/moved')).toMatchObject({ kind: 'unknown' })
  await expect(textOf(journal, '/other/moved')).rejects.toMatchObject({ code: 'JOURNAL_BLOCK_MISSING' })
  {
    using lease = blocks.lease()
    for (const { cid, block } of gone) await lease.put(cid, block)
    await lease.flush()
  }
  expect((await journal.ls('/')).entries.map(({ kind }) => kind)).toEqual(['directory', 'directory'])
  expect((await journal.ls('/other')).entries.map(({ kind }) => kind)).toEqual(['file'])
  await journal.write('/d/g', bytes('g'))
  expect(await textOf(journal, '/d/in/f')).toBe('f')
  expect(await textOf(journal, '/other/moved')).toBe('moved')
  await journal.checkpoint()
  expect(await textOf(journal, '/d/g')).toBe('g')
  expect(await textOf(journal, '/other/moved')).toBe('moved')
})

each('a file whose block is missing can be written anew, moved and removed', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { folderMemoryBytes: 0 })
  const { journal, blocks } = opened
  await journal.write('/f', bytes('f'), { mode: 0o600 })
  await journal.checkpoint()
  const { entries } = await journal.ls('/')
  await blocks.delete(entries[0]!.cid!)
  await journal.cp('/f', '/copy')
  await journal.mv('/f', '/moved')
  await journal.write('/moved', bytes('new'))
  await journal.rm('/copy')
  expect(await textOf(journal, '/moved')).toBe('new')
})

each('an entry that makes no sense is a node, and stops nobody', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { folderMemoryBytes: 0 })
  const { journal, blocks } = opened
  const broken = await putNode(blocks, [0x08])
  // UnixFS: field 1 type 1 (`Directory`).
  const folder = await putNode(blocks, [0x08, 1], [{ Name: 'broken', Hash: broken, Tsize: 3 }])
  await expect(journal.put('/d', folder)).resolves.toBeUndefined()
  const { entries } = await journal.ls('/d', { long: true })
  expect(entries).toMatchObject([{ name: 'broken', kind: 'node' }])
  await expect(journal.stat('/d/broken')).rejects.toMatchObject({ code: 'JOURNAL_INVALID_DAG' })
  await expect(textOf(journal, '/d/broken')).rejects.toMatchObject({ code: 'JOURNAL_NOT_A_FILE' })
  await journal.rm('/d/broken')
})

each('a file whose parts contradict each other is named as such, whatever is done with it', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { folderMemoryBytes: 0 })
  const { journal, blocks } = opened
  const leaf = await putNode(blocks, [0x08, 2, 0x18, 0])
  // UnixFS: field 1 type 2 (`File`), field 3 size 7, field 4 the size of its first part, 7.
  const file = await putNode(blocks, [0x08, 2, 0x18, 7, 0x20, 7], [{ Name: '', Hash: leaf, Tsize: 6 }])
  await journal.put('/f', file)
  for (const refused of [
    textOf(journal, '/f'),
    journal.writeAt('/f', 3, bytes('x')),
    journal.append('/f', bytes('x')),
    journal.truncate('/f', 2),
  ])
    await expect(refused).rejects.toMatchObject({ code: 'JOURNAL_INVALID_DAG' })
  await journal.write('/f', bytes('mended'))
  await expect(journal.truncate('/f', 2 ** 52)).rejects.toMatchObject({ code: 'JOURNAL_TOO_LARGE' })
})
