import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { compareKeys } from '@ipfs-kit/storage'
import { type FileBackend, openFileBackend } from '@ipfs-kit/storage-file'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encodedPath, isPath, keyOfLetters } from '../src/key-names.ts'
import { keysOf, openOnSim, pattern, read } from './ground.ts'

const strange = [
  ...['..', '.', '../up', 'a/../b', './a', 'a//b', '/a', '//', 'a/', '/etc/passwd', '.ipfs-kit/lock'],
  ...['.IPFS-KIT/x', 'con', 'a.', ' ', 'a\\b', 'C:\\x', 'a\nb', 'é', 'e\u0301', '😀', '\uffff', '-rf', '%2e'],
  ...['x'.repeat(255), 'x'.repeat(256), 'é'.repeat(128), 'y'.repeat(1024), '/'.repeat(1024)],
  ...[`${'p/'.repeat(511)}ab`, '😀'.repeat(256), 'a', 'a/b', 'a/b/c', 'a-', 'a0', 'A'],
]

describe('in a real folder', () => {
  let above: string
  let path: string
  let backend: FileBackend
  beforeEach(async () => {
    above = await mkdtemp(join(tmpdir(), 'storage-file-'))
    path = join(above, 'root')
    backend = await openFileBackend({ path, durability: 'written' })
  })
  afterEach(async () => {
    await backend.close()
    await rm(above, { recursive: true })
  })

  test('a key that is a path is the file at that path', async () => {
    await backend.put('docs/2024/a b.txt', pattern(10))
    expect(await readFile(join(path, 'docs/2024/a b.txt'))).toEqual(pattern(10))
    await mkdir(join(path, 'docs/new'))
    await writeFile(join(path, 'docs/new/x'), 'from outside')
    expect((await read(backend, 'docs/new/x'))?.toString()).toBe('from outside')
    await backend.delete('docs/2024/a b.txt')
    expect(await readdir(join(path, 'docs/2024'))).toEqual([])
  })

  test('every key has its value, is listed once and leaves the folder nowhere', async () => {
    for (const [at, key] of strange.entries()) await backend.put(key, pattern(100, at))
    expect(await readdir(above)).toEqual(['root'])
    for (const [at, key] of strange.entries()) expect(await read(backend, key), key).toEqual(pattern(100, at))
    expect(await keysOf(backend, { limit: 7 })).toEqual(strange.toSorted(compareKeys))
    await backend.close()
    backend = await openFileBackend({ path, access: 'read' })
    for (const [at, key] of strange.entries()) expect(await read(backend, key), key).toEqual(pattern(100, at))
    await backend.close()
    backend = await openFileBackend({ path })
    for (const key of strange) await backend.delete(key)
    expect(await keysOf(backend)).toEqual([])
    expect(await readdir(join(path, '.ipfs-kit/temporary'))).toEqual([])
  })

  test('a file and a folder of one name are two keys, whichever comes first', async () => {
    for (const [first, second] of [
      ['a', 'a/b'],
      ['c/d', 'c'],
    ] as const) {
      await backend.put(first, pattern(5, 1))
      await backend.put(second, pattern(5, 2))
      await backend.put(first, pattern(5, 3))
      await backend.put(second, pattern(5, 4))
      expect([await read(backend, first), await read(backend, second)]).toEqual([
        pattern(5, 3),
        pattern(5, 4),
      ])
    }
    expect(await keysOf(backend)).toEqual(['a', 'a/b', 'c', 'c/d'])
  })

  test('what was put where a path was not free gives way to a file that comes to be there', async () => {
    await backend.put('a/b', pattern(5, 1))
    await backend.put('a', pattern(5, 2))
    await rm(join(path, 'a'), { recursive: true })
    expect(await read(backend, 'a')).toEqual(pattern(5, 2))
    await writeFile(join(path, 'a'), 'outside')
    expect((await read(backend, 'a'))?.toString()).toBe('outside')
    expect(await keysOf(backend)).toEqual(['a'])
    await backend.put('a', pattern(5, 3))
    expect(await readFile(join(path, 'a'))).toEqual(pattern(5, 3))
    await backend.delete('a')
    expect(await backend.stat('a')).toBeUndefined()
  })

  test('10,000 keys are listed in order, page by page', async () => {
    const keys: string[] = []
    for (let at = 0; at < 10_000; at += 1) keys.push(at % 3 === 0 ? `f${at % 100}/${at}` : `${at}`)
    for (const folder of new Set(keys.filter((key) => key.includes('/')).map((key) => key.split('/')[0]!)))
      await mkdir(join(path, folder))
    await Promise.all(keys.map((key) => writeFile(join(path, key), '')))
    expect(await keysOf(backend)).toEqual(keys.toSorted(compareKeys))
    expect(await keysOf(backend, { prefix: 'f9', limit: 13 })).toEqual(
      keys.filter((key) => key.startsWith('f9')).sort(compareKeys),
    )
  })
})

const key = fc.oneof(
  fc
    .array(fc.constantFrom('a', 'b', 'a-', '..', '', 'é', '.'), { minLength: 1, maxLength: 4 })
    .map((names) => names.join('/')),
  fc.constantFrom('x'.repeat(256), 'x'.repeat(300), 'x'.repeat(301), 'a/'.repeat(100)),
)

forEachBackend(test, { seeds: 10 })('does what a map of keys does', async () => {
  const { backend } = await openOnSim({ seed: 3 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(
          key.filter((one) => one !== ''),
          fc.nat(3),
        ),
        { maxLength: 20 },
      ),
      async (steps) => {
        // Folders of earlier runs are still there.
        for (const one of await keysOf(backend)) await backend.delete(one)
        const model = new Map<string, Buffer>()
        for (const [at, [one, what]] of steps.entries()) {
          if (what === 0) {
            await backend.delete(one)
            model.delete(one)
          } else {
            await backend.put(one, pattern(20, at))
            model.set(one, pattern(20, at))
          }
          expect(await read(backend, one)).toEqual(model.get(one))
        }
        expect(await keysOf(backend, { limit: 3 })).toEqual([...model.keys()].sort(compareKeys))
      },
    ),
    { numRuns: 10, seed: 7 },
  )
})

test('encoded names sort as keys do, and come back', () => {
  const keys = [...strange, 'b', 'bb', 'c'.repeat(150), 'c'.repeat(151), 'c'.repeat(300)].sort(compareKeys)
  const names = keys.map((one) => encodedPath(one).replaceAll('+/', ''))
  expect(names).toEqual(names.toSorted())
  expect(names.map((one) => keyOfLetters(one))).toEqual(keys)
  for (const other of ['0', 'zz', 'AB', 'c5i01', 'vs', 'a.b']) expect(keyOfLetters(other)).toBeUndefined()
})

test('devices and signs of Windows are no paths there', () => {
  for (const one of ['con', 'COM1.txt', 'a/nul', 'a.', 'a ', 'a:b', 'a?', 'a\\b', 'a\tb']) {
    expect(isPath(one, 'win32'), one).toBe(false)
    expect(isPath(one, 'linux'), one).toBe(true)
  }
  for (const one of ['console', 'a.b', 'a b/c', 'com10']) expect(isPath(one, 'win32'), one).toBe(true)
})
