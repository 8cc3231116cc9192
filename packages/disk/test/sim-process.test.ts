import { simDisk } from '@ipfs-kit/disk'
import type { SimDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import { bytesAt, filled, freshDisk, syncedFile } from './ground.ts'

const closed = { code: 'DISK_CLOSED' }

async function expectDead(disk: SimDisk): Promise<void> {
  expect(disk.dead).toBe(true)
  await expect(disk.open('/f/x', 'create')).rejects.toMatchObject(closed)
  await expect(disk.stat('/f')).rejects.toMatchObject(closed)
  await expect(disk.syncFolder('/f')).rejects.toMatchObject(closed)
  await expect(disk.lock('/f/lock')).rejects.toMatchObject(closed)
}

describe('the death of the process', () => {
  test('keeps what was written, and frees locks and files without a name', async () => {
    const disk = await freshDisk(1)
    const file = await disk.open('/f/x', 'create')
    await file.write([filled(5000, 1)], 0)
    const gone = await disk.open('/f/gone', 'create')
    await gone.write([filled(50_000, 2)], 0)
    await disk.unlink('/f/gone')
    await disk.lock('/f/lock')
    expect(disk.stats()).toMatchObject({ openFiles: 2, locks: 1, usedBytes: 8192 + 53_248 })
    const next = disk.kill()
    expect(next.stats()).toMatchObject({ openFiles: 0, locks: 0, files: 2, usedBytes: 8192 })
    expect(await bytesAt(next, '/f/x')).toEqual(filled(5000, 1))
    await (await next.lock('/f/lock')).close()
  })

  test('is no power loss: what was not synced can be synced by the next one', async () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const disk = await freshDisk(seed)
      await (await disk.open('/f/x', 'create')).write([filled(5000, 1)], 0)
      const next = disk.kill()
      await (await next.open('/f/x', 'write')).sync()
      await next.syncFolder('/f')
      expect(await bytesAt(next.crash(), '/f/x')).toEqual(filled(5000, 1))
    }
  })

  for (const how of ['crash', 'kill'] as const) {
    test(`by ${how} makes every call reject, and close not`, async () => {
      const disk = await freshDisk(1)
      const file = await disk.open('/f/x', 'create')
      const lock = await disk.lock('/f/lock')
      const next = disk[how]()
      await expectDead(disk)
      await expect(file.write([filled(1, 1)], 0)).rejects.toMatchObject(closed)
      await expect(file.read(filled(1, 1), 0)).rejects.toMatchObject(closed)
      await expect(file.sync()).rejects.toMatchObject(closed)
      expect(() => file.readNow(filled(1, 1), 0)).toThrow(expect.objectContaining(closed))
      expect(() => file.writeNow([filled(1, 1)], 0)).toThrow(expect.objectContaining(closed))
      await file.close()
      await lock.close()
      expect(disk.crash()).toBe(next)
      expect(disk.kill()).toBe(next)
      expect(next.dead).toBe(false)
      const taken = await next.lock('/f/lock')
      await lock.close()
      await expect(next.lock('/f/lock')).rejects.toMatchObject({ code: 'DISK_LOCKED' })
      await taken.close()
    })

    test(`by ${how} in the middle of a call rejects that`, async () => {
      const disk = await freshDisk(1)
      const file = await syncedFile(disk, '/f/x', filled(10, 1))
      const calls = [
        file.write([filled(10, 2)], 0),
        file.read(filled(1, 1), 0),
        file.sync(),
        disk.rename('/f/x', '/f/y'),
        disk.list('/f'),
      ]
      disk[how]()
      for (const call of calls) await expect(call).rejects.toMatchObject(closed)
    })
  }
})

describe('a crash at the nth operation', () => {
  test('ends the process in the middle of that operation, before or after its effect', async () => {
    const values = new Set<number>()
    for (let seed = 0; seed < 100; seed += 1) {
      const disk = await freshDisk(seed, { tearing: 0 })
      const file = await syncedFile(disk, '/f/x', filled(10, 1))
      disk.crashAt('sync', 2)
      await file.sync()
      await file.write([filled(10, 2)], 0)
      await expect(file.sync()).rejects.toMatchObject(closed)
      await expectDead(disk)
      values.add((await bytesAt(disk.crash(), '/f/x'))![0]!)
    }
    expect(values).toEqual(new Set([1, 2]))
  })

  test('can be any operation', async () => {
    const disk = await freshDisk(1)
    disk.crashAt('any', 3)
    await disk.stat('/f')
    await disk.list('/f')
    await expect(disk.open('/f/x', 'create')).rejects.toMatchObject(closed)
    expect(disk.crash().dead).toBe(false)
  })
})

describe('a copy', () => {
  test('has the same files and unsynced changes, and goes its own way', async () => {
    const ends = new Set<string>()
    const disk = await freshDisk(1)
    const file = await syncedFile(disk, '/f/x', filled(2000, 1))
    await file.write([filled(2000, 2)], 0)
    await disk.open('/f/new', 'create')
    for (let seed = 0; seed < 100; seed += 1) {
      const copy = disk.copy(seed)
      expect(copy.stats()).toMatchObject({ files: 2, usedBytes: 4096, openFiles: 0 })
      expect(await bytesAt(copy, '/f/x')).toEqual(filled(2000, 2))
      const after = copy.crash()
      ends.add(`${(await bytesAt(after, '/f/x'))!.toString()} ${(await after.list('/f')).length}`)
    }
    expect(ends.size).toBeGreaterThan(10)
    const other = disk.copy(7)
    await (await other.open('/f/x', 'write')).write([filled(10, 9)], 0)
    await other.unlink('/f/new')
    expect(await bytesAt(disk, '/f/x')).toEqual(filled(2000, 2))
    await file.write([filled(10, 8)], 0)
    expect((await bytesAt(other, '/f/x'))![0]).toBe(9)
    expect((await disk.list('/f')).length).toBe(2)
    expect(disk.dead).toBe(false)
  })
})

test('options and faults that cannot be are refused', () => {
  expect(() => simDisk({ seed: 0.5 })).toThrow(RangeError)
  expect(() => simDisk({ seed: NaN })).toThrow(RangeError)
  expect(() => simDisk({ seed: 1, fault: {} } as unknown as { seed: number })).toThrow(
    /There is no option fault/,
  )
  expect(() => simDisk({ seed: 1, faults: { readErrors: 1.1 } })).toThrow(RangeError)
  expect(() => simDisk({ seed: 1, faults: { capacityBytes: -1 } })).toThrow(RangeError)
  expect(() => simDisk({ seed: 1, faults: { tears: 1 } as object })).toThrow(/There is no fault tears/)
  const disk = simDisk({ seed: 1 })
  expect(() => disk.setFaults({ tearing: NaN })).toThrow(RangeError)
  expect(() => disk.failAt('any', 0)).toThrow(RangeError)
  expect(() => disk.crashAt('flush' as 'sync', 1)).toThrow(TypeError)
  expect(() => disk.copy(NaN)).toThrow(RangeError)
})
