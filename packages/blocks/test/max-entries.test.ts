import { simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { type Block, numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

const maxEntries = 50

function open(): Promise<Blocks> {
  return openOn(simDisk({ seed: 1 }), { maxEntries })
}

function blocksFrom(first: number, count: number, size = 3000): readonly Block[] {
  return Array.from({ length: count }, (_, at) => numbered(first + at, size))
}

async function fillCache(store: Blocks): Promise<readonly Block[]> {
  const blocks = blocksFrom(0, maxEntries)
  for (const { cid, bytes } of blocks) await store.put(cid, bytes)
  expect(store.stats().cacheEntries).toBe(maxEntries)
  return blocks
}

describe('a store with as many entries as it may have', () => {
  test('drops cached ones for new ones', async () => {
    await using store = await open()
    await fillCache(store)
    using lease = store.lease()
    for (const { cid, bytes } of blocksFrom(100, 20)) await lease.put(cid, bytes)
    for (const { cid, bytes } of blocksFrom(200, 200)) await store.put(cid, bytes)
    for (const { cid, bytes } of blocksFrom(100, 20)) expect(await store.get(cid)).toEqual(Buffer.from(bytes))
    const { entries, keptEntries, evictedPacks } = store.stats()
    expect(entries).toBeLessThanOrEqual(maxEntries)
    expect(keptEntries).toBe(20)
    expect(evictedPacks).toBeGreaterThan(0)
  })

  test('takes new records, and other values for those it has', async () => {
    await using store = await open()
    await fillCache(store)
    await store.unverified.put('new', Buffer.of(1))
    await store.unverified.put('new', Buffer.of(2))
    expect(await store.unverified.get('new')).toEqual(Buffer.of(2))
    expect(store.stats().entries).toBeLessThanOrEqual(maxEntries)
  })

  test('moves what it has without another entry', async () => {
    await using store = await open()
    const blocks = await fillCache(store)
    using lease = store.lease()
    for (const { cid, bytes } of blocks.slice(0, 25)) expect(await lease.put(cid, bytes)).toBe('found')
    for (const { cid } of blocks.slice(25)) expect(await lease.hold(cid)).toBe(true)
    expect(store.stats()).toMatchObject({ entries: maxEntries, keptEntries: maxEntries, evictedPacks: 0 })
    for (const { cid, bytes } of blocks) expect(await store.get(cid)).toEqual(Buffer.from(bytes))
  })

  test('names them when it refuses, and takes another one after a deletion', async () => {
    await using store = await open()
    using lease = store.lease()
    const blocks = blocksFrom(0, maxEntries)
    for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
    const more = numbered(100, 3000)
    for (const into of [lease, store]) {
      await expect(into.put(more.cid, more.bytes)).rejects.toMatchObject({
        code: 'BLOCKS_FULL',
        kind: 'full',
        message: expect.stringContaining('50 of at most 50 entries'),
      })
    }
    await expect(store.unverified.put('a record', more.bytes)).rejects.toMatchObject({ code: 'BLOCKS_FULL' })
    // What is there is found.
    expect(await lease.put(blocks[7]!.cid, blocks[7]!.bytes)).toBe('found')
    lease.close()
    expect(await store.delete(blocks[7]!.cid)).toBe(true)
    await store.put(more.cid, more.bytes)
    expect(store.stats().entries).toBe(maxEntries)
  })
})

describe('many who put at once', () => {
  test('of leases: exactly as many as there may be are taken', async () => {
    await using store = await open()
    using lease = store.lease()
    let highest = 0
    const outcomes = await Promise.allSettled(
      blocksFrom(0, 200, 300).map(async ({ cid, bytes }) => {
        await lease.put(cid, bytes)
        highest = Math.max(highest, store.stats().entries)
      }),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(maxEntries)
    for (const one of outcomes)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'BLOCKS_FULL' })
    expect(highest).toBe(maxEntries)
    expect(store.stats().keptEntries).toBe(maxEntries)
  })

  test('of nobody: all are taken, and there are never more than there may be', async () => {
    await using store = await open()
    let highest = 0
    await Promise.all(
      blocksFrom(0, 400, 300).map(async ({ cid, bytes }) => {
        await store.put(cid, bytes)
        highest = Math.max(highest, store.stats().entries)
      }),
    )
    expect(highest).toBeLessThanOrEqual(maxEntries)
    expect(store.stats().blocksWritten).toBe(400)
  })
})
