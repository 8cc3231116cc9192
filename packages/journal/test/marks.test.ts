import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { Files, Journal } from '@ipfs-kit/journal'
import { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { textOf, treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 5 })
const bytes = (text: string) => Buffer.from(text)

each('attributes go with what they are of, through moves, copies, checkpoints and openings', async () => {
  const disk = simDisk({ seed: 1 })
  const expected = async (files: Files): Promise<void> => {
    expect((await files.stat('/b/x')).attributes).toEqual({ colour: 'red', size: 'große' })
    expect((await files.stat('/b')).attributes).toEqual({ of: 'folder' })
    expect((await files.stat('/copy/x')).attributes).toEqual({ colour: 'blue' })
    expect((await files.stat('/copy')).attributes).toEqual({ of: 'folder' })
    expect((await files.stat('/gone')).attributes).toBeUndefined()
    expect(await files.stat('/plain')).not.toHaveProperty('attributes')
  }
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    await journal.write('/a/x', bytes('x'), { parents: true })
    await journal.write('/gone', bytes(''))
    await journal.write('/plain', bytes(''))
    await journal.setAttributes('/gone', { to: 'remove' })
    await journal.setAttributes('/a/x', { colour: 'red', other: 'value' })
    await journal.setAttributes('/a', { of: 'folder' })
    await journal.write('/a/x', bytes('written anew'))
    await journal.setAttributes('/a/x', { other: undefined, size: 'große' })
    await journal.cp('/a', '/copy')
    await journal.setAttributes('/copy/x', { colour: 'blue', size: undefined })
    await journal.mv('/a', '/b')
    await journal.rm('/gone')
    await journal.write('/gone', bytes('again'))
    await expected(journal)
    await journal.setAttributes('/gone', { never: undefined })
    await expected(journal)
  }
  {
    await using opened = await openOn(disk)
    expect(opened.journal.recovery.changes).toBeGreaterThan(0)
    await expected(opened.journal)
    await opened.journal.checkpoint()
    await opened.blocks.collect()
  }
  await using opened = await openOn(disk)
  expect(opened.journal.recovery.changes).toBe(0)
  await expected(opened.journal)
})

each(
  'what a transaction sets nobody else sees before; what another has set meanwhile is a conflict',
  async () => {
    await using opened = await openOn(simDisk({ seed: 1 }))
    const { journal } = opened
    await journal.write('/a/x', bytes('x'), { parents: true })
    await journal.setAttributes('/a/x', { by: 'all' })
    {
      await using transaction = journal.begin()
      await transaction.setAttributes('/a/x', { by: 'me' })
      await transaction.mv('/a', '/b')
      expect((await transaction.stat('/b/x')).attributes).toEqual({ by: 'me' })
      expect((await journal.stat('/a/x')).attributes).toEqual({ by: 'all' })
      await transaction.commit()
    }
    expect((await journal.stat('/b/x')).attributes).toEqual({ by: 'me' })
    await using transaction = journal.begin()
    await transaction.stat('/b/x')
    await journal.setAttributes('/b/x', { by: 'others' })
    await expect(transaction.commit()).rejects.toMatchObject({ code: 'JOURNAL_CONFLICT' })
  },
)

each('thousands of paths with attributes survive a checkpoint', async () => {
  const disk = simDisk({ seed: 1 })
  const count = 2500
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    for (let first = 0; first < count; first += 250) {
      await using transaction = journal.begin()
      for (let nth = first; nth < first + 250; nth += 1) {
        await transaction.mkdir(`/${nth % 3}/${nth}`, { parents: true })
        await transaction.setAttributes(`/${nth % 3}/${nth}`, { nth: String(nth) })
      }
      await transaction.commit()
    }
    await journal.checkpoint()
  }
  await using opened = await openOn(disk)
  expect(opened.journal.recovery.changes).toBe(0)
  for (const nth of [0, 1, 999, 1000, 2499]) {
    expect((await opened.journal.stat(`/${nth % 3}/${nth}`)).attributes).toEqual({ nth: String(nth) })
  }
})

test('what no attribute can be is refused', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/x', bytes('x'))
  const wrong = (attributes: Record<string, string>) => journal.setAttributes('/x', attributes)
  await expect(wrong({ '': 'x' })).rejects.toThrow(RangeError)
  await expect(wrong({ 'a\0': 'x' })).rejects.toThrow(RangeError)
  await expect(wrong({ ['n'.repeat(256)]: 'x' })).rejects.toThrow(RangeError)
  await expect(wrong({ ['__proto__']: 'x' })).rejects.toThrow(RangeError)
  await expect(wrong({ a: '\ud800' })).rejects.toThrow(TypeError)
  await expect(wrong({ a: 7 as unknown as string })).rejects.toThrow(TypeError)
  await expect(wrong({ a: 'x'.repeat(65_536) })).rejects.toMatchObject({ code: 'JOURNAL_TOO_LARGE' })
  await expect(journal.setAttributes('/none', { a: 'b' })).rejects.toMatchObject({
    code: 'JOURNAL_NOT_FOUND',
  })
  expect(await journal.stat('/x')).not.toHaveProperty('attributes')
})

/** A folder /content with two files, a copy of it as CID, and it gone from the tree. */
async function contentOf(journal: Journal): Promise<CID> {
  await journal.write('/content/in/a', bytes('a'), { parents: true })
  await journal.write('/content/b', bytes('b'))
  return await journal.flush('/content')
}

each('a read-only mount is read, listed, copied and moved, and nothing in it changes', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    const cid = await contentOf(journal)
    await journal.mount('/m/point', cid, { parents: true })
    await journal.rm('/content', { recursive: true })
    const readOnly = { code: 'JOURNAL_READ_ONLY', message: expect.stringContaining('/m/point') as string }
    for (const files of [journal, journal.begin()]) {
      expect(await textOf(files, '/m/point/in/a')).toBe('a')
      expect((await files.stat('/m/point')).mount).toMatchObject({ writable: false })
      expect((await files.stat('/m/point')).mount!.cid.equals(cid)).toBe(true)
      await expect(files.write('/m/point/new', bytes(''))).rejects.toMatchObject(readOnly)
      await expect(files.append('/m/point/b', bytes('!'))).rejects.toMatchObject(readOnly)
      await expect(files.mkdir('/m/point/in/d')).rejects.toMatchObject(readOnly)
      await expect(files.rm('/m/point/b')).rejects.toMatchObject(readOnly)
      await expect(files.mv('/m/point/b', '/b')).rejects.toMatchObject(readOnly)
      await expect(files.cp('/m/point/b', '/m/point/c')).rejects.toMatchObject(readOnly)
      await expect(files.put('/m/point/c', cid)).rejects.toMatchObject(readOnly)
      await expect(files.setAttributes('/m/point/b', { a: 'b' })).rejects.toMatchObject(readOnly)
      await expect(files.rm('/m/point', { recursive: true })).rejects.toMatchObject({
        code: 'JOURNAL_MOUNTED',
      })
      await expect(files.rm('/m', { recursive: true })).rejects.toMatchObject({ code: 'JOURNAL_MOUNTED' })
      await expect(files.unmount('/m')).rejects.toMatchObject({ code: 'JOURNAL_NOT_MOUNTED' })
    }
    await journal.cp('/m/point', '/copy')
    await journal.write('/copy/b', bytes('changed'))
    await journal.mv('/m', '/n')
    await expect(journal.write('/n/point/b', bytes(''))).rejects.toMatchObject({ code: 'JOURNAL_READ_ONLY' })
    await journal.checkpoint()
    await opened.blocks.collect()
  }
  await using opened = await openOn(disk)
  const { journal } = opened
  expect(await textOf(journal, '/n/point/b')).toBe('b')
  expect(await textOf(journal, '/copy/b')).toBe('changed')
  await expect(journal.write('/n/point/b', bytes(''))).rejects.toMatchObject({ code: 'JOURNAL_READ_ONLY' })
  await journal.unmount('/n/point')
  expect([...(await treeOf(journal)).keys()].toSorted()).toEqual([
    '/copy/',
    '/copy/b',
    '/copy/in/',
    '/copy/in/a',
    '/n/',
  ])
  await journal.rm('/n')
})

each('a writable mount changes and what was mounted stays; it can be kept as a plain folder', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { keepCheckpoints: 1 })
  const { journal, blocks } = opened
  const cid = await contentOf(journal)
  await journal.mount('/m', cid, { writable: true })
  await journal.rm('/content', { recursive: true })
  await journal.write('/m/in/a', bytes('changed'))
  await journal.rm('/m/b')
  await journal.checkpoint()
  await blocks.collect()
  expect((await journal.stat('/m')).mount).toEqual({ cid, writable: true })
  await journal.mount('/again', cid)
  expect(await textOf(journal, '/again/in/a')).toBe('a')
  expect(await textOf(journal, '/m/in/a')).toBe('changed')
  await journal.unmount('/m', { keep: true })
  expect(await journal.stat('/m')).not.toHaveProperty('mount')
  await journal.rm('/m', { recursive: true })
  await journal.unmount('/again')
  await journal.checkpoint()
  await blocks.collect()
  expect(await blocks.has(cid)).toBe(false)
})

each('the tree mounted in itself ends; a mount in a mount has to go first', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/a', bytes('a'))
  await journal.mount('/self', await journal.flush(), { writable: true })
  await journal.mount('/self/self', await journal.flush())
  expect([...(await treeOf(journal)).keys()].toSorted()).toEqual([
    '/a',
    '/self/',
    '/self/a',
    '/self/self/',
    '/self/self/a',
    '/self/self/self/',
    '/self/self/self/a',
  ])
  await expect(journal.unmount('/self')).rejects.toMatchObject({ code: 'JOURNAL_MOUNTED' })
  await journal.unmount('/self/self')
  await journal.unmount('/self')
  expect([...(await treeOf(journal)).keys()]).toEqual(['/a'])
})

test('what is not here cannot be mounted or put', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  const cid = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
  await expect(journal.mount('/m', cid)).rejects.toMatchObject({ code: 'JOURNAL_CONTENT_MISSING' })
  await expect(journal.put('/m', cid)).rejects.toMatchObject({ code: 'JOURNAL_CONTENT_MISSING' })
  // Who asks for it has made a mistake: the tree is well.
  expect(journal.health().figures.failureShare).toBe(0)
  await journal.mkdir('/m')
  expect(journal.stats().sequence).toBe(1)
})
