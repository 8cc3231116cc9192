import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { textOf, treeOf } from './tree-of.ts'

const bytes = (text: string): Buffer => Buffer.from(text)

const each = forEachBackend(test, { seeds: 20 })

each('a filesystem has what was written, and has it again when it is opened again', async () => {
  const disk = simDisk({ seed: 1 })
  const tree = new Map([
    ['/a/', ''],
    ['/a/b/', ''],
    ['/a/b/file', 'hello'],
    ['/empty/', ''],
    ['/top', 'top'],
  ])
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    await journal.write('/a/b/file', bytes('hello'), { parents: true })
    await journal.mkdir('/empty')
    await journal.write('/top', bytes('top'))
    expect(await treeOf(journal)).toEqual(tree)
  }
  for (let times = 0; times < 2; times += 1) {
    await using opened = await openOn(disk)
    expect(await treeOf(opened.journal)).toEqual(tree)
    await opened.journal.checkpoint()
    expect(await treeOf(opened.journal)).toEqual(tree)
  }
})

each('a filesystem moves, copies and removes', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/a/x', bytes('x'), { parents: true })
  await journal.checkpoint()
  await journal.cp('/a', '/copy')
  await journal.mv('/a', '/b/moved', { parents: true })
  await journal.write('/copy/y', bytes('y'))
  expect(await treeOf(journal)).toEqual(
    new Map([
      ['/b/', ''],
      ['/b/moved/', ''],
      ['/b/moved/x', 'x'],
      ['/copy/', ''],
      ['/copy/x', 'x'],
      ['/copy/y', 'y'],
    ]),
  )
  await journal.rm('/b', { recursive: true })
  await journal.mv('/copy/y', '/copy/x')
  expect(await treeOf(journal)).toEqual(
    new Map([
      ['/copy/', ''],
      ['/copy/x', 'y'],
    ]),
  )
})

each('a filesystem writes into files, appends and cuts', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/f', bytes('0123456789'))
  await journal.writeAt('/f', 3, bytes('abc'))
  expect(await textOf(journal, '/f')).toBe('012abc6789')
  await Promise.all(['x', 'y', 'z'].map((one) => journal.append('/f', bytes(one))))
  expect(Array.from((await textOf(journal, '/f')).slice(10)).sort()).toEqual(['x', 'y', 'z'])
  await journal.truncate('/f', 4)
  await journal.writeAt('/f', 6, bytes('!'))
  expect(await textOf(journal, '/f')).toBe('012a\0\0!')
  expect(await journal.stat('/f')).toMatchObject({ kind: 'file', size: 7 })
  expect(await textOf(journal, '/f', { offset: 2, length: 2 })).toBe('2a')
})

each('a filesystem refuses what cannot be, and changes nothing then', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/d/f', bytes('f'), { parents: true })
  const before = await treeOf(journal)
  const refusals: [Promise<unknown>, string][] = [
    [journal.write('/no/f', bytes('')), 'JOURNAL_NOT_FOUND'],
    [journal.write('/d', bytes('')), 'JOURNAL_NOT_A_FILE'],
    [journal.write('/d/f/g', bytes(''), { parents: true }), 'JOURNAL_NOT_A_FOLDER'],
    [journal.mkdir('/d'), 'JOURNAL_EXISTS'],
    [journal.mkdir('/'), 'JOURNAL_EXISTS'],
    [journal.rm('/d'), 'JOURNAL_NOT_EMPTY'],
    [journal.rm('/', { recursive: true }), 'JOURNAL_INTO_ITSELF'],
    [journal.rm('/x'), 'JOURNAL_NOT_FOUND'],
    [journal.mv('/d', '/d/e'), 'JOURNAL_INTO_ITSELF'],
    [journal.mv('/d/f', '/d'), 'JOURNAL_NOT_EMPTY'],
    [journal.cp('/d', '/d/f'), 'JOURNAL_EXISTS'],
    [journal.stat('relative'), 'JOURNAL_INVALID_PATH'],
    [journal.stat('/a/../b'), 'JOURNAL_INVALID_PATH'],
    [journal.mkdir('/a\0b'), 'JOURNAL_INVALID_PATH'],
    [journal.mkdir('/\ud800'), 'JOURNAL_INVALID_PATH'],
    [journal.mkdir(`/${'x'.repeat(20_000)}`), 'JOURNAL_INVALID_PATH'],
    [journal.ls('/d/f'), 'JOURNAL_NOT_A_FOLDER'],
    [textOf(journal, '/d'), 'JOURNAL_NOT_A_FILE'],
    [journal.truncate('/d', 1), 'JOURNAL_NOT_A_FILE'],
  ]
  const outcomes = await Promise.allSettled(refusals.map(([refused]) => refused))
  expect(outcomes.map((outcome) => (outcome as { reason?: { code?: string } }).reason?.code)).toEqual(
    refusals.map(([, code]) => code),
  )
  expect(await treeOf(journal)).toEqual(before)
  await expect(journal.writeAt('/d/f', -1, bytes(''))).rejects.toThrow(RangeError)
  await expect(journal.truncate('/d/f', Number.NaN)).rejects.toThrow(RangeError)
  await expect(journal.mkdir('/m', { mode: -1 })).rejects.toThrow(RangeError)
})
