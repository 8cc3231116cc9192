/** What must hold of a store after every crash. */
import assert from 'node:assert/strict'
import type { Blocks, BlocksStats } from '../../src/blocks.ts'
import { type Block, keyOf } from './made-blocks.ts'
import type { Claims, World } from './world.ts'

/** Claimed blocks are complete, nothing wrong is answered, and the counts are those of a listing. */
export async function checkStore(world: World, store: Blocks, claims: Claims = world.claims): Promise<void> {
  const claimed = claimedBlocks(claims)
  for (const { cid, bytes } of claimed.values()) {
    // Words for a CID cost more than all else here: they are made for a failure alone.
    if (!(await store.has(cid))) assert.fail(`the claimed block ${cid} is gone`)
    const found = await store.get(cid)
    if (found === undefined) assert.fail(`the claimed block ${cid} is lost`)
    if (Buffer.compare(found, bytes) !== 0) assert.fail(`the claimed block ${cid} is wrong`)
  }
  for (const { key, cid, bytes } of world.blocks) {
    if (claimed.has(key)) continue
    const found = await store.get(cid)
    if (found !== undefined && Buffer.compare(found, bytes) !== 0) assert.fail(`the block ${cid} is wrong`)
  }
  for (const [key, values] of world.records) {
    const found = await store.unverified.get(key)
    assert.ok(
      found === undefined || values.some((value) => Buffer.compare(value, found) === 0),
      `${key} is wrong`,
    )
  }
  await checkCounts(store)
  assert.deepEqual(world.wrongs, [])
}

/** After a collection there is what is claimed, and nothing else. */
export async function checkCollected(store: Blocks, claims: Claims): Promise<void> {
  const { keptBlocks } = await store.collect()
  const claimed = claimedBlocks(claims)
  const listed = await listOf(store, async (cid) => {
    if (!claimed.has(keyOf(cid)))
      assert.fail(`left by a collection: ${JSON.stringify(await store.explain(cid))}`)
  })
  assert.equal(listed.size, claimed.size)
  assert.equal(keptBlocks, listed.size)
  await checkCounts(store)
}

/** Another opening after a clean close finds the same. */
export async function checkReopened(world: World, store: Blocks, open: () => Promise<Blocks>): Promise<void> {
  const before = await listOf(store)
  const { corruptReads, evictedPacks } = store.stats()
  await store.close()
  const wasLeftAlone = store.stats().evictedPacks === evictedPacks
  const again = await open()
  const after = await listOf(again)
  // Blocks that are found damaged are not listed before the next opening forgets about it.
  if (corruptReads === 0 && wasLeftAlone && again.stats().evictedPacks === 0) assert.deepEqual(after, before)
  await checkStore(world, again)
  await again.close()
}

export function claimedBlocks(claims: Claims): Map<string, Block> {
  const blocks = new Map<string, Block>()
  for (const { root, blocks: leaves } of claims.values()) {
    for (const block of [root, ...leaves]) blocks.set(block.key, block)
  }
  return blocks
}

/** All blocks with their sizes. */
async function listOf(
  store: Blocks,
  look?: (cid: Block['cid']) => Promise<void>,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  for await (const { cid, size } of store.list()) {
    const key = keyOf(cid)
    if (sizes.has(key)) assert.fail(`${cid} is listed twice`)
    sizes.set(key, size)
    await look?.(cid)
  }
  return sizes
}

/** The counts are those of a full listing, unless the store evicts or compacts meanwhile or has damaged blocks. */
async function checkCounts(store: Blocks): Promise<void> {
  const before = store.stats()
  const counted = { entries: 0, bytes: 0, keptEntries: 0, keptBytes: 0, cacheEntries: 0, cacheBytes: 0 }
  const count = (stream: 'kept' | 'cache', size: number): void => {
    counted.entries += 1
    counted.bytes += size
    counted[`${stream}Entries`] += 1
    counted[`${stream}Bytes`] += size
  }
  for await (const { cid, size } of store.list()) {
    const { state } = await store.explain(cid)
    if (state === 'kept' || state === 'cache') count(state, size)
  }
  for await (const { size } of store.unverified.list()) count('cache', size)
  const after = store.stats()
  assert.ok(after.packBytes <= after.maxBytes, `${after.packBytes} bytes of ${after.maxBytes} are taken`)
  // Files that cannot be read as packs count as well.
  assert.ok(after.keptPackBytes + after.cachePackBytes <= after.packBytes)
  if (after.corruptReads > 0 || hasWorked(before, after)) return
  const { entries, bytes, keptEntries, keptBytes, cacheEntries, cacheBytes } = after
  assert.deepEqual({ entries, bytes, keptEntries, keptBytes, cacheEntries, cacheBytes }, counted)
}

function hasWorked(before: BlocksStats, after: BlocksStats): boolean {
  const counts = [
    'entries',
    'evictedPacks',
    'compactedPacks',
    'readmittedBytes',
    'keptEntries',
    'copiedBytes',
  ] as const
  return counts.some((name) => before[name] !== after[name])
}
