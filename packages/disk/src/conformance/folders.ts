/** Cases about folders and the volume. */
import assert from 'node:assert/strict'
import { taskGroup } from '@ipfs-kit/concurrency'
import { assertRefused, pattern } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

export const folderCases: readonly ConformanceCase[] = [
  {
    title: 'makeFolder makes those above too, again and side by side, and not over a file',
    run: async ({ disk, folder, at, put, names }) => {
      await disk.makeFolder(at('a/b/c'))
      await disk.makeFolder(at('a/b/c'))
      await disk.makeFolder(`${at('a/b')}/`)
      await disk.makeFolder('/')
      await disk.makeFolder(folder)
      assert.equal((await disk.stat(at('a/b/c')))?.kind, 'folder')
      await taskGroup((group) => {
        for (let one = 0; one < 8; one += 1) group.spawn(() => disk.makeFolder(at('x/y/z')))
      })
      assert.equal((await disk.stat(at('x/y/z')))?.kind, 'folder')
      await put('file', pattern(1))
      await assertRefused(disk.makeFolder(at('file')), 'DISK_EXISTS')
      await assertRefused(disk.makeFolder(at('file/below')), 'DISK_EXISTS', 'DISK_NOT_FOUND')
      assert.deepEqual(await names(), ['a', 'file', 'x'])
    },
  },
  {
    title: 'removeFolder removes empty folders only, and says whether there was one',
    run: async ({ disk, at, put, names }) => {
      await disk.makeFolder(at('a/b'))
      await assertRefused(disk.removeFolder(at('a')), 'DISK_EXISTS')
      assert.equal(await disk.removeFolder(at('a/b')), true)
      assert.equal(await disk.removeFolder(at('a/b')), false)
      assert.equal(await disk.removeFolder(at('a')), true)
      await put('file', pattern(1))
      assert.equal(await disk.removeFolder(at('file')), false)
      assert.equal(await disk.removeFolder(at('absent/below')), false)
      assert.deepEqual(await names(), ['file'])
    },
  },
  {
    title: 'list gives each name of a folder once, with its kind, and nothing from below',
    run: async ({ disk, folder, at, put }) => {
      assert.deepEqual(await disk.list(folder), [])
      for (let one = 0; one < 50; one += 1) await put(`f${one}`, pattern(one))
      await disk.makeFolder(at('folder/deep'))
      await put('folder/inside', pattern(1))
      const found = new Map((await disk.list(folder)).map(({ name, kind }) => [name, kind]))
      assert.equal(found.size, 51)
      for (let one = 0; one < 50; one += 1) assert.equal(found.get(`f${one}`), 'file')
      assert.equal(found.get('folder'), 'folder')
      await assertRefused(disk.list(at('absent')), 'DISK_NOT_FOUND')
      await assertRefused(disk.list(at('f1')), 'DISK_NOT_FOUND')
    },
  },
  {
    title: 'in what is not there nothing can be made, synced or measured',
    run: async ({ disk, at, put }) => {
      await put('file', pattern(1))
      for (const path of [at('absent/x'), at('file/x')]) {
        await assertRefused(disk.open(path, 'create'), 'DISK_NOT_FOUND')
        await assertRefused(disk.open(path, 'create-new'), 'DISK_NOT_FOUND')
        await assertRefused(disk.syncFolder(path), 'DISK_NOT_FOUND')
        await assertRefused(disk.freeSpace(path), 'DISK_NOT_FOUND')
        await assertRefused(disk.lock(path), 'DISK_NOT_FOUND')
      }
      await assertRefused(disk.syncFolder(at('file')), 'DISK_NOT_FOUND')
    },
  },
  {
    title: 'folders can be synced, empty or not, again and again',
    run: async ({ disk, folder, put }) => {
      await disk.syncFolder(folder)
      await put('file', pattern(1))
      await disk.syncFolder(folder)
      await disk.syncFolder(folder)
    },
  },
  {
    title: 'free space is a number of bytes below that of the volume',
    run: async ({ disk, folder }) => {
      const { freeBytes, totalBytes, freeInodes } = await disk.freeSpace(folder)
      assert.ok(Number.isSafeInteger(freeBytes) && Number.isSafeInteger(totalBytes))
      assert.ok(freeBytes >= 0 && freeBytes <= totalBytes && totalBytes > 0)
      assert.ok(freeInodes === Infinity || (Number.isSafeInteger(freeInodes) && freeInodes >= 0))
    },
  },
]
