import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { type Block, numbered } from './crash/made-blocks.ts'
import { folder, openOn } from './crash/open-store.ts'
import { findingsOf } from './findings-of.ts'

const first = `${folder}/kept-00000001.pack`
const blocks = [1, 2, 3, 4].map((at) => numbered(at, 3000))

/** What a process leaves that dies after a sync that failed. */
async function afterFailedSync(seed: number): Promise<SimDisk> {
  const disk = simDisk({ seed })
  const store = await openOn(disk)
  const lease = store.lease()
  for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
  disk.failAt('sync', 1)
  await expect(lease.flush()).rejects.toMatchObject({ code: 'BLOCKS_SYNC_FAILED' })
  await store.close()
  return disk.kill()
}

async function claimAll(disk: SimDisk): Promise<Block[]> {
  await using store = await openOn(disk)
  using lease = store.lease()
  const there: Block[] = []
  for (const block of blocks) {
    if ((await store.get(block.cid)) !== undefined && (await lease.hold(block.cid))) there.push(block)
  }
  await lease.flush()
  return there
}

test('a pack in doubt that cannot be read everywhere is written anew and set aside, wherever the power is lost', async () => {
  for (let nth = 0; nth < 60; nth += 1) {
    let disk = await afterFailedSync(nth)
    disk.damage(first, 9)
    if (nth > 0) {
      disk.crashAt('any', nth)
      await openOn(disk).catch(() => undefined)
      disk = disk.dead ? disk.crash() : disk.kill()
    }
    const there = await claimAll(disk)
    if (nth === 0) {
      expect(there.length).toBe(3)
      expect(await disk.stat(`${first}.unreadable`)).toBeDefined()
    }
    disk = disk.crash()
    await using store = await openOn(disk)
    for (const { cid, bytes } of there)
      expect(Buffer.from((await store.get(cid))!).equals(bytes), `operation ${nth}`).toBe(true)
  }
})

test('what was set aside counts, and is told at each opening', async () => {
  const disk = await afterFailedSync(1)
  disk.damage(first, 9)
  await claimAll(disk)
  for (let time = 0; time < 2; time += 1) {
    const findings = await findingsOf(async () => {
      await using store = await openOn(disk)
      const { packBytes, keptPackBytes, cachePackBytes } = store.stats()
      expect(packBytes - keptPackBytes - cachePackBytes).toBeGreaterThanOrEqual(12_000)
    })
    expect(findings).toContainEqual(expect.objectContaining({ path: `${first}.unreadable` }))
  }
})

test('a note that cannot be read stands for all kept packs', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const disk = await afterFailedSync(seed)
    disk.damage(`${folder}/unsynced`, 0)
    const there = await claimAll(disk)
    expect(there.length).toBe(4)
    await using store = await openOn(disk.crash())
    for (const { cid } of there) expect(await store.get(cid), `seed ${seed}`).toBeDefined()
  }
})
