import { random } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { Files, Journal, ListedEntry } from '@ipfs-kit/journal'
import { orderOf } from '@ipfs-kit/ipfs/unixfs'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { listAll } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 5 })
const bytes = (text: string) => Buffer.from(text)
const namesOf = (entries: readonly ListedEntry[]) => entries.map(({ name }) => name)
const whole = (below: number) => Math.floor(random() * below)

/** Names so long that 300 of them need a HAMT. */
const long = (at: number) => `${at}`.padEnd(900, 'x')
const openLarge = () => openOn(simDisk({ seed: 1 }), { segmentBytes: 4 * 1024 * 1024 })

/** Makes or removes folders in one change. */
async function changeMany(journal: Journal, change: (files: Files) => readonly Promise<unknown>[]) {
  await using transaction = journal.begin()
  await Promise.all(change(transaction))
  await transaction.commit()
}

each('a list has each entry once while its folder becomes a HAMT and a plain folder again', async () => {
  await using opened = await openLarge()
  const { journal, blocks } = opened
  await journal.mkdir('/d')
  const stays = Array.from({ length: 40 }, (_, at) => `stays ${at}`)
  await changeMany(journal, (files) => stays.map((name) => files.mkdir(`/d/${name}`)))
  const others = Array.from({ length: 300 }, (_, at) => `/d/${long(at)}`)
  const orders = new Set<string>()
  let areThere = false
  const found = await listAll(journal, '/d', { limit: 7 }, async (page) => {
    if (page > 2 && whole(2) === 0) return
    await changeMany(journal, (files) =>
      others.map((path) => (areThere ? files.rm(path) : files.mkdir(path))),
    )
    areThere = !areThere
    // Without it the order is that of what was written last.
    if (page > 2 && whole(4) === 0) return
    const cid = await journal.flush('/d')
    orders.add(await orderOf(cid, async (one) => (await blocks.get(one))!))
  })
  expect(orders).toEqual(new Set(['hashes', 'names']))
  const names = namesOf(found)
  expect(names.filter((name) => name.startsWith('stays')).toSorted()).toEqual(stays.toSorted())
  expect(new Set(names).size).toBe(names.length)
})

each('a recursive list has each folder before what is in it, whatever its pages are', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  for (const path of ['/a/b/c/f', '/a/b/g', '/a/z', '/b', '/c/d/e', '/top']) {
    await journal.write(path, bytes(path), { parents: true })
    if (path === '/a/z') await journal.checkpoint()
  }
  await journal.mkdir('/empty')
  const wanted = 'a a/b a/b/c a/b/c/f a/b/g a/z b c c/d c/d/e empty top'.split(' ')
  for (const limit of [1, 2, 3, 5, 11, 12, 13, 1000]) {
    let pages = 1
    const found = await listAll(journal, '/', { recursive: true, limit }, async () => (pages += 1))
    expect(namesOf(found)).toEqual(wanted)
    expect(pages).toBe(Math.ceil(wanted.length / limit))
  }
  const below = await listAll(journal, '/a/b', { recursive: true, limit: 1 })
  expect(below.map(({ name, kind }) => `${name} ${kind}`)).toEqual(['c directory', 'c/f file', 'g file'])
})

each('a recursive list goes on when the tree changes between its pages', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  const folders = Array.from({ length: 8 }, (_, at) => `/${at}`)
  for (const folder of folders) {
    for (const name of ['f', 'in/g', 'in/h'])
      await journal.write(`${folder}/${name}`, bytes(name), { parents: true })
  }
  const gone = new Set<string>()
  const found = await listAll(journal, '/', { recursive: true, limit: 3 }, async () => {
    const folder = folders[whole(folders.length)]!
    if (whole(3) === 0) await journal.checkpoint()
    if (gone.has(folder)) return
    gone.add(folder)
    await journal.rm(folder, { recursive: true })
    if (whole(2) === 0) await journal.write(folder, bytes('a file now'))
  })
  const names = namesOf(found)
  expect(new Set(names).size).toBe(names.length)
  for (const folder of folders) {
    if (gone.has(folder)) continue
    const inFolder = ['', '/f', '/in', '/in/g', '/in/h'].map((name) => `${folder.slice(1)}${name}`)
    expect(names.filter((name) => name.startsWith(folder.slice(1)))).toEqual(inFolder)
  }
})

each('a recursive list is that of a transaction in one, in the places that it has changed too', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/a/b/f', bytes('f'), { parents: true })
  await journal.setMetadata('/a', { mode: 0o700 })
  await journal.checkpoint()
  await using transaction = journal.begin()
  await transaction.write('/a/b/g', bytes('gg'))
  await transaction.rm('/a/b/f')
  const found = await listAll(transaction, '/', { recursive: true, long: true, limit: 2 })
  expect(found).toMatchObject([
    { name: 'a', kind: 'directory', mode: 0o700 },
    { name: 'a/b', kind: 'directory', mode: 0o755 },
    { name: 'a/b/g', kind: 'file', size: 2 },
  ])
  expect(namesOf(await listAll(journal, '/', { recursive: true }))).toEqual(['a', 'a/b', 'a/b/f'])
})

test('a recursive list has folders that are nested deeper than calls and paths can be', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { segmentBytes: 8 * 1024 * 1024 })
  const { journal } = opened
  await journal.mkdir('/a'.repeat(500), { parents: true })
  for (let depth = 500; depth <= 4000; depth *= 2) await journal.cp('/a', '/a'.repeat(depth + 1))
  const found = await listAll(journal, '/', { recursive: true, limit: 3000 })
  expect(found.map(({ name }) => name.length)).toEqual(Array.from({ length: 8000 }, (_, at) => 2 * at + 1))
})

each(
  'a long list has sizes, modes and times, and entries whose blocks are missing without them',
  async () => {
    await using opened = await openOn(simDisk({ seed: 1 }), { folderMemoryBytes: 0 })
    const { journal, blocks } = opened
    const mtime = { secs: 5n }
    await journal.write('/f', bytes('four'), { mode: 0o600, mtime })
    await journal.write('/gone', bytes('gone'))
    await journal.write('/unknown', bytes('unknown'), { mode: 0o600 })
    await journal.mkdir('/d', { mode: 0o700, mtime })
    await journal.checkpoint()
    const [cid, unknownCid] = (await journal.ls('/')).entries.slice(2).map((entry) => entry.cid!)
    await blocks.delete(cid!)
    await blocks.delete(unknownCid!)
    const { entries } = await journal.ls('/', { long: true })
    expect(entries).toEqual([
      { name: 'd', ...(await journal.stat('/d')) },
      { name: 'f', ...(await journal.stat('/f')) },
      { name: 'gone', kind: 'file', cid },
      { name: 'unknown', ...(await journal.stat('/unknown')) },
    ])
    expect(entries).toMatchObject([
      { mode: 0o700, mtime },
      { size: 4, mode: 0o600, mtime },
      {},
      { kind: 'unknown' },
    ])
    const brief = (await journal.ls('/')).entries
    expect(Object.keys(brief[1]!).toSorted()).toEqual(['cid', 'kind', 'name'])
  },
)

each('a cursor that no list gave is refused', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/d/f', bytes('f'), { parents: true })
  const { next } = await journal.ls('/', { recursive: true, limit: 1 })
  const encoded = (value: unknown) => bytes(JSON.stringify(value)).toString('base64url')
  const refused = [
    '',
    'd',
    encoded(7),
    encoded([]),
    encoded([{}]),
    encoded([{ behind: { names: 1 } }]),
    encoded([{ behind: { other: 'd' } }]),
    encoded([{ behind: {}, inside: 'd' }]),
    encoded([{ behind: {} }, { behind: {} }]),
    'x'.repeat(1_000_000),
  ]
  for (const after of refused) {
    await expect(journal.ls('/', { after, recursive: true })).rejects.toMatchObject({
      code: 'JOURNAL_INVALID_CURSOR',
    })
  }
  await expect(journal.ls('/', { after: next! })).rejects.toMatchObject({ code: 'JOURNAL_INVALID_CURSOR' })
  await expect(journal.ls('/d/f', { recursive: true })).rejects.toMatchObject({
    code: 'JOURNAL_NOT_A_FOLDER',
  })
  await expect(journal.ls('/e', { recursive: true })).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
})
