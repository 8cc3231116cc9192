import { random } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { type Difference, type Journal, JournalError, type TreeReference } from '@ipfs-kit/journal'
import { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 10 })
const bytes = (text: string) => Buffer.from(text)

async function differences(
  journal: Journal,
  from: TreeReference,
  to: TreeReference,
  path = '/',
): Promise<Difference[]> {
  const found: Difference[] = []
  for await (const one of journal.diff(from, to, { path })) found.push(one)
  return found.toSorted((left, right) => (left.path < right.path ? -1 : 1))
}

async function changes(...parameters: Parameters<typeof differences>): Promise<string[]> {
  return (await differences(...parameters)).map(({ change, path }) => `${change} ${path}`)
}

/** What two trees have different, by all that is in them. A folder that is in one alone stands for what is in it. */
function expected(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  const kindIn = (tree: ReadonlyMap<string, string>, path: string) =>
    tree.has(`${path}/`) ? 'folder' : tree.has(path) ? 'file' : undefined
  const paths = new Set([...before.keys(), ...after.keys()].map((path) => path.replace(/\/$/, '')))
  for (const path of [...paths].toSorted()) {
    const parent = path.slice(0, path.lastIndexOf('/'))
    if (parent !== '' && !(before.has(`${parent}/`) && after.has(`${parent}/`))) continue
    const [was, is] = [kindIn(before, path), kindIn(after, path)]
    if (was === undefined) found.push(`added ${path}`)
    else if (is === undefined) found.push(`removed ${path}`)
    else if (was !== is || before.get(path) !== after.get(path)) found.push(`changed ${path}`)
  }
  return found
}

async function changeSomething(journal: Journal): Promise<void> {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const somewhere = () => Array.from({ length: pick([1, 2, 3]) }, () => `/${pick(['a', 'b', 'c'])}`).join('')
  try {
    switch (pick([0, 1, 2, 3, 4, 5])) {
      case 0:
        return await journal.mkdir(somewhere(), { parents: true })
      case 1:
        return await journal.rm(somewhere(), { recursive: true })
      case 2:
        return await journal.mv(somewhere(), somewhere(), { parents: true })
      case 3:
        return await journal.cp(somewhere(), somewhere(), { parents: true })
      default:
        return await journal.write(somewhere(), bytes(pick(['x', 'y'])), { parents: true })
    }
  } catch (error) {
    if (!(error instanceof JournalError) || error.kind === 'internal') throw error
  }
}

each('the differences of any two trees are those of their files and folders', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { keepCheckpoints: 1 })
  const { journal, blocks } = opened
  const trees: { reference: TreeReference; tree: Map<string, string> }[] = []
  for (const name of ['one', 'two', 'three', 'live']) {
    for (let times = 0; times < 8; times += 1) await changeSomething(journal)
    if (name !== 'live') await journal.snapshot(name)
    trees.push({ reference: name === 'live' ? 'live' : { snapshot: name }, tree: await treeOf(journal) })
  }
  await blocks.collect()
  for (const from of trees) {
    for (const to of trees) {
      expect(await changes(journal, from.reference, to.reference)).toEqual(expected(from.tree, to.tree))
    }
  }
})

each('a difference tells what was there and what is', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/d/f', bytes('old'), { parents: true })
  await journal.write('/d/gone', bytes('gone'))
  await journal.mkdir('/e', { mode: 0o755 })
  const { cid, sequence } = await journal.checkpoint()
  const was = await journal.stat('/d/f')
  await journal.write('/d/f', bytes('newer'))
  await journal.rm('/d/gone')
  await journal.rm('/e')
  await journal.mkdir('/e', { mode: 0o700 })
  await journal.mkdir('/new/inner', { parents: true })
  const is = await journal.stat('/d/f')
  for (const from of [cid, { checkpoint: sequence }]) {
    const found = await differences(journal, from, 'live')
    expect(found).toMatchObject([
      { path: '/d/f', change: 'changed', before: { size: 3 }, after: { size: 5 } },
      { path: '/d/gone', change: 'removed', before: { kind: 'file', size: 4 } },
      { path: '/e', change: 'changed', before: { mode: 0o755 }, after: { mode: 0o700 } },
      { path: '/new', change: 'added', after: { kind: 'directory' } },
    ])
    expect(found[0]).toMatchObject({ before: { cid: was.cid }, after: { cid: is.cid } })
    expect(found[3]!.after).not.toHaveProperty('cid')
  }
  expect(await changes(journal, 'live', cid, '/d')).toEqual(['changed /d/f', 'added /d/gone'])
  expect(await changes(journal, 'live', cid, '/d/f')).toEqual(['changed /d/f'])
  expect(await changes(journal, cid, 'live', '/new')).toEqual(['added /new'])
  await journal.checkpoint()
  expect(await changes(journal, { checkpoint: 8 }, 'live')).toEqual([])
})

each('attributes are a difference, and are told once', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/d/f', bytes('f'), { parents: true })
  await journal.write('/d/g', bytes('g'))
  await journal.mkdir('/e')
  await journal.setAttributes('/e', { owner: 'a' })
  await journal.setAttributes('/d/g', { owner: 'a' })
  await journal.snapshot('s')
  expect(await changes(journal, { snapshot: 's' }, 'live')).toEqual([])
  await journal.setAttributes('/e', { owner: 'b' })
  await journal.write('/e/x', bytes('x'))
  await journal.setAttributes('/e/x', { owner: 'c' })
  await journal.setAttributes('/d/f', { owner: 'c' })
  await journal.write('/d/g', bytes('other'))
  await journal.setAttributes('/d/g', { owner: undefined })
  const found = await differences(journal, { snapshot: 's' }, 'live')
  expect(found).toMatchObject([
    { path: '/d/f', change: 'changed', after: { attributes: { owner: 'c' } } },
    { path: '/d/g', change: 'changed', before: { attributes: { owner: 'a' } } },
    {
      path: '/e',
      change: 'changed',
      before: { attributes: { owner: 'a' } },
      after: { attributes: { owner: 'b' } },
    },
    { path: '/e/x', change: 'added', after: { attributes: { owner: 'c' } } },
  ])
  expect(await changes(journal, { snapshot: 's' }, 'live', '/d/f')).toEqual(['changed /d/f'])
})

test('folders that are the same are not looked into, and of a HAMT only the shards that are not', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { segmentBytes: 4 * 1024 * 1024 })
  const { journal, blocks } = opened
  for (let nth = 0; nth < 400; nth += 1)
    await journal.mkdir(`/large/${'n'.repeat(800)}${nth}`, { parents: true })
  for (let nth = 0; nth < 50; nth += 1) await journal.mkdir(`/small/${nth}/in`, { parents: true })
  await journal.snapshot('s')
  await journal.write(`/large/${'n'.repeat(800)}7/f`, bytes('f'))
  await journal.mkdir('/large/new')
  await journal.rm(`/large/${'n'.repeat(800)}300`)
  const { blocksRead } = blocks.stats()
  const found = [
    `added /large/new`,
    `added /large/${'n'.repeat(800)}7/f`,
    `removed /large/${'n'.repeat(800)}300`,
  ]
  expect((await changes(journal, { snapshot: 's' }, 'live')).toSorted()).toEqual(found.toSorted())
  expect(blocks.stats().blocksRead - blocksRead).toBeLessThan(40)
  await journal.checkpoint()
  const { cid } = await journal.checkpoint()
  const before = blocks.stats().blocksRead
  expect((await changes(journal, { snapshot: 's' }, cid)).toSorted()).toEqual(found.toSorted())
  expect(blocks.stats().blocksRead - before).toBeLessThan(60)
})

test('trees that are deeper than calls can be are compared', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { segmentBytes: 8 * 1024 * 1024 })
  const { journal } = opened
  await journal.mkdir('/a'.repeat(500), { parents: true })
  for (let depth = 500; depth <= 2000; depth *= 2) await journal.cp('/a', '/a'.repeat(depth + 1))
  await journal.snapshot('s')
  const deepest = '/a'.repeat(4000)
  await journal.write(`${deepest}/f`, bytes('f'))
  expect(await changes(journal, { snapshot: 's' }, 'live')).toEqual([`added ${deepest}/f`])
})

each('both trees stay while they are compared', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { keepCheckpoints: 1 })
  const { journal, blocks } = opened
  for (const name of ['a', 'b', 'c']) await journal.write(`/${name}/f`, bytes(name), { parents: true })
  await journal.snapshot('s')
  for (const name of ['a', 'b', 'c']) await journal.write(`/${name}/f`, bytes(`new ${name}`))
  const running = journal.diff({ snapshot: 's' }, 'live')
  const found = [(await running.next()).value]
  await journal.removeSnapshot('s')
  for (const name of ['a', 'b', 'c']) await journal.rm(`/${name}`, { recursive: true })
  await journal.checkpoint()
  await blocks.collect()
  for await (const one of running) found.push(one)
  expect(new Set(found.map((one) => one?.path))).toEqual(new Set(['/a/f', '/b/f', '/c/f']))
  await blocks.collect()
  expect(journal.roots()).toHaveLength(2)
})

each('trees that are not there are refused', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/f', bytes('f'))
  const { cid } = await journal.stat('/f')
  const missing = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
  for (const [reference, code] of [
    [{ snapshot: 's' }, 'JOURNAL_VERSION_UNKNOWN'],
    [{ checkpoint: 7 }, 'JOURNAL_VERSION_UNKNOWN'],
    [cid, 'JOURNAL_NOT_A_FOLDER'],
    [missing, 'JOURNAL_BLOCK_MISSING'],
  ] as const) {
    await expect(differences(journal, reference!, 'live')).rejects.toMatchObject({ code })
    await expect(differences(journal, 'live', reference!)).rejects.toMatchObject({ code })
    await expect(journal.restore(reference!)).rejects.toMatchObject({ code })
  }
  await expect(differences(journal, {} as never, 'live')).rejects.toThrow(TypeError)
  await expect(differences(journal, 'live', 'live', '/x')).rejects.toMatchObject({
    code: 'JOURNAL_NOT_FOUND',
  })
  const over = new AbortController()
  const running = journal.diff('live', 'live', { signal: over.signal })
  over.abort(new Error('enough'))
  await expect(running.next()).rejects.toThrow('enough')
  const { cid: root } = await journal.checkpoint()
  await journal.close()
  await expect(differences(journal, 'live', 'live')).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
  await expect(journal.restore(root)).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
})

each('mounts and times that were written are no others for that', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  const mtime = { secs: 1n }
  await journal.write('/f', bytes('f'))
  await journal.mount('/mounted', await journal.flush('/f'))
  await journal.mkdir('/d', { mtime })
  await journal.snapshot('s')
  await journal.setMetadata('/d', { mtime })
  expect(await changes(journal, 'live', { snapshot: 's' })).toEqual([])
  expect((await journal.history('/d')).versions).toEqual([])
  expect((await journal.history('/mounted')).versions).toEqual([])
  await journal.unmount('/mounted')
  await journal.mount('/mounted', await journal.flush('/f'), { writable: true })
  await journal.setMetadata('/d', { mtime: { secs: 1n, nsecs: 1 } })
  expect(await changes(journal, { snapshot: 's' }, 'live')).toEqual(['changed /d', 'changed /mounted'])
})
