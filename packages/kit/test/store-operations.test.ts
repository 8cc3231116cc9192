import { expect, test } from 'vitest'
import { collect } from './collect.ts'
import { addFile, openTemporaryKit } from './open-kit.ts'

test('the operations of the store speak of the blocks of the node', async () => {
  const kit = await openTemporaryKit()
  const cid = await addFile(kit, 'a.txt', 'hello')
  expect(await kit.call('store.stat', {})).toMatchObject({ keptEntries: 1, cacheEntries: 0 })
  expect(await kit.call('store.explain', { cid })).toMatchObject({ cid, state: 'kept', size: 5 })
  const lines = await collect(await kit.call('store.verify', {}))
  expect(lines.at(-1)).toMatchObject({ items: 1, failed: 0 })
  expect(await kit.call('store.compact', {})).toEqual({ packs: 0, copiedBytes: 0, freedBytes: 0 })
})

test('the store goes with the part that has it open, and comes back with it', async () => {
  const kit = await openTemporaryKit()
  await addFile(kit, 'a.txt', 'hello')
  // A rate at which it would take for ever: 6 bytes a second of the blocks, and a megabyte of them.
  await addFile(kit, 'large', Buffer.alloc(1_000_000, 7))
  const verifying = collect(await kit.call('store.verify', { bytesPerSecond: 1 }))
  const outcome = expect(verifying).rejects.toMatchObject({ code: 'KIT_PART_UNAVAILABLE' })
  await kit.call('node.restart', { part: 'ipfs' })
  await outcome
  expect(await kit.call('store.stat', {})).toMatchObject({ keptEntries: 2 })
})

test('the quota of the settings is in force', async () => {
  const kit = await openTemporaryKit({ config: { blocks: { maxBytes: 2_000_000, minFreeBytes: 0 } } })
  expect(await kit.call('store.stat', {})).toMatchObject({ maxBytes: 2_000_000 })
  const large = kit.ipfs.blocks
  const put = async (): Promise<void> => {
    for (let number = 0; number < 20; number += 1)
      await large.put(Buffer.alloc(200_000, number), { pin: true })
  }
  await expect(put()).rejects.toMatchObject({ code: 'IPFS_STORE_FULL' })
  expect((await kit.call('store.stat', {})).packBytes).toBeLessThanOrEqual(2_000_000)
})
