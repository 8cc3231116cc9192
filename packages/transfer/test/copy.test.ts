import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import type { StorageBackend } from '@ipfs-kit/storage'
import { delegate } from '@ipfs-kit/storage/testing'
import { backendEnd, copy, plan, type ItemOutcome } from '@ipfs-kit/transfer'
import { expect, test } from 'vitest'
import { all, bytesOf, contents, digests, fill, memory, sha256Of, telling, told, watched } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 20 })

onBoth('one object is copied under another key', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, { 'a/x': bytesOf(1, 200_000) })
  const outcomes: ItemOutcome[] = []
  const report = await copy(backendEnd(from, 'a/x'), backendEnd(to, 'b/y'), {
    onItem: (one) => outcomes.push(one),
  })
  expect(report).toEqual({ items: 1, sent: 1, same: 0, deleted: 0, removed: 0, failed: 0, bytes: 200_000 })
  expect(outcomes).toEqual([
    { path: '', outcome: 'sent', bytes: 200_000, sha256: sha256Of(bytesOf(1, 200_000)), isRemoved: false },
  ])
  expect(await contents(to)).toEqual(digests({ 'b/y': bytesOf(1, 200_000) }))
})

onBoth('one object goes below a prefix under the last part of its key', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, { 'a/x': bytesOf(1, 10) })
  await copy(backendEnd(from, 'a/x'), backendEnd(to, 'b/'))
  expect(await contents(to)).toEqual(digests({ 'b/x': bytesOf(1, 10) }))
})

onBoth('a prefix is copied: what is new and what is different, and nothing that is the same', async () => {
  const [from, to] = [memory('from'), memory('to')]
  const { backend, puts } = watched(to)
  const objects = {
    'a//b': bytesOf(1, 10),
    'a/empty': new Uint8Array(),
    'a/same': bytesOf(2, 70_000),
    'a/other': bytesOf(3, 500),
    'a/size': bytesOf(4, 500),
    'a/\u{1f600}/ü': bytesOf(5, 5),
    'a/\uffee': bytesOf(6, 5),
  }
  await fill(from, { ...objects, beside: bytesOf(9, 9) })
  await fill(to, {
    'z/same': bytesOf(2, 70_000),
    'z/other': bytesOf(33, 500),
    'z/size': bytesOf(4, 499),
    'z/extra': bytesOf(8, 8),
  })
  const ends = [backendEnd(from, 'a/'), backendEnd(backend, 'z/')] as const
  const planned = Object.fromEntries((await all(plan(...ends))).map((one) => [one.path, one.state]))
  expect(planned).toEqual({
    '/b': 'new',
    empty: 'new',
    same: 'same',
    other: 'different',
    size: 'different',
    '\u{1f600}/ü': 'new',
    '\uffee': 'new',
    extra: 'extra',
  })
  expect(puts).toEqual([])
  const report = await copy(...ends)
  expect(report).toMatchObject({ items: 7, sent: 6, same: 1, failed: 0, bytes: 10 + 500 + 500 + 5 + 5 })
  expect(puts).not.toContain('z/same')
  const moved = Object.fromEntries(
    Object.entries(objects).map(([key, bytes]) => [`z/${key.slice(2)}`, bytes]),
  )
  expect(await contents(to)).toEqual(digests({ ...moved, 'z/extra': bytesOf(8, 8) }))
  // A second time nothing is sent.
  puts.length = 0
  expect(await copy(...ends)).toMatchObject({ items: 7, sent: 0, same: 7, bytes: 0 })
  expect(puts).toEqual([])
})

onBoth('where both ends tell digests nothing is read to compare, nor to prove', async () => {
  const [from, to] = [watched(telling(memory('from'))), watched(telling(memory('to')))]
  await fill(from.backend, { x: bytesOf(1, 1000), y: bytesOf(2, 1000) })
  const ends = [backendEnd(from.backend, ''), backendEnd(to.backend, '')] as const
  expect(await copy(...ends)).toMatchObject({ sent: 2 })
  expect(from.gets.sort()).toEqual(['x', 'y'])
  expect(to.gets).toEqual([])
  expect(await copy(...ends)).toMatchObject({ same: 2 })
  expect(from.gets.length).toBe(2)
  expect(await copy(...ends, { verify: 'read', include: ['x'] })).toMatchObject({ same: 1 })
  await fill(from.backend, { x: bytesOf(7, 1000) })
  expect(await copy(...ends, { verify: 'read', include: ['x'] })).toMatchObject({ sent: 1 })
  expect(to.gets).toEqual(['x'])
})

onBoth('digests that only a look at an object tells are asked for, and nothing is read', async () => {
  const silent = (backend: StorageBackend) =>
    delegate(backend, {
      async list(options) {
        const page = await backend.list(options)
        return { ...page, entries: page.entries.map((one) => ({ ...one, sha256: undefined })) }
      },
    })
  const [from, to] = [watched(silent(telling(memory('from')))), watched(silent(telling(memory('to'))))]
  await fill(from.backend, { x: bytesOf(1, 1000), y: bytesOf(2, 1000) })
  await fill(to.backend, { x: bytesOf(1, 1000), y: bytesOf(3, 1000) })
  const planned = await all(plan(backendEnd(from.backend, ''), backendEnd(to.backend, '')))
  expect(planned.map(({ path, state }) => `${path} ${state}`)).toEqual(['x same', 'y different'])
  expect([from.gets, to.gets]).toEqual([[], []])
})

onBoth('sizes and times compare without a byte being read', async () => {
  const [from, to] = [watched(memory('from')), memory('to')]
  await fill(to, { old: bytesOf(1, 10), size: bytesOf(1, 10) })
  await fill(from.backend, { old: bytesOf(2, 10), size: bytesOf(1, 11) })
  const ends = [backendEnd(from.backend, ''), backendEnd(to, '')] as const
  const states = async (compare: 'size' | 'time') =>
    (await all(plan(...ends, { compare }))).map(({ path, state }) => `${path} ${state}`)
  expect(await states('size')).toEqual(['old same', 'size different'])
  await fill(to, { old: bytesOf(3, 10) })
  expect(await states('time')).toEqual(['old same', 'size different'])
  expect(from.gets).toEqual([])
})

onBoth('globs choose the paths of both sides', async () => {
  const [from, to] = [memory('from'), memory('to')]
  const keys = ['a'.repeat(1000), 'a.txt', 'b/a.txt', 'b/c/a.txt', 'b/c/a.jpg', 'b/c/.hidden', 'x[1].txt']
  await fill(from, Object.fromEntries(keys.map((key, at) => [key, bytesOf(at, 5)])))
  const outcomes: ItemOutcome[] = []
  const chosen = async (include?: string[], exclude?: string[]) =>
    (
      await all(
        plan(backendEnd(from, ''), backendEnd(to, ''), {
          ...(include && { include }),
          ...(exclude && { exclude }),
        }),
      )
    ).map(({ path }) => path)
  expect(await chosen(['*.txt'])).toEqual(['a.txt', 'x[1].txt'])
  expect(await chosen(['**/*.txt'])).toEqual(['a.txt', 'b/a.txt', 'b/c/a.txt', 'x[1].txt'])
  expect(await chosen(['b/**'], ['**/*.jpg'])).toEqual(['b/a.txt', 'b/c/.hidden', 'b/c/a.txt'])
  expect(await chosen(['b/?.txt'])).toEqual(['b/a.txt'])
  expect(await chosen(['b/**/a.txt'])).toEqual(['b/a.txt', 'b/c/a.txt'])
  expect(await chosen(['b/c/**/a.jpg', '**/*'], ['**.txt', '**/.*', 'aa*'])).toEqual(['b/c/a.jpg'])
  expect(await chosen(['**/c/**/*.jpg'])).toEqual(['b/c/a.jpg'])
  expect(await chosen([`${'*a'.repeat(200)}*b`])).toEqual([])
  expect(await chosen(['x[1].txt'])).toEqual(['x[1].txt'])
  expect(await chosen([])).toEqual([])
  await copy(backendEnd(from, ''), backendEnd(to, ''), {
    include: ['b/**'],
    exclude: ['**/*.jpg'],
    onItem: (one) => outcomes.push(one),
  })
  expect(told(outcomes)).toEqual(['b/a.txt sent', 'b/c/.hidden sent', 'b/c/a.txt sent'])
})

onBoth('no more objects are under way at once than concurrency says', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`k${at}`, bytesOf(at, 2000)])))
  let [running, most] = [0, 0]
  const end = backendEnd(to, '')
  await copy(
    backendEnd(from, ''),
    {
      ...end,
      async write(...args) {
        most = Math.max(most, (running += 1))
        try {
          return await end.write(...args)
        } finally {
          running -= 1
        }
      },
    },
    { concurrency: 3 },
  )
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(3)
  expect(Object.keys(await contents(to)).length).toBe(12)
})
