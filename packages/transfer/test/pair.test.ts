import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { delegate, limited } from '@ipfs-kit/storage/testing'
import { backendEnd, copy, move, plan, sync } from '@ipfs-kit/transfer'
import { expect, test } from 'vitest'
import { all, bytesOf, contents, digests, fill, memory, rejection, watched } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 10 })
const code = (expected: string) =>
  expect.objectContaining({ name: 'TransferError', code: expected }) as unknown

onBoth('what overlaps is refused, and what only lies beside is not', async () => {
  const { backend, gets, puts } = watched(memory())
  await fill(backend, { 'a/x': bytesOf(1, 10), 'ab/x': bytesOf(2, 10) })
  puts.length = 0
  const end = (key: string) => backendEnd(backend, key)
  const pairs = [
    ['a/', 'a/'],
    ['a/', 'a/b/'],
    ['a/b/', 'a/'],
    ['', 'a/'],
    ['a/', ''],
    ['a/x', 'a/x'],
    ['a/x', 'a/'],
  ] as const
  for (const [from, to] of pairs) {
    for (const work of [copy, sync, move]) {
      expect(await rejection(work(end(from), end(to)))).toEqual(code('TRANSFER_OVERLAP'))
    }
    expect(await rejection(all(plan(end(from), end(to))))).toEqual(code('TRANSFER_OVERLAP'))
  }
  expect([gets, puts]).toEqual([[], []])
  await copy(end('a/'), end('ab/'))
  await copy(end('a/x'), end('a/y'))
  await copy(end('a/x'), end(''))
  expect(Object.keys(await contents(backend))).toEqual(['a/x', 'a/y', 'ab/x', 'x'])
})

onBoth('backends that lie in one another are told apart by their place', async () => {
  const [outer, inner] = [memory('outer'), memory('inner')]
  const id = 'files of this machine'
  const source = backendEnd(outer, 'data/', { place: { id, base: 'srv/' } })
  const inside = backendEnd(inner, '', { place: { id, base: 'srv/data/old/' } })
  expect(await rejection(copy(source, inside))).toEqual(code('TRANSFER_OVERLAP'))
  const beside = backendEnd(inner, '', { place: { id, base: 'srv/data2/' } })
  expect(await copy(source, beside)).toMatchObject({ items: 0 })
})

onBoth('a pair that lacks what is needed is refused before anything is read', async () => {
  const { backend: from, gets } = watched(memory('from'))
  const to = memory('to')
  await fill(from, { 'a/x': bytesOf(1, 10) })
  const source = backendEnd(from, 'a/')
  const readOnly = backendEnd(limited(to, { write: false }), '')
  expect(await rejection(copy(source, readOnly))).toEqual(code('TRANSFER_NOT_SUPPORTED'))
  const keeping = limited(from, { delete: false })
  expect(await rejection(move(backendEnd(keeping, 'a/'), backendEnd(to, '')))).toEqual(
    code('TRANSFER_NOT_SUPPORTED'),
  )
  expect(await copy(backendEnd(keeping, 'a/'), backendEnd(to, ''))).toMatchObject({ sent: 1 })
  gets.length = 0
  const kept = backendEnd(limited(to, { delete: false }), '')
  expect(await rejection(sync(source, kept, { extras: 'delete' }))).toEqual(code('TRANSFER_NOT_SUPPORTED'))
  const unlisted = backendEnd(limited(to, { list: false }), '')
  expect(await rejection(copy(source, unlisted))).toEqual(code('TRANSFER_NOT_SUPPORTED'))
  const byCid = backendEnd(limited(to, { keys: 'cid' }), '')
  expect(await rejection(copy(source, byCid))).toEqual(code('TRANSFER_KEY_REFUSED'))
  expect(await rejection(copy(source, backendEnd(to, 'one')))).toEqual(code('TRANSFER_SHAPE'))
  expect(gets).toEqual([])
})

onBoth('a key or a size that the target cannot hold is named before bytes move', async () => {
  const [from, to] = [memory('from'), watched(memory('to'))]
  const long = 'l'.repeat(1020)
  await fill(from, { a: bytesOf(1, 10), [long]: bytesOf(2, 10), z: bytesOf(3, 2000) })
  const error = await rejection(copy(backendEnd(from, ''), backendEnd(to.backend, 'below/')))
  expect(error).toEqual(code('TRANSFER_KEY_REFUSED'))
  expect((error as Error).message).toContain(long)
  const small = backendEnd(to.backend, '', { maxItemBytes: 1999 })
  const large = await rejection(copy(backendEnd(from, ''), small))
  expect(large).toEqual(code('TRANSFER_TOO_LARGE'))
  expect((large as Error).message).toContain('"z" has 2000')
  expect(to.puts).toEqual([])
  expect(await copy(backendEnd(from, ''), small, { exclude: ['z'] })).toMatchObject({ sent: 2 })
})

onBoth('options that are unknown or wrong are refused', async () => {
  const ends = [backendEnd(memory('from'), ''), backendEnd(memory('to'), '')] as const
  expect(await rejection(copy(...ends, { concurency: 3 } as object))).toBeInstanceOf(TypeError)
  expect(await rejection(copy(...ends, { extras: 'delete' } as object))).toBeInstanceOf(TypeError)
  expect(await rejection(move(...ends, { compare: 'size' } as object))).toBeInstanceOf(TypeError)
  expect(await rejection(copy(...ends, { concurrency: 0 }))).toBeInstanceOf(RangeError)
  expect(await rejection(copy(...ends, { bytesPerSecond: -1 }))).toBeInstanceOf(RangeError)
  expect(await rejection(copy(...ends, { verify: 'no' as 'read' }))).toBeInstanceOf(TypeError)
  expect(await rejection(copy(...ends, { include: 'a' as never }))).toBeInstanceOf(TypeError)
  expect(await rejection(sync(...ends, { extras: 'maybe' as 'keep' }))).toBeInstanceOf(TypeError)
  expect(() => backendEnd(memory(), '', { nam: 'x' } as object)).toThrow(TypeError)
})

onBoth('what a sync deletes is only what nobody has', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, { a: bytesOf(1, 10), b: bytesOf(2, 10) })
  await fill(to, { b: bytesOf(2, 10), c: bytesOf(3, 10), 'log/d': bytesOf(4, 10) })
  const ends = [backendEnd(from, ''), backendEnd(to, '')] as const
  expect(await sync(...ends)).toMatchObject({ items: 2, sent: 1, same: 1, deleted: 0 })
  expect(await sync(...ends, { extras: 'delete', exclude: ['log/**'] })).toMatchObject({
    items: 2,
    same: 2,
    deleted: 1,
  })
  expect(await contents(to)).toEqual(
    digests({ a: bytesOf(1, 10), b: bytesOf(2, 10), 'log/d': bytesOf(4, 10) }),
  )
})

onBoth('a sync of which an object fails deletes nothing', async () => {
  const [from, to] = [memory('from'), memory('to', 1000)]
  await fill(from, { a: bytesOf(1, 10), large: bytesOf(2, 2000) })
  await fill(to, { extra: bytesOf(3, 10) })
  const report = await sync(backendEnd(from, ''), backendEnd(to, ''), { extras: 'delete' })
  expect(report).toMatchObject({ sent: 1, failed: 1, deleted: 0 })
  expect(Object.keys(await contents(to))).toEqual(['a', 'extra'])
})

onBoth('an extra that was replaced since it was listed stays', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(to, { extra: bytesOf(3, 10) })
  const replacing = delegate(to, {
    async stat(key, options) {
      await to.put(key, bytesOf(4, 10))
      return await to.stat(key, options)
    },
  })
  const report = await sync(backendEnd(from, ''), backendEnd(replacing, ''), { extras: 'delete' })
  expect(report).toMatchObject({ failed: 1, deleted: 0 })
  expect(await contents(to)).toEqual(digests({ extra: bytesOf(4, 10) }))
})
