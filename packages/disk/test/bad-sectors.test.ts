import { expect, test } from 'vitest'
import { bytesAt, filled, freshDisk, syncedFile } from './ground.ts'

const io = { code: 'DISK_IO', systemCode: 'EIO' }

test('a sector that is damaged cannot be read, after a kill and a crash either, and its neighbours can', async () => {
  let disk = await freshDisk(1)
  await syncedFile(disk, '/f/x', filled(1700, 1))
  disk.damage('/f/x', 1)
  for (const end of ['kill', 'crash', 'copy', 'rename'] as const) {
    const path = end === 'rename' ? '/f/y' : '/f/x'
    if (end === 'rename') await disk.rename('/f/x', '/f/y')
    else disk = end === 'copy' ? disk.copy(2) : disk[end]()
    const file = await disk.open(path, 'read')
    const into = new Uint8Array(512)
    for (const position of [1, 512, 1023]) await expect(file.read(into, position)).rejects.toMatchObject(io)
    for (const position of [0, 1024, 1536])
      expect(await file.read(into, position)).toBe(Math.min(512, 1700 - position))
    expect(() => {
      while (file.readNow(into, 600) === undefined);
    }).toThrow(expect.objectContaining(io))
  }
})

test('a damaged sector can be read again once it is written over as a whole, and for good once that is synced', async () => {
  const disk = await freshDisk(1)
  const file = await syncedFile(disk, '/f/x', filled(2048, 1))
  for (const sector of [0, 2]) disk.damage('/f/x', sector)
  await file.write([filled(100, 2)], 0)
  await file.write([filled(600, 2)], 100)
  for (const sector of [0, 2])
    await expect(file.read(new Uint8Array(512), 512 * sector)).rejects.toMatchObject(io)
  await file.write([filled(512, 2)], 0)
  expect(await file.read(new Uint8Array(1024), 0)).toBe(1024)
  await file.sync()
  await file.write([filled(512, 2)], 1024)
  expect((await bytesAt(disk, '/f/x'))!.byteLength).toBe(2048)
  const after = await disk.crash().open('/f/x', 'read')
  expect(await after.read(new Uint8Array(1024), 0)).toBe(1024)
  await expect(after.read(new Uint8Array(1024), 1024)).rejects.toMatchObject(io)
})

test('a damaged sector whose bytes were written over and not synced, because that failed, is damaged after a power loss', async () => {
  const disk = await freshDisk(1)
  const file = await syncedFile(disk, '/f/x', filled(2048, 1))
  for (const sector of [0, 2]) disk.damage('/f/x', sector)
  await file.write([filled(2048, 2)], 0)
  disk.failAt('sync', 1)
  await expect(file.sync()).rejects.toMatchObject(io)
  expect((await bytesAt(disk, '/f/x'))!.byteLength).toBe(2048)
  // What is synced now is what was written since.
  await file.write([filled(512, 3)], 1024)
  await file.sync()
  const after = await disk.copy(2).crash().open('/f/x', 'read')
  expect(await after.read(new Uint8Array(1024), 1024)).toBe(1024)
  await expect(after.read(new Uint8Array(512), 0)).rejects.toMatchObject(io)
})

test('a damaged sector goes when the file is cut before it', async () => {
  const disk = await freshDisk(1)
  const file = await syncedFile(disk, '/f/x', filled(2048, 1))
  disk.damage('/f/x', 3)
  await file.truncate(1536)
  await file.write([filled(100, 2)], 1536)
  expect((await bytesAt(disk, '/f/x'))!.byteLength).toBe(1636)
})

test('damage names a file and a sector', async () => {
  const disk = await freshDisk(1)
  expect(() => disk.damage('/f/none', 0)).toThrow(expect.objectContaining({ code: 'DISK_NOT_FOUND' }))
  expect(() => disk.damage('/f', 0)).toThrow(expect.objectContaining({ systemCode: 'EISDIR' }))
  expect(() => disk.damage('/f', -1)).toThrow(RangeError)
})
