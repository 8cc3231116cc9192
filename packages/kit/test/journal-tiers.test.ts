import { randomBytes } from 'node:crypto'
import { sleep } from '@ipfs-kit/concurrency'
import type { Kit } from '@ipfs-kit/kit'
import { expect, test } from 'vitest'
import { openTemporaryKit } from './open-kit.ts'

async function inMemory(kit: Kit, path: string) {
  const { tiers, blocks, missing } = await kit.call('fs.tiers', { path })
  expect(missing).toBe(0)
  expect(tiers.map(({ tier }) => tier)).toEqual(['memory', 'blocks'])
  expect(tiers[1]).toMatchObject({ blocks, unknown: 0 })
  return { blocks, inMemory: tiers[0]!.blocks, bytes: tiers[0]!.bytes }
}

/** Waits until nothing is on its way. */
async function settled(kit: Kit): Promise<void> {
  for (;;) {
    const { pins } = await kit.call('fs.tier-pins', {})
    if (pins.every(({ state }) => state !== 'moving')) return
    await sleep(1)
  }
}

test('the blocks of a file are moved into memory and out of it, and reads by CID find them there', async () => {
  const kit = await openTemporaryKit()
  await kit.call('fs.write', { path: '/file' }, { body: randomBytes(2_500_000) })
  expect(await inMemory(kit, '/file')).toMatchObject({ inMemory: 0, bytes: 0 })
  const { blocks, bytes, cid } = await kit.call('fs.move-to-tier', { path: '/file', tier: 'memory' })
  expect(await inMemory(kit, '/file')).toEqual({ blocks, inMemory: blocks, bytes })
  const { blocksRead } = await kit.call('store.stat', {})
  for await (const _ of (await kit.call('files.cat', { cid })).body);
  expect((await kit.call('store.stat', {})).blocksRead).toBe(blocksRead)
  const back = await kit.call('fs.move-to-tier', { path: '/file', tier: 'blocks' })
  expect(back).toMatchObject({ moved: 0, there: blocks, refused: 0, missing: 0 })
  expect(await inMemory(kit, '/file')).toMatchObject({ inMemory: 0 })
})

test('a pin brings what is written later; what memory has no room for is told', async () => {
  const kit = await openTemporaryKit({ config: { cache: { memoryBytes: 500_000 } } })
  await kit.call('fs.mkdir', { path: '/hot' })
  await kit.call('fs.pin-to-tier', { path: '/hot', tier: 'memory' })
  await kit.call('fs.write', { path: '/hot/small' }, { body: randomBytes(100_000) })
  await settled(kit)
  expect(await inMemory(kit, '/hot/small')).toMatchObject({ blocks: 1, inMemory: 1 })
  await kit.call('fs.write', { path: '/hot/large' }, { body: randomBytes(1_000_000) })
  await settled(kit)
  expect((await kit.call('fs.tier-pins', {})).pins).toEqual([
    { path: '/hot', tier: 'memory', state: 'moved', refused: 1 },
  ])
  expect(await kit.call('fs.stat', { path: '/hot' })).toMatchObject({ type: 'directory', tier: 'memory' })
  await kit.call('fs.unpin-from-tier', { path: '/hot' })
  expect((await kit.call('fs.tier-pins', {})).pins).toEqual([])
  await expect(kit.call('fs.move-to-tier', { path: '/hot', tier: 'moon' })).rejects.toMatchObject({
    code: 'JOURNAL_TIER_UNKNOWN',
  })
})

test('health tells the figures of the tree', async () => {
  const kit = await openTemporaryKit()
  await kit.call('fs.write', { path: '/file' }, { body: randomBytes(10) })
  await kit.call('journal.checkpoint', {})
  expect(await kit.call('journal.health', {})).toMatchObject({
    state: 'healthy',
    alerts: [],
    figures: { changes: 1, changesSinceCheckpoint: 0, checkpointAgeMs: 0 },
  })
})
