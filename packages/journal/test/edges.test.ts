import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { textOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 5 })

each('what a folder cannot hold is refused before it is in the tree', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await expect(journal.mkdir('/a\\')).rejects.toMatchObject({ code: 'JOURNAL_INVALID_PATH' })
  for (const secs of [2n ** 63n, -(2n ** 63n) - 1n, 1.5, 1]) {
    const made = journal.mkdir('/a/b', { parents: true, mtime: { secs: secs as bigint } })
    await expect(made).rejects.toThrow(RangeError)
  }
  expect(await journal.ls('/')).toEqual({ entries: [] })
  await journal.mkdir('/a', { mtime: { secs: 2n ** 63n - 1n } })
  await journal.checkpoint()
})

each('a read behind the end of a file is refused', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/f', Buffer.from('f'))
  expect(await textOf(journal, '/f', { offset: 1 })).toBe('')
  await expect(textOf(journal, '/f', { offset: 2 })).rejects.toMatchObject({ code: 'JOURNAL_RANGE' })
})

test('names of properties of objects are names', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/__proto__/constructor', Buffer.from('f'), { parents: true })
  await journal.checkpoint()
  expect(await textOf(journal, '/__proto__/constructor')).toBe('f')
})

test('folders are nested deeper than calls can be', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { segmentBytes: 8 * 1024 * 1024 })
  const { journal } = opened
  await journal.mkdir('/a'.repeat(500), { parents: true })
  for (let depth = 500; depth <= 4000; depth *= 2) await journal.cp('/a', '/a'.repeat(depth + 1))
  await journal.cp('/a', '/a'.repeat(8001))
  expect([...journal.roots()]).toEqual([])
  await journal.checkpoint()
})

each('a recovery whose folder has no block is refused by name if nothing leads to it anew', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk, { keepCheckpoints: 1 })
    const { journal, blocks } = opened
    // The log does not go back to its beginning.
    for (let nth = 0; nth < 80; nth += 1) await journal.mkdir(`/${'n'.repeat(1000)}${nth}`)
    await journal.mkdir('/d')
    const cid = await journal.flush('/d')
    await journal.mkdir('/d/e')
    await blocks.delete(cid)
  }
  await expect(openOn(disk)).rejects.toMatchObject({ code: 'JOURNAL_BLOCK_MISSING' })
})
