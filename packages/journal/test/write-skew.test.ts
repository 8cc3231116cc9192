import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { Files, Journal } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { listAll } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 2 })
const bytes = (text: string) => Buffer.from(text)

async function someFolders() {
  const opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/content/f', bytes('f'), { parents: true })
  const cid = await journal.flush('/content')
  await journal.write('/full/in/f', bytes('f'), { parents: true })
  await journal.mkdir('/empty')
  await journal.mount('/around/mount', cid, { parents: true })
  await journal.checkpoint()
  return { journal, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

each('what a refusal has told a transaction is used, and a change of it is a conflict', async () => {
  const cases: {
    readonly code: string
    readonly refused: (files: Files) => Promise<unknown>
    readonly change: (journal: Journal) => Promise<unknown>
  }[] = [
    {
      code: 'JOURNAL_NOT_EMPTY',
      refused: (files) => files.rm('/full'),
      change: (journal) => journal.rm('/full/in', { recursive: true }),
    },
    {
      code: 'JOURNAL_NOT_EMPTY',
      refused: (files) => files.mv('/empty', '/full'),
      change: (journal) => journal.rm('/full/in', { recursive: true }),
    },
    {
      code: 'JOURNAL_MOUNTED',
      refused: (files) => files.rm('/around', { recursive: true }),
      change: (journal) => journal.unmount('/around/mount'),
    },
    {
      code: 'JOURNAL_MOUNTED',
      refused: (files) => files.rm('/around', { recursive: true }),
      change: (journal) => journal.unmount('/around/mount', { keep: true }),
    },
    {
      code: 'JOURNAL_READ_ONLY',
      refused: (files) => files.write('/around/mount/f', bytes('g')),
      change: (journal) => journal.unmount('/around/mount', { keep: true }),
    },
    {
      code: 'JOURNAL_NOT_FOUND',
      refused: (files) => files.write('/new/in/f', bytes('g')),
      change: (journal) => journal.mkdir('/new/in', { parents: true }),
    },
    {
      code: 'JOURNAL_NOT_A_FOLDER',
      refused: (files) => files.stat('/full/in/f/g'),
      change: (journal) => journal.rm('/full/in/f'),
    },
  ]
  for (const { code, refused, change } of cases) {
    await using opened = await someFolders()
    const { journal } = opened
    await using transaction = journal.begin()
    await expect(refused(transaction)).rejects.toMatchObject({ code })
    await change(journal)
    await expect(transaction.commit()).rejects.toMatchObject({ code: 'JOURNAL_CONFLICT' })
  }
})

each('a transaction is told no CID of a folder: it would be one of all that is in it', async () => {
  await using opened = await someFolders()
  const { journal } = opened
  await using transaction = journal.begin()
  expect((await journal.stat('/full')).cid).toBeDefined()
  expect(await transaction.stat('/full')).toEqual({ kind: 'directory', mode: 0o755 })
  expect(await transaction.stat('/full/in/f')).toEqual(await journal.stat('/full/in/f'))
  for (const long of [false, true]) {
    const listed = await listAll(transaction, '/', { long, recursive: true })
    const folders = listed.filter(({ kind }) => kind === 'directory')
    expect(folders).toHaveLength(6)
    for (const folder of folders) expect([folder.cid, folder.dagBytes]).toEqual([undefined, undefined])
  }
  await journal.write('/full/in/g', bytes('g'))
  await expect(transaction.commit()).rejects.toMatchObject({ code: 'JOURNAL_CONFLICT' })
})

each('a transaction that has used more paths than it remembers ends with any change', async () => {
  await using opened = await someFolders()
  const { journal } = opened
  await using few = journal.begin()
  await using many = journal.begin()
  for (let nth = 0; nth < 1000; nth += 1) {
    const path = `/${nth}${'/n'.repeat(100)}`
    await expect(many.stat(path)).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
    if (nth < 500) await expect(few.stat(path)).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
  }
  await journal.mkdir('/other')
  await few.commit()
  await expect(many.commit()).rejects.toMatchObject({ code: 'JOURNAL_CONFLICT' })
})
