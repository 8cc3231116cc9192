import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simDisk } from '@ipfs-kit/disk'
import { createAddresses } from '@ipfs-kit/storage'
import { storageConformance } from '@ipfs-kit/storage/conformance'
import { fileScheme, openFileBackend } from '@ipfs-kit/storage-file'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { coded, openOnSim, pattern, read, rejection, root } from './ground.ts'

test('refuses options that are unknown or wrong', async () => {
  const disk = simDisk({ seed: 1 })
  for (const wrong of [
    ...[{}, { path: '' }, { path: 5 }, { path: root, name: '' }, { path: root, failureDomain: '' }],
    ...[
      { path: root, access: 'write' },
      { path: root, durability: true },
      { path: root, sync: true },
    ],
    ...[{ path: 'relative' }, undefined],
  ]) {
    expect(
      await rejection(openFileBackend({ disk, ...wrong } as never)),
      JSON.stringify(wrong),
    ).toBeInstanceOf(TypeError)
  }
})

test('copies on one machine count as one unless something else is said', async () => {
  const { backend } = await openOnSim({ seed: 1 })
  expect(backend).toMatchObject({ name: 'file', path: root, failureDomain: expect.stringMatching(/^host:./) })
  const other = await openOnSim({ seed: 1, name: 'usb', failureDomain: 'disk 2' })
  expect(other.backend).toMatchObject({ name: 'usb', failureDomain: 'disk 2' })
})

test('a slash behind the path changes nothing, and a folder in a folder is made', async () => {
  const disk = simDisk({ seed: 1 })
  const backend = await openFileBackend({ path: '/a/b///', disk })
  await backend.put('x', pattern(1))
  expect(await disk.stat('/a/b/x')).toMatchObject({ kind: 'file', size: 1 })
})

test('one has a folder open to write, and gives it back when it is closed', async () => {
  const { backend, disk } = await openOnSim()
  expect(await rejection(openFileBackend({ path: root, disk }))).toMatchObject(coded('STORAGE_LOCKED'))
  const reader = await openFileBackend({ path: root, disk, access: 'read' })
  await backend.put('x', pattern(5))
  expect(await read(reader, 'x')).toEqual(pattern(5))
  await backend.close()
  expect(disk.stats()).toMatchObject({ locks: 0, openFiles: 0 })
  await (await openFileBackend({ path: root, disk })).close()
})

test('the time of what is put is that of the clock, and no two are the same', async () => {
  const { backend } = await openOnSim({ seed: 1, now: () => 1_700_000_000_000 })
  const times = []
  for (let at = 0; at < 5; at += 1) times.push((await backend.put(`${at}`, pattern(1))).modifiedMs!)
  expect(new Set(times).size).toBe(5)
  for (const ms of times) expect(Math.abs(ms - 1_700_000_000_000)).toBeLessThan(1)
})

test('stats are frozen and of their moment', async () => {
  const { backend } = await openOnSim()
  const before = backend.stats()
  expect(Object.isFrozen(before)).toBe(true)
  await backend.put('x', pattern(600_000))
  const found = await backend.get('x')
  expect(backend.stats()).toEqual({ calls: 0, readers: 1, puts: 1, deletes: 0, leftovers: 0 })
  await found!.body[Symbol.asyncIterator]().return?.()
  await backend.delete('x')
  expect(backend.stats()).toMatchObject({ readers: 0, puts: 1, deletes: 1 })
  expect(before.puts).toBe(0)
})

test('its addresses are paths of the system', () => {
  const addresses = createAddresses([fileScheme])
  expect(addresses.parse('file:/srv/a%20b')).toEqual({ scheme: 'file', places: [], key: 'srv/a b' })
  expect(addresses.format({ scheme: 'file', places: [], key: 'srv/a b' })).toBe('file:///srv/a%20b')
})

describe('a folder that is open to read', () => {
  const bytes = pattern(5000)
  let path: string
  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), 'storage-file-'))
    await mkdir(join(path, 'a'))
    await writeFile(join(path, 'a/fixture'), bytes)
    await chmod(path, 0o500)
  })
  afterAll(async () => {
    expect(await readdir(path)).toEqual(['a'])
    await chmod(path, 0o700)
    await rm(path, { recursive: true })
  })

  storageConformance(
    {
      name: 'to read',
      open: () => openFileBackend({ path, access: 'read' }),
      fixture: { key: 'a/fixture', bytes },
    },
    { test },
  )

  test('has to be there', async () => {
    const absent = openFileBackend({ path: join(path, 'absent'), access: 'read' })
    expect(await rejection(absent)).toMatchObject(coded('STORAGE_NO_CONTAINER'))
  })
})
