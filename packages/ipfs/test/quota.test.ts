import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ipfs } from '@ipfs-kit/ipfs'
import { expect, it } from 'vitest'
import { addFile, all, drain, opened, pattern, pinned, read, rejection } from './opened.ts'
import { packNames } from './packs.ts'

const mebibyte = 1_048_576
const chunkBytes = 10_000

/** Bytes of the pack files, counted without asking the node. */
async function bytesOnDisk(path: string): Promise<number> {
  let bytes = 0
  for (const name of await packNames(path)) {
    // One that is removed meanwhile counts nothing.
    bytes += await stat(join(path, 'blocks', name)).then(
      ({ size }) => size,
      () => 0,
    )
  }
  return bytes
}

async function expectWithinLimit(ipfs: Ipfs, path: string): Promise<void> {
  const { packBytes, maxBytes } = await ipfs.repo.stat()
  expect(maxBytes).toBe(mebibyte)
  expect(packBytes).toBeLessThanOrEqual(maxBytes)
  expect(await bytesOnDisk(path)).toBeLessThanOrEqual(maxBytes)
}

/** It fits soon: the store does not look again and again for what it could free. */
async function expectToFit(ipfs: Ipfs, content: Uint8Array): Promise<void> {
  let cid = ''
  const adding = async (): Promise<string> => {
    try {
      cid = (await addFile(ipfs, content, { chunkBytes })).toString()
      return 'added'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  await expect.poll(adding, { interval: 100 }).toBe('added')
  expect(await read(ipfs, cid)).toEqual(Buffer.from(content))
}

it('refuses what does not fit beside what is pinned, with numbers, and reads on', async () => {
  const { ipfs, path } = await opened({ maxBytes: mebibyte })
  const kept = await addFile(ipfs, pattern(500_000), { chunkBytes })
  const error = await rejection(addFile(ipfs, pattern(800_000, 2), { chunkBytes }))
  expect(error).toMatchObject({ code: 'IPFS_STORE_FULL', kind: 'full' })
  expect((error as Error).message).toMatch(/\d+ of at most 1048576 are taken/)
  await expectWithinLimit(ipfs, path)
  expect(await read(ipfs, kept)).toEqual(Buffer.from(pattern(500_000)))
  expect(await pinned(ipfs)).toEqual([kept.toString()])
  expect(ipfs.stats().openLeases).toBe(0)
  // What the refused add has left goes when room is needed, without a collection that somebody asks for.
  await expectToFit(ipfs, pattern(300_000, 3))
  await drain(ipfs.pins.rm(kept))
  await expectToFit(ipfs, pattern(500_000, 4))
  await expectWithinLimit(ipfs, path)
})

it('makes room for what comes by dropping the oldest of what nobody pinned', async () => {
  const { ipfs, path } = await opened({ maxBytes: mebibyte })
  const kept = await addFile(ipfs, pattern(200_000), { chunkBytes })
  const cached = []
  for (let at = 0; at < 30; at += 1) {
    cached.push(await addFile(ipfs, pattern(100_000, 10 + at), { chunkBytes, pin: false }))
    await expectWithinLimit(ipfs, path)
  }
  expect(await read(ipfs, cached.at(-1)!)).toEqual(Buffer.from(pattern(100_000, 39)))
  expect(await rejection(read(ipfs, cached[0]!))).toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
  expect(await read(ipfs, kept)).toEqual(Buffer.from(pattern(200_000)))
})

it('says at every moment what the store holds', async () => {
  const { ipfs, path } = await opened()
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 0, bytes: 0, pins: 0, packBytes: 0 })
  const kept = await addFile(ipfs, pattern(30_000), { chunkBytes })
  const { bytes: keptBytes } = await ipfs.repo.stat()
  const cached = await addFile(ipfs, pattern(20_000, 2), { chunkBytes, pin: false })
  const both = await ipfs.repo.stat()
  expect(both).toMatchObject({ blocks: 4 + 3, pins: 1, keptBytes, cacheBytes: both.bytes - keptBytes })
  expect(await all(ipfs.blockstore.getAll() as AsyncIterable<unknown>)).toHaveLength(7)
  expect(both.packBytes).toBeGreaterThanOrEqual(await bytesOnDisk(path))

  // A pin moves what lies in the cache.
  await drain(ipfs.pins.add(cached))
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 7, bytes: both.bytes, pins: 2, cacheBytes: 0 })
  await drain(ipfs.pins.rm(kept))
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 7, pins: 1 })
  const { removedBlocks, removedBytes } = await ipfs.repo.gc()
  expect([removedBlocks, removedBytes]).toEqual([4, keptBytes])
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 3, bytes: both.bytes - keptBytes, pins: 1 })
})
