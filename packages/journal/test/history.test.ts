import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { HistoryOptions, Journal } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'

const each = forEachBackend(test, { seeds: 10 })
const bytes = (text: string) => Buffer.from(text)

async function changes(journal: Journal, path: string, options?: HistoryOptions): Promise<string[]> {
  const history = await journal.history(path, options)
  return history.changes.map(
    ({ sequence, change, path: at, from }) =>
      `${sequence} ${change} ${from === undefined ? '' : `${from} `}${at}`,
  )
}

async function versions(journal: Journal, path: string): Promise<string[]> {
  const history = await journal.history(path)
  return history.versions.map(
    ({ snapshot, sequence, path: at, stat }) =>
      `${snapshot ?? 'checkpoint'} ${sequence} ${at} ${stat?.size ?? stat?.kind ?? 'nothing'}`,
  )
}

each('the changes of a path are followed through the names that it had, the newest first', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { clock: () => 1234 })
  const { journal } = opened
  await journal.write('/a/f', bytes('1'), { parents: true })
  const { cid } = await journal.stat('/a/f')
  await journal.write('/a/other', bytes('o'))
  await journal.mv('/a/f', '/a/g')
  await journal.write('/a/f', bytes('somebody else'))
  await journal.mv('/a', '/b')
  await journal.append('/b/g', bytes('2'))
  await journal.mkdir('/c')
  await journal.mv('/b/g', '/c/h')
  await journal.setAttributes('/c/h', { owner: 'a' })
  await journal.write('/b/g', bytes('and another'))
  await journal.cp('/c/h', '/copy')
  const expected = [
    '9 attributes /c/h',
    '8 mv /b/g /c/h',
    '6 put /b/g',
    '5 mv /a /b',
    '3 mv /a/f /a/g',
    '1 put /a/f',
  ]
  expect(await changes(journal, '/c/h')).toEqual(expected)
  expect(await changes(journal, '/copy')).toEqual(['11 cp /c/h /copy'])
  // What was moved away was there until then.
  expect(await changes(journal, '/b/g')).toEqual(['10 put /b/g', ...expected.slice(1)])
  const first = (await journal.history('/c/h')).changes.at(-1)!
  expect([first.at, String(first.cid)]).toEqual([1234, String(cid)])
  await journal.rm('/c', { recursive: true })
  expect(await changes(journal, '/c/h')).toEqual(['12 rm /c', ...expected])
  expect(await changes(journal, '/c/h', { limit: 2 })).toEqual(['12 rm /c', ...expected.slice(0, 1)])
  expect(await changes(journal, '/never')).toEqual([])
})

each(
  'of a folder the changes of all that is below are told, and those of the steps of a transaction',
  async () => {
    await using opened = await openOn(simDisk({ seed: 1 }))
    const { journal } = opened
    await journal.mkdir('/d')
    {
      await using transaction = journal.begin()
      await transaction.write('/d/f', bytes('f'))
      await transaction.mv('/d', '/e')
      await transaction.write('/e/g', bytes('g'))
      await transaction.mkdir('/d')
      await transaction.commit()
    }
    await journal.write('/elsewhere', bytes('x'))
    await journal.rm('/e/f')
    expect(await changes(journal, '/e')).toEqual([
      '4 rm /e/f',
      '2 put /e/g',
      '2 mv /d /e',
      '2 put /d/f',
      '1 mkdir /d',
    ])
    expect(await changes(journal, '/e/f')).toEqual(['4 rm /e/f', '2 mv /d /e', '2 put /d/f'])
    expect(await changes(journal, '/')).toHaveLength(7)
  },
)

each('versions are told where something else was there, by the name of then', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { keepCheckpoints: 2 })
  const { journal } = opened
  await journal.mkdir('/d')
  await journal.snapshot('empty')
  await journal.write('/d/f', bytes('1'))
  await journal.snapshot('first')
  await journal.write('/other', bytes('x'))
  await journal.snapshot('same')
  await journal.mv('/d/f', '/g')
  await journal.append('/g', bytes('23'))
  await journal.checkpoint()
  await journal.append('/g', bytes('456'))
  expect(await versions(journal, '/g')).toEqual([
    'checkpoint 5 /g 3',
    'same 3 /d/f 1',
    'empty 1 /d/f nothing',
  ])
  await journal.checkpoint()
  expect(await versions(journal, '/g')).toEqual([
    'checkpoint 5 /g 3',
    'same 3 /d/f 1',
    'empty 1 /d/f nothing',
  ])
  const [version] = (await journal.history('/g')).versions
  await journal.restore({ checkpoint: version!.sequence }, { path: version!.path })
  expect(await journal.stat('/g')).toMatchObject({ size: 3 })
  expect(await versions(journal, '/never')).toEqual([])
})

each('a folder in which all has become again what it was is no version', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/d/in/f', bytes('1'), { parents: true })
  await journal.snapshot('s')
  await journal.write('/d/in/f', bytes('2'))
  await journal.mkdir('/d/new')
  expect(await versions(journal, '/d')).toEqual(['s 1 /d directory'])
  await journal.write('/d/in/f', bytes('1'))
  await journal.rm('/d/new')
  // It was not written since then, and has no CID.
  expect(await journal.stat('/d')).not.toHaveProperty('cid')
  expect(await versions(journal, '/d')).toEqual([])
  await journal.setAttributes('/d', { owner: 'a' })
  expect(await versions(journal, '/d')).toEqual(['s 1 /d directory'])
})

each('a history is as long as the log is kept, and the same after an opening', async () => {
  const disk = simDisk({ seed: 1 })
  let before: string[]
  {
    await using opened = await openOn(disk, { keepCheckpoints: 2 })
    const { journal } = opened
    await journal.write('/f', bytes('0'))
    for (let nth = 1; nth <= 100; nth += 1) await journal.mkdir(`/${'n'.repeat(900)}${nth}`)
    await journal.checkpoint()
    await journal.append('/f', bytes('1'))
    for (let nth = 101; nth <= 200; nth += 1) await journal.mkdir(`/${'n'.repeat(900)}${nth}`)
    expect(await changes(journal, '/f')).toEqual(['102 put /f', '1 put /f'])
    await journal.checkpoint()
    await journal.append('/f', bytes('2'))
    await journal.checkpoint()
    before = await changes(journal, '/f')
    expect(before).toEqual(['203 put /f'])
  }
  await using opened = await openOn(disk)
  expect(await changes(opened.journal, '/f')).toEqual(before)
})

each('changes that could not be appended are in no history', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { journal } = opened
  await journal.mkdir('/d')
  disk.failAt('write', 1, 'ENOSPC')
  const outcomes = await Promise.allSettled([journal.mkdir('/d/a'), journal.mkdir('/d/b')])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await journal.mkdir('/d/c')
  expect(await changes(journal, '/d')).toEqual(['2 mkdir /d/c', '1 mkdir /d'])
})

each('what a snapshot has lost is told, and what cannot be asked is refused', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { folderMemoryBytes: 0 })
  const { journal, blocks } = opened
  await journal.write('/d/f', bytes('f'), { parents: true })
  const { cid } = await journal.snapshot('s')
  await journal.write('/d/f', bytes('other'))
  await journal.checkpoint()
  await blocks.delete(cid)
  expect(await versions(journal, '/d/f')).toEqual(['s 1 /d/f unknown'])
  for (const limit of [0, -1, 1.5, Number.NaN, 10_001]) {
    await expect(journal.history('/d', { limit })).rejects.toThrow(RangeError)
  }
  await expect(journal.history('d')).rejects.toMatchObject({ code: 'JOURNAL_INVALID_PATH' })
  await expect(journal.history('/d', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
    'enough',
  )
  await journal.close()
  await expect(journal.history('/d')).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
})
