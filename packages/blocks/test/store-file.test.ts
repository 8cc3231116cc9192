import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, it } from 'vitest'
import { crc32 } from 'node:zlib'
import { createStoreFile, readStoreFile, storeIdOf } from '../src/store-file.ts'
import { seed } from './packs.ts'

const onBoth = forEachBackend(it, { seeds: 5 })

async function made() {
  const disk = simDisk({ seed: 1 })
  await disk.makeFolder('/store')
  await createStoreFile(disk, '/store', { seed })
  return disk
}

onBoth('gives the seed back, and nothing where there is no store', async () => {
  const disk = simDisk({ seed: 1 })
  await disk.makeFolder('/store')
  expect(await readStoreFile(disk, '/store')).toBeUndefined()
  await createStoreFile(disk, '/store', { seed })
  expect(await readStoreFile(disk, '/store')).toEqual({ seed })
  expect((await disk.list('/store')).map(({ name }) => name)).toEqual(['store'])
})

it('survives a power loss once it is made, and is whole or not there before', async () => {
  const outcomes = new Set<string>()
  for (let number = 1; number <= 60; number++) {
    const disk = simDisk({ seed: number })
    await disk.makeFolder('/store')
    await disk.syncFolder('/')
    disk.crashAt('any', 1 + (number % 9))
    let done = false
    try {
      await createStoreFile(disk, '/store', { seed })
      done = true
    } catch (error) {
      expect(error).toMatchObject({ code: 'DISK_CLOSED' })
    }
    const after = disk.crash()
    const found = await readStoreFile(after, '/store')
    if (done) expect(found).toEqual({ seed })
    if (found !== undefined) expect(found).toEqual({ seed })
    outcomes.add(`${done} ${found !== undefined}`)
    // What a former process left does not stand in the way.
    await createStoreFile(after, '/store', { seed })
    expect(await readStoreFile(after, '/store')).toEqual({ seed })
  }
  expect(outcomes).toContain('true true')
  expect(outcomes).toContain('false false')
})

it('is whole or not there when its making is cancelled at any step', async () => {
  await cancelAtEveryStep(async (victim) => {
    const disk = simDisk({ seed: 1 })
    await disk.makeFolder('/store')
    await victim(() => createStoreFile(disk, '/store', { seed }))
    const found = await readStoreFile(disk, '/store')
    if (found !== undefined) expect(found).toEqual({ seed })
    expect(disk.stats().openFiles).toBe(0)
  })
})

async function changed(change: (bytes: Buffer) => Buffer | undefined) {
  const disk = await made()
  const file = await disk.open('/store/store', 'write')
  const bytes = Buffer.alloc(32)
  await file.read(bytes, 0)
  const other = change(bytes) ?? bytes
  await file.truncate(0)
  await file.write([other], 0)
  await file.close()
  return readStoreFile(disk, '/store')
}

it('is corrupt with any bit flipped or cut at any byte', async () => {
  for (let bit = 0; bit < 256; bit++) {
    const flipped = changed((bytes) => {
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      return undefined
    })
    await expect(flipped, `bit ${bit}`).rejects.toMatchObject({ code: 'BLOCKS_CORRUPT_STORE' })
  }
  for (let length = 0; length < 32; length++) {
    const cut = changed((bytes) => bytes.subarray(0, length))
    await expect(cut).rejects.toMatchObject({ code: 'BLOCKS_CORRUPT_STORE' })
  }
})

it('refuses a newer version by file and number, and a version that never was', async () => {
  const withVersion = (version: number) =>
    changed((bytes) => {
      bytes.writeUInt16LE(version, 8)
      bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28)
      return Buffer.concat([bytes, Buffer.from('more of a later version')])
    })
  await expect(withVersion(2)).rejects.toMatchObject({
    code: 'BLOCKS_FORMAT_TOO_NEW',
    message: '/store/store has version 2; this is version 1',
  })
  await expect(withVersion(0)).rejects.toMatchObject({ code: 'BLOCKS_CORRUPT_STORE' })
})

it('refuses a seed of another size', async () => {
  const disk = simDisk({ seed: 1 })
  await expect(createStoreFile(disk, '/', { seed: Buffer.alloc(15) })).rejects.toThrow(RangeError)
})

it('names a store by its seed without telling it', () => {
  const id = storeIdOf(seed)
  expect(id).toHaveLength(8)
  expect(storeIdOf(seed)).toEqual(id)
  expect(storeIdOf(Buffer.alloc(16))).not.toEqual(id)
  expect(Buffer.from(id)).not.toEqual(seed.subarray(0, 8))
})
