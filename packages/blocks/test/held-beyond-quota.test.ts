import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks, Lease } from '../src/blocks.ts'
import { type Block, numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

const maxBytes = 1_048_576

/** Puts blocks until one is refused. */
async function fill(
  lease: Lease,
  first: number,
  most: number,
): Promise<{ readonly blocks: readonly Block[]; readonly refusal: unknown }> {
  const blocks: Block[] = []
  for (let at = 0; at < most; at += 1) {
    const block = numbered(first + at, 4096)
    try {
      await lease.put(block.cid, block.bytes)
    } catch (refusal) {
      return { blocks, refusal }
    }
    blocks.push(block)
  }
  return { blocks, refusal: undefined }
}

async function expectAll(store: Blocks, blocks: readonly Block[]): Promise<void> {
  for (const { cid, bytes } of blocks)
    expect(Buffer.from((await store.get(cid))!)).toEqual(Buffer.from(bytes))
}

test('a lease of cached blocks that exceeds the quota is refused with the numbers, and keeps what it has', async () => {
  const disk = simDisk({ seed: 1 })
  await using store = await openOn(disk)
  using lease = store.lease({ stream: 'cache' })
  const { blocks, refusal } = await fill(lease, 0, 600)
  expect(refusal).toMatchObject({
    code: 'BLOCKS_FULL',
    kind: 'full',
    message: expect.stringMatching(
      /\d+ bytes do not fit: \d{6,7} of at most 1048576 .*: open leases hold \d{6} bytes of the cache$/,
    ),
  })
  // Most of the quota is for use.
  expect(blocks.length * 4096).toBeGreaterThan(maxBytes / 2)
  await expectAll(store, blocks)
  // What is held is not written anew, neither then nor at the next ones.
  expect(disk.stats().writtenBytes).toBeLessThan(1.2 * maxBytes)
  const before = disk.stats().writtenBytes
  for (let at = 1000; at < 1050; at += 1) {
    using another = store.lease({ stream: 'cache' })
    await another
      .put(numbered(at, 40_000).cid, numbered(at, 40_000).bytes)
      .catch(({ code }) => expect(code).toBe('BLOCKS_FULL'))
  }
  expect(disk.stats().writtenBytes - before).toBeLessThan(maxBytes / 4)
  await expectAll(store, blocks)
})

test('what a lease was refused it gets once another lease is closed', async () => {
  const disk = simDisk({ seed: 1 })
  await using store = await openOn(disk)
  const other = store.lease({ name: 'the other', stream: 'cache' })
  const { blocks: others } = await fill(other, 0, 100)
  expect(others.length).toBe(100)
  using lease = store.lease({ stream: 'cache' })
  const { blocks, refusal } = await fill(lease, 1000, 600)
  expect(refusal).toMatchObject({ code: 'BLOCKS_FULL' })
  await expectAll(store, [...others, ...blocks])
  other.close()
  const { blocks: more } = await fill(lease, 2000, 80)
  expect(more.length).toBe(80)
  await expectAll(store, [...blocks, ...more])
})

test('tiny blocks that are held are refused all the same', async () => {
  const disk = simDisk({ seed: 1 })
  await using store = await openOn(disk)
  using lease = store.lease({ stream: 'cache' })
  let refusal: unknown
  for (let at = 0; at < 200 && refusal === undefined; at += 1) {
    const puts = Array.from({ length: 100 }, (_, of) => numbered(at * 100 + of, 20))
    await Promise.all(puts.map(({ cid, bytes }) => lease.put(cid, bytes))).catch(
      (error: unknown) => (refusal = error),
    )
  }
  expect(refusal).toMatchObject({ code: 'BLOCKS_FULL' })
  expect(disk.stats().writtenBytes).toBeLessThan(2 * maxBytes)
})

test('what nobody holds goes, though older packs are held', async () => {
  await using store = await openOn(simDisk({ seed: 1 }))
  using lease = store.lease({ stream: 'cache' })
  const { blocks } = await fill(lease, 0, 60)
  for (let at = 1000; at < 2000; at += 1) await store.put(numbered(at, 4096).cid, numbered(at, 4096).bytes)
  await expectAll(store, blocks)
  expect(store.stats().longestRoomWaitMs).toBeLessThan(1000)
})

test('a thousand leases that were closed hold nothing, whether there was a mark or not', async () => {
  for (const claimed of [undefined, [numbered(1, 1000)]]) {
    const disk = simDisk({ seed: 1 })
    await using store = await openOn(disk, claimed === undefined ? {} : { claimed })
    if (claimed !== undefined) {
      using lease = store.lease()
      await lease.put(claimed[0]!.cid, claimed[0]!.bytes)
      await lease.flush()
      await store.mark()
    }
    for (let at = 2; at < 1500; at += 1) {
      using lease = store.lease({ stream: 'cache' })
      await lease.put(numbered(at, 4000).cid, numbered(at, 4000).bytes)
    }
    const { evictedPacks, readmittedBytes } = store.stats()
    expect(evictedPacks).toBeGreaterThan(50)
    expect(readmittedBytes).toBeLessThan(evictedPacks * 4000)
    expect(disk.stats().writtenBytes).toBeLessThan(1.3 * 1500 * 4000)
  }
})
