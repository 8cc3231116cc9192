import { mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk, simDisk } from '@ipfs-kit/disk'
import { type FileBackend, openFileBackend } from '@ipfs-kit/storage-file'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { coded, keysOf, openOnSim, pattern, read, rejection } from './ground.ts'

describe('files that others put there', () => {
  let above: string
  let path: string
  let backend: FileBackend
  beforeEach(async () => {
    above = await mkdtemp(join(tmpdir(), 'storage-file-'))
    path = join(above, 'root')
    backend = await openFileBackend({ path })
  })
  afterEach(async () => {
    await backend.close()
    await rm(above, { recursive: true })
  })

  test('are listed and read, with a version and a time and without a digest', async () => {
    await writeFile(join(path, 'x'), 'abc')
    const told = await backend.stat('x')
    expect(told).toMatchObject({ key: 'x', size: 3, sha256: undefined, version: expect.any(String) })
    expect(told?.modifiedMs).toBeCloseTo((await stat(join(path, 'x'))).mtimeMs, 0)
    expect((await backend.list()).entries).toEqual([told])
  })

  test('have another version when they are changed, and what was put loses its digest', async () => {
    const put = await backend.put('x', pattern(1000))
    expect(put.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(await backend.stat('x')).toEqual(put)
    await writeFile(join(path, 'x'), pattern(1000, 1))
    expect(await backend.stat('x')).toMatchObject({
      sha256: undefined,
      version: expect.not.stringMatching(put.version!),
    })
    expect(await read(backend, 'x')).toEqual(pattern(1000, 1))
    expect(await rejection(backend.put('x', pattern(1), { ifVersion: put.version! }))).toMatchObject(
      coded('STORAGE_CONFLICT'),
    )
  })

  test('are told from what was put where only the bytes were changed', async () => {
    let time = 1_700_000_000_000
    await backend.close()
    backend = await openFileBackend({ path, now: () => (time += 1000) })
    for (const size of [1000, 600_000]) {
      const { version } = await backend.put('x', pattern(size))
      // A device that gives other bytes changes no time: here it is set back.
      const file = await nodeDisk().open(join(path, 'x'), 'write')
      await file.write([Buffer.from('!')], size - 5)
      await file.setModified(time)
      await file.close()
      expect((await backend.stat('x'))?.version).toBe(version)
      expect(await rejection(read(backend, 'x'))).toMatchObject(coded('STORAGE_CORRUPT'))
      // A part of it cannot be proven.
      expect((await backend.get('x', { length: 10 }))?.length).toBe(10)
    }
  })

  test('links lead nowhere: neither listed nor read, replaced nor deleted', async () => {
    await mkdir(join(above, 'outside'))
    await writeFile(join(above, 'outside/secret'), 'secret')
    await symlink(join(above, 'outside'), join(path, 'folder'))
    await symlink(join(above, 'outside/secret'), join(path, 'file'))
    await symlink('absent', join(path, 'dangling'))
    await symlink('loop', join(path, 'loop'))
    await writeFile(join(path, 'real'), 'real')
    await symlink('real', join(path, 'inside'))
    expect(await keysOf(backend)).toEqual(['real'])
    for (const key of ['folder/secret', 'file', 'dangling', 'loop', 'inside', 'loop/a']) {
      expect(await backend.get(key), key).toBeUndefined()
      expect(await backend.stat(key), key).toBeUndefined()
      await backend.put(key, pattern(9))
      expect(await read(backend, key), key).toEqual(pattern(9))
    }
    expect((await stat(join(above, 'outside/secret'))).size).toBe(6)
    expect((await stat(join(path, 'inside'))).size).toBe(4)
    for (const key of await keysOf(backend)) await backend.delete(key)
    expect((await stat(join(path, 'folder/secret'))).size).toBe(6)
    await expect(stat(join(path, 'inside'))).rejects.toThrow('ENOENT')
  })

  test('that are removed or replaced while they are read are read to their end', async () => {
    await writeFile(join(path, 'x'), pattern(600_000))
    const [one, two] = [await backend.get('x'), await backend.get('x')]
    await rename(join(path, 'x'), join(path, 'y'))
    await writeFile(join(path, 'x'), 'another')
    await rm(join(path, 'y'))
    for (const found of [one, two]) {
      const chunks: Uint8Array[] = []
      for await (const chunk of found!.body) chunks.push(chunk)
      expect(Buffer.concat(chunks)).toEqual(pattern(600_000))
    }
  })

  test('that are written to or cut while they are read end with an error', async () => {
    for (const [size, change] of [
      [600_000, () => writeFile(join(path, 'x'), pattern(600_000, 1))],
      [600_000, () => writeFile(join(path, 'x'), 'short')],
      [600_000, () => utimes(join(path, 'x'), 1, 1)],
    ] as const) {
      await writeFile(join(path, 'x'), pattern(size))
      const found = await backend.get('x', { offset: 100 })
      const reading = async (): Promise<void> => {
        for await (const chunk of found!.body) if (chunk.length > 0) await change()
      }
      expect(await rejection(reading())).toMatchObject(coded('STORAGE_CHANGED'))
      expect(backend.stats().readers).toBe(0)
    }
  })

  test('are refused where the folder of its own would be a link, or the folder is none', async () => {
    await backend.close()
    const other = join(above, 'other')
    await mkdir(other)
    await symlink(path, join(other, '.ipfs-kit'))
    await writeFile(join(above, 'plain'), '')
    for (const wrong of [other, join(above, 'plain')]) {
      expect(await rejection(openFileBackend({ path: wrong }))).toMatchObject(coded('STORAGE_NO_CONTAINER'))
    }
    backend = await openFileBackend({ path })
  })
})

test('a folder that goes away is told of', async () => {
  const { backend, disk } = await openOnSim()
  await backend.put('a', pattern(1))
  await disk.rename('/data', '/moved')
  expect(await rejection(backend.list())).toMatchObject(coded('STORAGE_NO_CONTAINER'))
  expect(await backend.get('a')).toBeUndefined()
})

test('names of which a disk takes two for one are told apart', async () => {
  const sim = simDisk({ seed: 1 })
  // Such as macOS has: a name is found by any spelling, and keeps the one it was made with.
  const spellings = new Map<string, string>()
  const spelled = (path: string): string => {
    const known = spellings.get(path.toLowerCase())
    if (known === undefined) spellings.set(path.toLowerCase(), path)
    return path.toLowerCase()
  }
  const disk = {
    ...sim,
    open: (path: string, mode: 'read') => sim.open(spelled(path), mode),
    stat: (path: string) => sim.stat(path.toLowerCase()),
    rename: (from: string, to: string) => sim.rename(from.toLowerCase(), spelled(to)),
    unlink: (path: string) => {
      spellings.delete(path.toLowerCase())
      return sim.unlink(path.toLowerCase())
    },
    makeFolder: (path: string) => sim.makeFolder(spelled(path)),
    syncFolder: (path: string) => sim.syncFolder(path.toLowerCase()),
    lock: (path: string) => sim.lock(spelled(path)),
    list: async (path: string) =>
      (await sim.list(path.toLowerCase())).map(({ name, kind }) => {
        const known = spellings.get(`${path}/${name}`.toLowerCase()) ?? name
        return { name: known.slice(known.lastIndexOf('/') + 1), kind }
      }),
  }
  const backend = await openFileBackend({ path: '/data', disk })
  const keys = ['README', 'Readme', 'docs/A', 'docs/a', 'Docs/a', 'DOCS']
  for (const [at, key] of keys.entries()) await backend.put(key, pattern(5, at))
  for (const [at, key] of keys.entries()) expect(await read(backend, key), key).toEqual(pattern(5, at))
  expect(await keysOf(backend)).toEqual(keys.toSorted())
  expect(await backend.stat('readme')).toBeUndefined()
})
