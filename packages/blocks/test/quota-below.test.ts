import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { type Block, numbered } from './crash/made-blocks.ts'
import { openOn } from './crash/open-store.ts'

test('a quota below what is kept refuses puts with the numbers, and reading and deleting go on', async () => {
  const disk = simDisk({ seed: 1 })
  const blocks: Block[] = Array.from({ length: 300 }, (_, at) => numbered(at, 9000))
  const large = await openOn(disk, { maxBytes: 4_194_304, claimed: blocks })
  using lease = large.lease()
  for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
  await lease.flush()
  await large.close()

  const claimed = [...blocks]
  await using store = await openOn(disk, { claimed })
  expect(store.stats().packBytes).toBeGreaterThan(2_700_000)
  const more = numbered(1000, 100)
  for (const into of [store, store.lease()]) {
    await expect(into.put(more.cid, more.bytes)).rejects.toMatchObject({
      code: 'BLOCKS_FULL',
      kind: 'full',
      message: expect.stringMatching(/\d+ bytes do not fit: \d{7} of at most 1048576 /),
    })
  }
  for (const { cid, bytes } of blocks) expect(await store.get(cid)).toEqual(Buffer.from(bytes))
  // All of them, though each deletion is written down as well.
  for (const { cid } of claimed.slice(0, 230)) expect(await store.delete(cid)).toBe(true)
  claimed.splice(0, 230)
  await store.collect()
  expect(store.stats().packBytes).toBeLessThanOrEqual(1_048_576)
  for (const { cid, bytes } of claimed) expect(await store.get(cid)).toEqual(Buffer.from(bytes))
  await store.put(more.cid, more.bytes)
  expect(await store.get(more.cid)).toEqual(Buffer.from(more.bytes))
})

test('deletions alone make room, however many', async () => {
  const disk = simDisk({ seed: 1 })
  await using store = await openOn(disk)
  for (let round = 0; round < 6; round += 1) {
    const lease = store.lease()
    const blocks = Array.from({ length: 1500 }, (_, at) => numbered(round * 10_000 + at, 300))
    for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
    await lease.flush()
    lease.close()
    for (const { cid } of blocks) expect(await store.delete(cid)).toBe(true)
    expect(store.stats().entries).toBe(0)
  }
  expect(store.stats().packBytes).toBeLessThanOrEqual(1_048_576)
})
