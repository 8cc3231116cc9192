/** Cases about names: renaming, removing, and paths of every kind. */
import assert from 'node:assert/strict'
import type { DiskStat } from '../disk.ts'
import { assertRefused, assertSame, contentOf, pattern } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

function kindAndSize(stat: DiskStat | undefined): Pick<DiskStat, 'kind' | 'size'> | undefined {
  return stat && { kind: stat.kind, size: stat.size }
}

const strange = ['a b', ' ', '...', 'ä', 'e\u0301', '名前', '%2e%2e', '~', '-rf', 'a.pack', 'x'.repeat(255)]

export const nameCases: readonly ConformanceCase[] = [
  {
    title: 'rename moves a file and replaces what is there',
    run: async ({ disk, at, put, bytesOf, names }) => {
      await put('from', pattern(100, 1))
      await disk.rename(at('from'), at('to'))
      assertSame(await bytesOf('to'), pattern(100, 1))
      await put('from', pattern(50, 2))
      await disk.rename(at('from'), at('to'))
      assertSame(await bytesOf('to'), pattern(50, 2))
      assert.deepEqual(await names(), ['to'])
      await disk.rename(at('to'), at('to'))
      assertSame(await bytesOf('to'), pattern(50, 2))
      await disk.makeFolder(at('below'))
      await disk.rename(at('to'), at('below/there'))
      assertSame(await bytesOf('below/there'), pattern(50, 2))
      await assertRefused(disk.rename(at('to'), at('other')), 'DISK_NOT_FOUND')
      await assertRefused(disk.rename(at('below/there'), at('absent/there')), 'DISK_NOT_FOUND')
      // Only a folder can have such a name.
      await assertRefused(disk.rename(at('below/there'), `${at('absent')}/`), 'DISK_NOT_FOUND', 'DISK_FAILED')
      assertSame(await bytesOf('below/there'), pattern(50, 2))
    },
  },
  {
    title: 'a folder is renamed with what is in it',
    run: async ({ disk, at, put, bytesOf }) => {
      await disk.makeFolder(at('old/deep'))
      await put('old/deep/file', pattern(10))
      await disk.rename(at('old'), at('new'))
      assertSame(await bytesOf('new/deep/file'), pattern(10))
      assert.equal(await disk.stat(at('old')), undefined)
      await assertRefused(disk.rename(at('new'), at('new/deep/itself')), 'DISK_FAILED')
      await disk.makeFolder(at('full/one'))
      await assertRefused(disk.rename(at('new'), at('full')), 'DISK_EXISTS')
      await put('plain', pattern(1))
      await assertRefused(disk.rename(at('plain'), at('new')), 'DISK_FAILED', 'DISK_EXISTS', 'DISK_DENIED')
    },
  },
  {
    title: 'an open file keeps its bytes when it is renamed, replaced or removed',
    run: async ({ disk, at, put, using, bytesOf }) => {
      await put('kept', pattern(5000, 1))
      await using('kept', async (file) => {
        await disk.rename(at('kept'), at('moved'))
        assertSame(await contentOf(file), pattern(5000, 1))
        await put('other', pattern(10, 2))
        await disk.rename(at('other'), at('moved'))
        assertSame(await contentOf(file), pattern(5000, 1))
        await file.write([pattern(10, 3)], 5000)
        await file.sync()
        assert.equal(await file.size(), 5010)
        assertSame(await bytesOf('moved'), pattern(10, 2))
      })
      await using('moved', async (file) => {
        assert.equal(await disk.unlink(at('moved')), true)
        assert.equal(await disk.stat(at('moved')), undefined)
        assertSame(await contentOf(file), pattern(10, 2))
        await put('moved', pattern(7, 4))
        assertSame(await contentOf(file), pattern(10, 2))
      })
      assertSame(await bytesOf('moved'), pattern(7, 4))
    },
  },
  {
    title: 'unlink says whether there was a file, and removes no folder',
    run: async ({ disk, at, put, names }) => {
      await put('file', pattern(1))
      assert.equal(await disk.unlink(at('file')), true)
      assert.equal(await disk.unlink(at('file')), false)
      assert.equal(await disk.unlink(at('absent/file')), false)
      await put('file', pattern(1))
      assert.equal(await disk.unlink(at('file/below')), false)
      await disk.makeFolder(at('folder'))
      await assertRefused(disk.unlink(at('folder')), 'DISK_FAILED', 'DISK_DENIED')
      assert.deepEqual(await names(), ['file', 'folder'])
    },
  },
  {
    title: 'stat tells files from folders, and gives undefined where nothing is',
    run: async ({ disk, folder, at, put }) => {
      assert.deepEqual(kindAndSize(await disk.stat(folder)), { kind: 'folder', size: 0 })
      assert.equal(await disk.stat(at('file')), undefined)
      await put('file', pattern(123))
      assert.deepEqual(kindAndSize(await disk.stat(at('file'))), { kind: 'file', size: 123 })
      assert.equal(await disk.stat(at('file/below')), undefined)
      assert.equal(await disk.stat(at('absent/below')), undefined)
      assert.deepEqual(kindAndSize(await disk.stat('/')), { kind: 'folder', size: 0 })
    },
  },
  {
    title: 'names are taken as they stand, byte for byte',
    run: async ({ disk, at, put, bytesOf, names }) => {
      for (const [index, name] of strange.entries()) await put(name, pattern(10, index))
      assert.deepEqual(await names(), strange.toSorted())
      for (const [index, name] of strange.entries()) assertSame(await bytesOf(name), pattern(10, index))
      for (const name of strange) assert.equal(await disk.unlink(at(name)), true)
      assert.deepEqual(await names(), [])
    },
  },
  {
    title: 'dots and doubled slashes in a path lead where they do in a shell',
    run: async ({ disk, at, put, bytesOf }) => {
      await disk.makeFolder(at('one/two'))
      await put('one/two/../../file', pattern(10))
      assertSame(await bytesOf('.//one/./../file'), pattern(10))
      await assertRefused(disk.open(at('absent/../file'), 'read'), 'DISK_NOT_FOUND')
    },
  },
  {
    title: 'a path that cannot be is refused by every call',
    run: async ({ disk, folder, at }) => {
      const calls = (path: string): (() => Promise<unknown>)[] => [
        () => disk.open(path, 'create'),
        () => disk.makeFolder(path),
        () => disk.rename(path, at('to')),
        () => disk.rename(at('from'), path),
        () => disk.unlink(path),
        () => disk.removeFolder(path),
        () => disk.list(path),
        () => disk.stat(path),
        () => disk.syncFolder(path),
        () => disk.freeSpace(path),
        () => disk.lock(path),
      ]
      for (const path of ['', '.', 'relative', '../x', `${folder}/a\0b`, 7, null, undefined]) {
        for (const call of calls(path as string)) await assert.rejects(call, TypeError)
      }
      const long = at('x'.repeat(10_000))
      for (const call of calls(long)) await assertRefused(call(), 'DISK_FAILED', 'DISK_NOT_FOUND')
      const longName = at('x'.repeat(256))
      await assertRefused(disk.open(longName, 'create'), 'DISK_FAILED', 'DISK_NOT_FOUND')
    },
  },
]
