import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { type Block, numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

async function sameAs(store: Blocks, { cid, bytes }: Block): Promise<boolean> {
  const found = await store.get(cid)
  return found !== undefined && Buffer.compare(found, bytes) === 0
}

for (const [how, slowReads] of [
  ['always', 0],
  ['never', 1],
] as const) {
  test(`a block that is read again and again outlasts the packs it was in (the disk ${how} answers at once)`, async () => {
    await using store = await openOn(simDisk({ seed: 1, faults: { slowReads } }), { readmitShare: 1 })
    const hot = numbered(1, 4000)
    const cold = numbered(2, 4000)
    for (const { cid, bytes } of [hot, cold]) await store.put(cid, bytes)
    for (let number = 3; number < 1200; number += 1) {
      const { cid, bytes } = numbered(number, 4000)
      await store.put(cid, bytes)
      if (number % 10 === 0) expect(await sameAs(store, hot)).toBe(true)
    }
    expect(store.stats().evictedPacks).toBeGreaterThan(50)
    expect(await store.has(hot.cid)).toBe(true)
    expect(await store.has(cold.cid)).toBe(false)
    expect(store.stats().readmittedBytes).toBeGreaterThan(4000)
  })
}

test('a block that is read from a pack answered from its footer outlasts it as well', async () => {
  await using store = await openOn(simDisk({ seed: 1 }), { readmitShare: 1, maxIndexedEntries: 20 })
  const hot = numbered(1, 4000)
  await store.put(hot.cid, hot.bytes)
  for (let number = 3; number < 1200; number += 1) {
    const { cid, bytes } = numbered(number, 4000)
    await store.put(cid, bytes)
    // Long after it has left the memory.
    if (number % 90 === 0) expect(await sameAs(store, hot)).toBe(true)
  }
  expect(store.stats().indexedEntries).toBeLessThan(150)
  expect(store.stats().evictedPacks).toBeGreaterThan(50)
  expect(store.stats().readmittedBytes).toBeGreaterThan(4000)
})

test('a part of a large block that is read counts as reading it', async () => {
  await using store = await openOn(simDisk({ seed: 1 }), {
    readmitShare: 1,
    maxBytes: 16_777_216,
    packBytes: 4_194_304,
  })
  const hot = numbered(1, 1_200_000)
  await store.put(hot.cid, hot.bytes)
  for (let number = 2; number < 200; number += 1) {
    const { cid, bytes } = numbered(number, 200_000)
    await store.put(cid, bytes)
    if (number % 10 !== 0) continue
    expect(Buffer.from((await store.getRange(hot.cid, { offset: 70_000, length: 3 })) ?? [])).toEqual(
      Buffer.from(hot.bytes.subarray(70_000, 70_003)),
    )
  }
  expect(store.stats().evictedPacks).toBeGreaterThan(5)
  expect(store.stats().readmittedBytes).toBeGreaterThanOrEqual(1_200_000)
})

test('a block without bytes that was read goes with a collection as any other', async () => {
  await using store = await openOn(simDisk({ seed: 1 }), { claimed: [] })
  const empty = numbered(1, 0)
  await store.put(empty.cid, empty.bytes)
  expect(await sameAs(store, empty)).toBe(true)
  expect((await store.collect()).removedBlocks).toBe(1)
  expect(await store.has(empty.cid)).toBe(false)
})
