import { createHash } from 'node:crypto'
import { openBlocks } from '@ipfs-kit/blocks'
import { random } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { type Disk, simDisk } from '@ipfs-kit/disk'
import { base32upper } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'
import { expect, test } from 'vitest'
import { MigratingBlocks } from '../src/migrating-blocks.ts'
import { Migration } from '../src/migration.ts'
import { findOldBlocks, type OldBlocks } from '../src/old-blocks.ts'

const path = '/home/blocks'

interface Block {
  readonly cid: CID
  readonly bytes: Buffer
}

function whole(max: number): number {
  return Math.floor(random() * max)
}

function blockOf(number: number): Block {
  const bytes = Buffer.from(`block ${number} `.repeat(1 + whole(30)))
  return { cid: CID.createV1(rawCode, create(0x12, createHash('sha256').update(bytes).digest())), bytes }
}

async function makeOld(disk: Disk, blocks: readonly Block[]): Promise<void> {
  for (const { cid, bytes } of blocks) {
    const name = base32upper.encoder.encode(cid.multihash.bytes)
    const shard = `${path}/${name.slice(-2)}`
    await disk.makeFolder(shard)
    const file = await disk.open(`${shard}/${name}.data`, 'create-new')
    await file.write([bytes], 0)
    await file.sync()
    await file.close()
    await disk.syncFolder(shard)
  }
}

async function opened(disk: Disk): Promise<{ blocks: MigratingBlocks; migration: Migration } | undefined> {
  const old: OldBlocks | undefined = await findOldBlocks(disk, path)
  if (old === undefined) return undefined
  const migration = new Migration({
    old,
    pins: () => [],
    batchBlocks: 1 + whole(12),
    batchBytes: 400 + whole(4000),
  })
  const packs = await openBlocks({
    path,
    disk,
    packBytes: 65_536,
    claims: () => migration.claims(),
    links: () => [],
  })
  migration.begin(packs)
  return { blocks: new MigratingBlocks(packs, migration), migration }
}

/** Waits until all is in packs. */
async function done(migration: Migration): Promise<void> {
  await migration.settled()
  expect(migration.progress()).toMatchObject({ state: 'done', left: 0, damaged: 0 })
}

/** Every block is there, and once. */
async function checkAll(
  blocks: Pick<MigratingBlocks, 'list' | 'get' | 'size'>,
  expected: readonly Block[],
): Promise<void> {
  const listed: string[] = []
  for await (const { cid } of blocks.list()) listed.push(cid.toString())
  expect(listed.toSorted()).toEqual(expected.map(({ cid }) => cid.toString()).toSorted())
  for (const { cid, bytes } of expected) {
    expect(await blocks.size(cid)).toBe(bytes.length)
    expect(Buffer.from((await blocks.get(cid)) ?? 'nothing').toString()).toBe(bytes.toString())
  }
}

test('whatever the power loss takes, each block is there and counts once at every moment, until all is in packs', async () => {
  const { failed } = await simulate(
    async () => {
      let disk = simDisk({ seed: whole(2 ** 30) })
      const expected = Array.from({ length: 1 + whole(40) }, (_, number) => blockOf(number))
      await makeOld(disk, expected)
      for (let life = 0; life < 4; life += 1) {
        disk.crashAt('any', 1 + whole(60 + 30 * expected.length))
        let home: Awaited<ReturnType<typeof opened>>
        try {
          home = await opened(disk)
          if (home === undefined) break
          while (home.migration.progress().state === 'running') await checkAll(home.blocks, expected)
          await done(home.migration)
          await home.blocks.close()
        } catch (error) {
          if (!disk.dead) throw error
          // What waits in a process that has died must not go on in the next one.
          await home?.blocks.close().catch(() => {})
        }
        disk = life % 2 === 0 ? disk.crash() : disk.kill()
      }
      // No more power loss is to come.
      disk = disk.kill()
      const home = await opened(disk)
      if (home !== undefined) {
        await done(home.migration)
        await checkAll(home.blocks, expected)
        await home.blocks.close()
      }
      expect(await findOldBlocks(disk, path)).toBeUndefined()
      const packs = await openBlocks({ path, disk })
      await checkAll(packs, expected)
      expect(packs.stats()).toMatchObject({ entries: expected.length, keptEntries: expected.length })
      await packs.close()
    },
    { seeds: 100, maxFailures: 1 },
  )
  expect(failed).toEqual([])
})

test('what is deleted, put or held meanwhile is as one store would have it', async () => {
  const { failed } = await simulate(
    async () => {
      const disk = simDisk({ seed: whole(2 ** 30), faults: { latencyMs: 2 } })
      const all = Array.from({ length: 30 }, (_, number) => blockOf(number))
      await makeOld(disk, all)
      const { blocks, migration } = (await opened(disk))!
      const gone = all.slice(0, 8)
      for (const { cid } of gone) expect(await blocks.delete(cid)).toBe(true)
      using lease = blocks.lease({ name: 'add', stream: 'kept' })
      for (const { cid, bytes } of all.slice(8, 14)) expect(await lease.put(cid, bytes)).toBe('found')
      for (const { cid } of all.slice(14, 20)) expect(await lease.hold(cid)).toBe(true)
      for (const { cid } of all.slice(8, 20)) expect(await blocks.delete(cid)).toBe(false)
      expect(await lease.hold(gone[0]!.cid)).toBe(false)
      await checkAll(blocks, all.slice(8))
      await done(migration)
      await checkAll(blocks, all.slice(8))
      await blocks.close()
    },
    { seeds: 100, maxFailures: 1 },
  )
  expect(failed).toEqual([])
})

test('a full volume: files make room for the next ones, batch by batch', async () => {
  const { failed } = await simulate(
    async () => {
      const all = Array.from({ length: 60 }, (_, number) => blockOf(number))
      const disk = simDisk({ seed: whole(2 ** 30) })
      await makeOld(disk, all)
      const used = disk.stats().usedBytes
      disk.setFaults({ capacityBytes: used + 96 * 1024 })
      const old = (await findOldBlocks(disk, path))!
      const migration = new Migration({ old, pins: () => [] })
      const packs = await openBlocks({ path, disk, packBytes: 65_536, maxBytes: 2 ** 20, minFreeBytes: 0 })
      const blocks = new MigratingBlocks(packs, migration)
      migration.begin(packs)
      await done(migration)
      await checkAll(blocks, all)
      await blocks.close()
    },
    { seeds: 20, maxFailures: 1 },
  )
  expect(failed).toEqual([])
})
