import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simDisk } from '@ipfs-kit/disk'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openBlocks } from '../src/open-blocks.ts'
import { type Block, blockOf, numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

const gibibyte = 2 ** 30

describe('a value', () => {
  test('of no bytes is stored as any other', async () => {
    const disk = simDisk({ seed: 1 })
    const empty = blockOf(new Uint8Array(0))
    const store = await openOn(disk)
    using lease = store.lease()
    expect(await lease.put(empty.cid, empty.bytes)).toBe('new')
    expect(await lease.put(empty.cid, empty.bytes)).toBe('found')
    await store.unverified.put('nothing', new Uint8Array(0))
    await store.close()
    await using again = await openOn(disk)
    expect(await again.get(empty.cid)).toEqual(Buffer.alloc(0))
    expect(await again.size(empty.cid)).toBe(0)
    expect(await again.getRange(empty.cid)).toEqual(Buffer.alloc(0))
    expect(await again.unverified.get('nothing')).toEqual(Buffer.alloc(0))
    expect(await again.unverified.has('nothing')).toBe(true)
  })

  test('beyond maxValueBytes is refused before anything is written', async () => {
    await using store = await openOn(simDisk({ seed: 1 }), { maxValueBytes: 1000 })
    const { cid, bytes } = numbered(1, 1001)
    await expect(store.put(cid, bytes)).rejects.toMatchObject({ code: 'BLOCKS_TOO_LARGE' })
    await expect(store.unverified.put('key', bytes)).rejects.toMatchObject({ code: 'BLOCKS_TOO_LARGE' })
    expect(store.stats().packBytes).toBe(0)
  })

  test('that can never fit the quota is refused with the numbers, and evicts nothing', async () => {
    await using store = await openOn(simDisk({ seed: 1 }))
    const small = numbered(1, 100)
    await store.put(small.cid, small.bytes)
    const { cid, bytes } = numbered(2, 1_048_576)
    await expect(store.put(cid, bytes)).rejects.toMatchObject({
      code: 'BLOCKS_FULL',
      message: expect.stringMatching(/1\d{6} bytes do not fit: .*1048576/),
    })
    expect(await store.has(small.cid)).toBe(true)
  })
})

describe('a key', () => {
  test('of 10,000 characters is as good as a short one', async () => {
    const disk = simDisk({ seed: 1 })
    const keys = [1, 2, 3].map((at) => 'k'.repeat(9999) + at)
    const store = await openOn(disk)
    for (const key of keys) await store.unverified.put(key, Buffer.from(key.slice(-1)))
    await store.close()
    await using again = await openOn(disk)
    for (const key of keys) expect(await again.unverified.get(key)).toEqual(Buffer.from(key.slice(-1)))
    const listed: string[] = []
    for await (const { key } of again.unverified.list()) listed.push(key)
    expect(listed.sort()).toEqual(keys)
    expect(await again.unverified.delete(keys[0]!)).toBe(true)
    expect(await again.unverified.get(keys[0]!)).toBeUndefined()
  })

  test('of more than 16,384 bytes, or of none, is refused', async () => {
    await using store = await openOn(simDisk({ seed: 1 }))
    await store.unverified.put('ü'.repeat(8192), Buffer.of(1))
    const tooLong = 'ü'.repeat(8193)
    await expect(store.unverified.put(tooLong, Buffer.of(1))).rejects.toMatchObject({
      code: 'BLOCKS_TOO_LARGE',
    })
    await expect(store.unverified.get(tooLong)).rejects.toMatchObject({ code: 'BLOCKS_TOO_LARGE' })
    await expect(store.unverified.put('', Buffer.of(1))).rejects.toBeInstanceOf(TypeError)
  })
})

describe('a CID that is not that of the bytes', () => {
  const wrong: Block = { ...numbered(1, 100), bytes: numbered(2, 100).bytes }

  test('is refused, by the store and by a lease', async () => {
    await using store = await openOn(simDisk({ seed: 1 }))
    using lease = store.lease()
    for (const into of [store, lease]) {
      await expect(into.put(wrong.cid, wrong.bytes)).rejects.toMatchObject({ code: 'BLOCKS_MISMATCH' })
    }
    expect(store.stats().entries).toBe(0)
  })

  test('is never answered when the caller vouched for it, and the right bytes take its place', async () => {
    for (const size of [100, 300_000]) {
      const disk = simDisk({ seed: 1 })
      const { cid } = numbered(1, size)
      await using store = await openOn(disk)
      using lease = store.lease()
      await lease.put(cid, numbered(2, size).bytes, { verify: 'on-read' })
      expect(await store.get(cid)).toBeUndefined()
      expect(await store.getRange(cid, { offset: 5, length: 10 })).toBeUndefined()
      expect(store.stats().corruptReads).toBeGreaterThan(0)
      expect((await store.explain(cid)).state).toBe('damaged')
      const right = numbered(1, size)
      expect(await lease.put(cid, right.bytes)).toBe('new')
      expect(await store.get(cid)).toEqual(Buffer.from(right.bytes))
      expect(store.stats().entries).toBe(1)
    }
  })

  test('with a hash that cannot be computed here is refused', async () => {
    await using store = await openOn(simDisk({ seed: 1 }))
    const cid = CID.createV1(0x55, createDigest(0x1e, Buffer.alloc(32)))
    await expect(store.put(cid, Buffer.of(1))).rejects.toMatchObject({ code: 'BLOCKS_UNKNOWN_HASH' })
  })
})

describe('on the disk of the system', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'ipfs-kit-blocks-'))
  })
  afterEach(() => rm(home, { recursive: true }))

  test('a value of 1 GiB is stored, and a range of it read in bounded memory', async () => {
    const bytes = Buffer.alloc(gibibyte)
    for (let at = 0; at < gibibyte; at += 2 ** 20) bytes.writeUInt32LE(at, at)
    const digest = createHash('sha256').update(bytes).digest()
    const cid = CID.createV1(0x55, createDigest(0x12, digest))
    await using store = await openBlocks({ path: home, maxBytes: 2 * gibibyte, minFreeBytes: 0 })
    await store.put(cid, bytes, { verify: 'on-read' })
    expect(await store.size(cid)).toBe(gibibyte)
    const before = process.memoryUsage.rss()
    const offset = 512 * 2 ** 20
    const part = await store.getRange(cid, { offset, length: 100 })
    expect(part).toEqual(bytes.subarray(offset, offset + 100))
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 2 ** 20)
    expect((await store.explain(cid)).state).toBe('cache')
  })
})
