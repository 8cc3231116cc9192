import { type Blocks, type Claim, openBlocks } from '@ipfs-kit/blocks'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type Disk, simDisk } from '@ipfs-kit/disk'
import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { expect, test } from 'vitest'
import { blockOf, cidOf } from './blocks-of.ts'

const onBoth = forEachBackend(test, { seeds: 5 })

function open(disk: Disk, claims: readonly Claim[] = []): Promise<Blocks> {
  return openBlocks({
    path: '/store',
    disk,
    maxBytes: 32 * 1024 * 1024,
    packBytes: 65_536,
    claims: () => claims,
    links: () => [],
  })
}

onBoth('tells that a block is not here, and that a CID holds its bytes itself', async () => {
  await using store = await open(simDisk({ seed: 1 }))
  const { cid } = blockOf(1)
  expect(await store.explain(cid)).toMatchObject({ cid, state: 'absent' })
  expect((await store.explain(cid)).pack).toBeUndefined()
  const inline = CID.createV1(0x55, identity.digest(Buffer.from('short')))
  expect(await store.explain(inline)).toMatchObject({ cid: inline, state: 'inline', size: 5 })
})

onBoth('tells pack, offset and size, and whether a power loss would take the block', async () => {
  await using store = await open(simDisk({ seed: 1 }))
  const [kept, cached] = [blockOf(1, 100), blockOf(2, 300)]
  using lease = store.lease()
  await lease.put(kept.cid, kept.bytes)
  await store.put(cached.cid, cached.bytes)
  const before = await store.explain(kept.cid)
  expect(before).toMatchObject({ state: 'kept', size: 100, offset: 64, synced: false, claim: 'leased' })
  await lease.flush()
  expect(await store.explain(kept.cid)).toMatchObject({ synced: true, pack: before.pack })
  const inCache = await store.explain(cached.cid)
  expect(inCache).toMatchObject({ state: 'cache', size: 300, offset: 64, synced: false, packsBefore: 0 })
  expect(inCache.pack).not.toBe(before.pack)
  for (const { why } of [before, inCache]) expect(why).toMatch(/^It lies at byte 64 of .*\.$/)
})

onBoth('tells what keeps a block', async () => {
  const claims: Claim[] = []
  await using store = await open(simDisk({ seed: 1 }), claims)
  const [claimed, lone, leased] = [blockOf(1), blockOf(2), blockOf(3)]
  {
    using lease = store.lease()
    for (const { cid, bytes } of [claimed, lone]) await lease.put(cid, bytes)
    await lease.flush()
  }
  expect((await store.explain(lone.cid)).claim).toBe('unknown')
  claims.push({ cid: claimed.cid })
  await store.mark()
  using lease = store.lease({ name: 'still at work' })
  await lease.put(leased.cid, leased.bytes)
  const claimOf = async (cid: CID) => (await store.explain(cid)).claim
  expect(await claimOf(claimed.cid)).toBe('marked')
  expect(await claimOf(lone.cid)).toBe('unclaimed')
  expect(await claimOf(leased.cid)).toBe('leased')
})

onBoth('counts the packs that are dropped before the one of a block', async () => {
  await using store = await open(simDisk({ seed: 1 }))
  const all = Array.from({ length: 60 }, (_, number) => blockOf(number, 5000))
  for (const { cid, bytes } of all) await store.put(cid, bytes)
  const before: number[] = []
  for (const { cid } of all) before.push((await store.explain(cid)).packsBefore!)
  expect(before[0]).toBe(0)
  expect(before.at(-1)).toBe(store.stats().cachePacks - 1)
  expect(before.at(-1)).toBeGreaterThan(2)
  expect(before).toEqual(before.toSorted((left, right) => left - right))
})

onBoth('tells that the stored bytes of a block are damaged', async () => {
  await using store = await open(simDisk({ seed: 1 }))
  const cid = cidOf(Buffer.from('what was meant'))
  await store.put(cid, Buffer.from('what was written'), { verify: 'on-read' })
  expect((await store.explain(cid)).state).toBe('cache')
  expect(await store.get(cid)).toBeUndefined()
  expect(await store.explain(cid)).toMatchObject({ state: 'damaged', size: 16 })
  await store.put(cid, Buffer.from('what was meant'))
  expect(await store.explain(cid)).toMatchObject({ state: 'cache', size: 14 })
})

onBoth('explains nothing after closing', async () => {
  const store = await open(simDisk({ seed: 1 }))
  await store.close()
  await expect(store.explain(blockOf(1).cid)).rejects.toMatchObject({ code: 'BLOCKS_CLOSED' })
})
