import { now, sim, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { describe, expect, test } from 'vitest'
import { bytesAt, filled, freshDisk, syncedFile } from './ground.ts'

const io = { code: 'DISK_IO', systemCode: 'EIO' }
const full = { code: 'DISK_FULL', systemCode: 'ENOSPC' }
const seeds = Array.from({ length: 100 }, (_, seed) => seed)

describe('a sync that fails', () => {
  test('leaves bytes that are read, and lost in a crash in spite of a later sync', async () => {
    const kept = { some: 0, all: 0, none: 0 }
    for (const seed of seeds) {
      const disk = await freshDisk(seed, { tearing: 0 })
      const file = await syncedFile(disk, '/f/x', filled(8192, 1))
      await file.write([filled(8192, 2)], 0)
      disk.failAt('sync', 1)
      await expect(file.sync()).rejects.toMatchObject(io)
      expect(await bytesAt(disk, '/f/x')).toEqual(filled(8192, 2))
      await file.write([filled(512, 3)], 8192)
      await file.sync()
      const after = (await bytesAt(disk.crash(), '/f/x'))!
      // What the later sync was about is there.
      expect(after.subarray(8192)).toEqual(filled(512, 3))
      const twos = after.subarray(0, 8192).filter((byte) => byte === 2).byteLength
      kept[twos === 0 ? 'none' : twos === 8192 ? 'all' : 'some'] += 1
    }
    expect(Math.min(...Object.values(kept))).toBeGreaterThan(3)
  })

  test('of a folder leaves names that are seen, and lost in a crash in spite of a later sync', async () => {
    const found = { both: 0, some: 0, none: 0 }
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      for (const name of ['x', 'y']) await disk.open(`/f/${name}`, 'create')
      disk.failAt('syncFolder', 1)
      await expect(disk.syncFolder('/f')).rejects.toMatchObject(io)
      await disk.open('/f/z', 'create')
      await disk.syncFolder('/f')
      expect((await disk.list('/f')).length).toBe(3)
      const names = (await disk.crash().list('/f')).map(({ name }) => name)
      // What the later sync was about is there.
      expect(names).toContain('z')
      found[names.length === 3 ? 'both' : names.length === 2 ? 'some' : 'none'] += 1
    }
    expect(Math.min(...Object.values(found))).toBeGreaterThan(3)
  })

  test('of a folder says nothing of a name that is made anew, and comes with what builds on it', async () => {
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      await syncedFile(disk, '/f/x', filled(10, 1))
      await disk.rename('/f/x', '/f/y')
      disk.failAt('syncFolder', 1)
      await expect(disk.syncFolder('/f')).rejects.toMatchObject(io)
      if (seed % 2 === 0) await disk.rename('/f/y', '/f/z')
      else await disk.open('/f/x', 'create-new')
      await disk.syncFolder('/f')
      expect(await bytesAt(disk.crash(), seed % 2 === 0 ? '/f/z' : '/f/y')).toEqual(filled(10, 1))
    }
  })
})

describe('a full disk', () => {
  test('takes what fits, in pages of 4 KiB, and then no more', async () => {
    const disk = await freshDisk(1, { capacityBytes: 4 * 4096 + 100 })
    expect(await disk.freeSpace('/f')).toEqual({
      freeBytes: 16_384,
      totalBytes: 16_384,
      freeInodes: 1_000_000,
    })
    const file = await disk.open('/f/x', 'create')
    await file.write([filled(4096, 1), filled(1, 1)], 0)
    expect((await disk.freeSpace('/f')).freeBytes).toBe(8192)
    await expect(file.write([filled(100, 2), filled(20_000, 2)], 4097)).rejects.toMatchObject(full)
    const bytes = (await bytesAt(disk, '/f/x'))!
    expect(bytes.byteLength).toBe(16_384)
    expect(bytes.subarray(4097).every((byte) => byte === 2)).toBe(true)
    expect((await disk.freeSpace('/f')).freeBytes).toBe(0)
    // What has its room already can be written.
    await file.write([filled(16_384, 3)], 0)
    await expect(file.write([filled(1, 1)], 16_384)).rejects.toMatchObject(full)
    await file.truncate(4096)
    expect((await disk.freeSpace('/f')).freeBytes).toBe(3 * 4096)
    await expect(file.preallocate(16_385)).rejects.toMatchObject(full)
    await file.preallocate(16_384)
    await disk.unlink('/f/x')
    expect((await disk.freeSpace('/f')).freeBytes).toBe(0)
    await file.close()
    expect((await disk.freeSpace('/f')).freeBytes).toBe(16_384)
  })

  test('has room for writes below what was preallocated', async () => {
    const disk = await freshDisk(1, { capacityBytes: 64 * 1024 })
    const file = await disk.open('/f/x', 'create')
    await file.preallocate(32 * 1024)
    const other = await disk.open('/f/y', 'create')
    await expect(other.write([filled(64 * 1024, 1)], 0)).rejects.toMatchObject(full)
    await file.write([filled(32 * 1024, 2)], 0)
    expect(disk.stats().usedBytes).toBe(64 * 1024)
  })

  test('gets larger and smaller while it runs', async () => {
    const disk = await freshDisk(1, { capacityBytes: 8192 })
    const file = await disk.open('/f/x', 'create')
    await file.write([filled(8192, 1)], 0)
    disk.setFaults({ capacityBytes: 4096 })
    expect((await disk.freeSpace('/f')).freeBytes).toBe(0)
    await expect(file.write([filled(1, 1)], 8192)).rejects.toMatchObject(full)
    disk.setFaults({ capacityBytes: 16_384 })
    await file.write([filled(8192, 1)], 8192)
  })

  test('has no room for more files than it is told', async () => {
    const disk = await freshDisk(1, { maxFiles: 2 })
    await disk.open('/f/a', 'create')
    await disk.lock('/f/b')
    await expect(disk.open('/f/c', 'create')).rejects.toMatchObject(full)
    await expect(disk.lock('/f/c')).rejects.toMatchObject(full)
    expect((await disk.freeSpace('/f')).freeInodes).toBe(0)
    await disk.unlink('/f/b')
    await disk.open('/f/c', 'create')
  })
})

describe('errors', () => {
  test('come as often as they are told, by kind', async () => {
    const disk = await freshDisk(3, { readErrors: 0.5, writeErrors: 0.25, syncErrors: 0.1, slowReads: 0 })
    const file = await disk.open('/f/x', 'create')
    const share = async (call: () => Promise<unknown>): Promise<number> => {
      let failed = 0
      for (let round = 0; round < 1000; round += 1) {
        try {
          await call()
        } catch (error) {
          expect(error).toMatchObject(io)
          failed += 1
        }
      }
      return failed / 1000
    }
    expect(await share(() => file.read(filled(1, 0), 0))).toBeCloseTo(0.5, 1)
    expect(await share(async () => file.readNow(filled(1, 0), 0))).toBeCloseTo(0.5, 1)
    expect(await share(() => file.write([filled(1, 0)], 0))).toBeCloseTo(0.25, 1)
    expect(await share(() => file.sync())).toBeCloseTo(0.1, 1)
    expect(await share(() => disk.stat('/f'))).toBe(0)
    disk.setFaults({ readErrors: 0 })
    expect(await share(() => file.read(filled(1, 0), 0))).toBe(0)
  })

  test('come at a counted operation, once, with the code that was asked for', async () => {
    const disk = await freshDisk(1)
    disk.failAt('open', 2, 'EMFILE')
    disk.failAt('any', 4)
    const file = await disk.open('/f/x', 'create')
    await expect(disk.open('/f/y', 'create')).rejects.toMatchObject({
      code: 'DISK_FAILED',
      systemCode: 'EMFILE',
    })
    await disk.open('/f/y', 'create')
    await expect(file.write([filled(10, 1)], 0)).rejects.toMatchObject(io)
    await file.write([filled(10, 1)], 0)
    expect((await disk.list('/f')).length).toBe(2)
  })

  test('of writes come after any part of them', async () => {
    const sizes = new Set<number>()
    for (const seed of seeds) {
      const disk = await freshDisk(seed)
      const file = await disk.open('/f/x', 'create')
      disk.failAt('write', 1)
      await expect(file.write([filled(2, 1), filled(2, 1)], 0)).rejects.toMatchObject(io)
      sizes.add(await file.size())
    }
    expect(sizes).toEqual(new Set([0, 1, 2, 3, 4]))
  })
})

test('writeErrors make truncate fail as well, before or after it has cut', async () => {
  const sizes = new Set<number>()
  let failures = 0
  for (const seed of seeds) {
    const disk = await freshDisk(seed)
    const file = await syncedFile(disk, '/f/x', filled(100, 1))
    disk.setFaults({ writeErrors: 0.5 })
    try {
      await file.truncate(10)
    } catch (error) {
      expect(error).toMatchObject(io)
      failures += 1
      sizes.add(await file.size())
    }
  }
  expect(failures).toBeGreaterThan(20)
  expect(sizes).toEqual(new Set([10, 100]))
})

test('short writes come in several steps, between which others read a part', async () => {
  await withBackend(
    async () => {
      const sizes = new Set<number>()
      for (let seed = 1; seed <= 10; seed += 1) {
        const disk = await freshDisk(seed, { shortWrites: 1, latencyMs: 10 })
        const file = await disk.open('/f/x', 'create')
        await taskGroup((group) => {
          let writing = true
          group.spawn(async () => {
            await file.write([filled(50, 1), filled(50, 1)], 0)
            writing = false
          })
          group.spawn(async () => {
            while (writing) sizes.add(await file.size())
          })
        })
        expect(await bytesAt(disk, '/f/x')).toEqual(filled(100, 1))
        expect(disk.stats().operations.write).toBeGreaterThan(1)
      }
      expect(sizes.size).toBeGreaterThan(10)
    },
    { backend: sim(1) },
  )
})

test('latency takes time on the clock of the simulator', async () => {
  await withBackend(
    async () => {
      const disk = await freshDisk(1, { latencyMs: 100 })
      const began = now()
      for (let round = 0; round < 100; round += 1) await disk.stat('/f')
      expect(now() - began).toBeGreaterThan(2500)
      expect(now() - began).toBeLessThan(7500)
    },
    { backend: sim(1) },
  )
})

test('readNow answers as often as it is told', async () => {
  for (const [slowReads, least, most] of [
    [0, 1000, 1000],
    [0.5, 400, 600],
    [1, 0, 0],
  ] as const) {
    const disk = await freshDisk(1, { slowReads })
    const file = await disk.open('/f/x', 'create')
    let answered = 0
    for (let round = 0; round < 1000; round += 1) {
      if (file.readNow(filled(1, 0), 0) !== undefined) answered += 1
    }
    expect(answered).toBeGreaterThanOrEqual(least)
    expect(answered).toBeLessThanOrEqual(most)
  }
})

test('writeNow writes as often as it is told, and fails as writes do, after a part', async () => {
  for (const [slowWrites, least, most] of [
    [0, 1000, 1000],
    [0.5, 400, 600],
    [1, 0, 0],
  ] as const) {
    const disk = await freshDisk(1, { slowWrites })
    const file = await disk.open('/f/x', 'create')
    let written = 0
    for (let round = 0; round < 1000; round += 1) if (file.writeNow([filled(1, 0)], 0)) written += 1
    expect(written).toBeGreaterThanOrEqual(least)
    expect(written).toBeLessThanOrEqual(most)
  }
  const parts = new Set<string>()
  for (const seed of seeds) {
    const disk = await freshDisk(seed, { slowWrites: 0, capacityBytes: 3 * 4096 })
    const file = await disk.open('/f/x', 'create')
    expect(() => file.writeNow([filled(20_000, 1)], 0)).toThrow(expect.objectContaining(full))
    expect(await file.size()).toBe(3 * 4096)
    disk.failAt('write', 1)
    expect(() => file.writeNow([filled(100, 2)], 0)).toThrow(expect.objectContaining(io))
    const twos = (await bytesAt(disk, '/f/x'))!.filter((byte) => byte === 2).byteLength
    parts.add(twos === 0 ? 'none' : twos === 100 ? 'all' : 'some')
    disk.crashAt('write', 1)
    expect(() => file.writeNow([filled(100, 3)], 0)).toThrow(expect.objectContaining({ code: 'DISK_CLOSED' }))
    expect(disk.dead).toBe(true)
  }
  expect(parts).toContain('some')
})

test('syncNow syncs as often as it is told, and fails as syncs do', async () => {
  for (const [slowSyncs, least, most] of [
    [0, 1000, 1000],
    [0.5, 400, 600],
    [1, 0, 0],
  ] as const) {
    const disk = await freshDisk(1, { slowSyncs })
    const file = await syncedFile(disk, '/f/x', filled(1, 0))
    let synced = 0
    for (let round = 0; round < 1000; round += 1) if (file.syncNow()) synced += 1
    expect(synced).toBeGreaterThanOrEqual(least)
    expect(synced).toBeLessThanOrEqual(most)
  }
  const found = new Set<string>()
  for (const seed of seeds) {
    const disk = await freshDisk(seed, { slowSyncs: 0.5 })
    const file = await syncedFile(disk, '/f/x', filled(2000, 1))
    await file.write([filled(2000, 2)], 0)
    const synced = file.syncNow()
    const after = await bytesAt(disk.crash(), '/f/x')
    const isNew = after!.every((byte) => byte === 2)
    if (synced) expect(isNew).toBe(true)
    found.add(`${synced} ${isNew}`)
  }
  expect(found).toContain('false false')
  const disk = await freshDisk(1, { slowSyncs: 0 })
  const file = await syncedFile(disk, '/f/x', filled(1, 0))
  disk.failAt('sync', 1)
  expect(() => file.syncNow()).toThrow(expect.objectContaining(io))
  disk.crashAt('sync', 1)
  expect(() => file.syncNow()).toThrow(expect.objectContaining({ code: 'DISK_CLOSED' }))
})

test('list has another order for another seed', async () => {
  const orders = new Set<string>()
  for (const seed of seeds) {
    const disk = await freshDisk(seed)
    for (const name of ['a', 'b', 'c']) await disk.open(`/f/${name}`, 'create')
    orders.add((await disk.list('/f')).map(({ name }) => name).join(''))
  }
  expect(orders.size).toBe(6)
})

test('operations and bytes are counted', async () => {
  const disk = await freshDisk(1, { slowReads: 0, slowWrites: 0 })
  const file = await syncedFile(disk, '/f/x', filled(5000, 1))
  await file.read(filled(100, 0), 4950)
  file.readNow(filled(10, 0), 0)
  file.writeNow([filled(7, 1)], 0)
  const { operations, ...rest } = disk.stats()
  expect(operations).toMatchObject({
    makeFolder: 1,
    open: 1,
    // Making the folder syncs its own name, and that of the one above.
    syncFolder: 3,
    write: 2,
    sync: 1,
    read: 2,
    list: 0,
  })
  expect(rest).toMatchObject({
    readBytes: 60,
    writtenBytes: 5007,
    usedBytes: 8192,
    files: 1,
    openFiles: 1,
    locks: 0,
  })
  expect(Object.isFrozen(disk.stats())).toBe(true)
})
