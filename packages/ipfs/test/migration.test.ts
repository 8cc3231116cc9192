import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { openIpfs, type Ipfs, type MigrationProgress } from '@ipfs-kit/ipfs'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { oldHome, type OldHome } from './old-home.ts'
import { addFile, added, all, drain, opened, pinned, read } from './opened.ts'

/** Waits until all has moved: a collection does. */
async function moved(ipfs: Ipfs): Promise<MigrationProgress> {
  await ipfs.repo.gc()
  return ipfs.stats().migration!
}

async function readAll(ipfs: Ipfs, home: OldHome): Promise<void> {
  for (const { cid, bytes } of home.blocks) {
    expect(Buffer.compare(await ipfs.blocks.get(cid), bytes)).toBe(0)
    expect((await ipfs.blocks.stat(cid)).size).toBe(bytes.length)
  }
}

function bytesOf(home: OldHome): number {
  return home.blocks.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

describe('a home with a file for each block', () => {
  it('opens at once, moves into packs behind the calls, and leaves nothing of the old layout', async () => {
    const home = await oldHome()
    const { ipfs } = await opened({ path: home.path })
    expect(ipfs.stats().migration).toMatchObject({ state: 'running', blocks: 0 })
    expect(await pinned(ipfs)).toEqual([home.root.toString()])
    const progress = await moved(ipfs)
    expect(progress).toMatchObject({
      state: 'done',
      blocks: home.blocks.length,
      damaged: 0,
      bytes: bytesOf(home),
    })
    expect(progress.ofBlocks).toBe(home.blocks.length)
    expect(progress.bytesPerSecond).toBeGreaterThan(0)
    expect(
      (await readdir(join(home.path, 'blocks'))).filter((name) => !/^(lock|store|\w+-\d+\.pack)$/.test(name)),
    ).toEqual([])
    await readAll(ipfs, home)
    expect(ipfs.store.stats()).toMatchObject({ keptEntries: home.blocks.length, cacheEntries: 0 })
    expect((await ipfs.store.verify()).damagedBlocks).toBe(0)
    expect(await all(ipfs.pins.add(home.root))).toHaveLength(home.blocks.length)
    expect((await ipfs.pins.get(home.root)).metadata).toEqual({ name: 'of old' })
  })

  it('has each block, and counts each once, at every moment', async () => {
    const home = await oldHome(600)
    const { ipfs } = await opened({ path: home.path })
    const states = new Set<string>()
    do {
      states.add(ipfs.stats().migration!.state)
      const { blocks, bytes, keptBytes, pins } = await ipfs.repo.stat()
      expect({ blocks, bytes, keptBytes, pins }).toEqual({
        blocks: home.blocks.length,
        bytes: bytesOf(home),
        keptBytes: bytesOf(home),
        pins: 1,
      })
      await readAll(ipfs, home)
    } while (ipfs.stats().migration!.state === 'running')
    expect(states).toContain('running')
    expect(await ipfs.repo.stat()).toMatchObject({ blocks: home.blocks.length, bytes: bytesOf(home) })
  })

  it('adds, pins and unpins meanwhile; what is there already is found', async () => {
    const home = await oldHome()
    const { ipfs } = await opened({ path: home.path })
    await drain(ipfs.pins.rm(home.root))
    const known = home.blocks.find(({ cid }) => !cid.equals(home.root))!
    await drain(ipfs.pins.add(known.cid))
    const cid = await addFile(ipfs, 'new content')
    expect((await ipfs.repo.gc()).keptBlocks).toBe((await all(ipfs.pins.add(known.cid))).length + 1)
    expect((await read(ipfs, cid)).toString()).toBe('new content')
    expect(ipfs.stats().migration).toMatchObject({ state: 'done', blocks: home.blocks.length })
  })

  it('deletes a block wherever it lies', async () => {
    const home = await oldHome()
    const { ipfs } = await opened({ path: home.path })
    const gone = home.blocks.slice(0, 20)
    await Promise.all(gone.map(async ({ cid }) => ipfs.blockstore.delete(cid)))
    for (const { cid, file } of gone) {
      expect(await ipfs.blockstore.has(cid)).toBe(false)
      expect(existsSync(file)).toBe(false)
    }
    expect((await ipfs.repo.stat()).blocks).toBe(home.blocks.length - gone.length)
    await ipfs.store.compact().catch(() => {})
    for (const { cid } of gone) expect(await ipfs.blockstore.has(cid)).toBe(false)
  })

  it('tells what a block is waiting for, and progress on a channel', async () => {
    const home = await oldHome(50)
    const heard: MigrationProgress[] = []
    const listener = (message: unknown) => void heard.push(message as MigrationProgress)
    subscribe('ipfs:migration', listener)
    onTestFinished(() => void unsubscribe('ipfs:migration', listener))
    const { ipfs } = await opened({ path: home.path })
    expect(await ipfs.store.explain(home.root)).toMatchObject({ state: 'kept', synced: false })
    await moved(ipfs)
    expect(heard[0]).toMatchObject({ state: 'running', blocks: 0 })
    expect(heard.at(-1)).toMatchObject({ state: 'done', blocks: home.blocks.length })
    expect(await ipfs.store.explain(home.root)).toMatchObject({
      state: 'kept',
      synced: true,
      pack: expect.any(Number),
    })
  })

  it('goes on at the next opening when it is closed in between', async () => {
    const home = await oldHome(600)
    let openings = 0
    for (let state = 'running'; state === 'running'; openings += 1) {
      const ipfs = await openIpfs({ path: home.path })
      expect((await ipfs.repo.stat()).blocks).toBe(home.blocks.length)
      if (openings > 4) await moved(ipfs)
      state = ipfs.stats().migration?.state ?? 'done'
      await ipfs.close()
    }
    const { ipfs } = await opened({ path: home.path })
    expect(ipfs.stats().migration).toBeUndefined()
    await readAll(ipfs, home)
  })

  it('cannot be opened by the version that wrote it afterwards', async () => {
    const home = await oldHome(3)
    await (await openIpfs({ path: home.path })).close()
    const database = new Database(join(home.path, 'pins.sqlite'), { readonly: true })
    // That version opens up to 1.
    expect(database.pragma('user_version', { simple: true })).toBe(2)
    database.close()
  })
})

it('damaged files are kept aside and counted, not answered, and the rest moves', async () => {
  const home = await oldHome()
  const leaves = home.blocks
    .filter(({ cid, bytes }) => !cid.equals(home.root) && bytes.length > 10)
    .slice(0, 3)
  const [empty, cut, flipped] = leaves
  await truncate(empty!.file, 0)
  await truncate(cut!.file, cut!.bytes.length - 1)
  await writeFile(flipped!.file, Buffer.from(flipped!.bytes).fill(0, 0, 1))
  const { ipfs } = await opened({ path: home.path })
  for (const { cid } of leaves) {
    await expect(ipfs.blocks.get(cid)).rejects.toMatchObject({
      code: expect.stringMatching(/^IPFS_BLOCK_(CORRUPT|NOT_FOUND)$/),
    })
  }
  await ipfs.repo.gc().catch(() => {})
  expect(ipfs.stats().migration).toMatchObject({ state: 'done', damaged: 3, blocks: home.blocks.length - 3 })
  const kept = await readdir(join(home.path, 'blocks', 'damaged'))
  expect(kept.toSorted()).toEqual(leaves.map(({ file }) => file.slice(dirname(file).length + 1)).toSorted())
  expect(
    await readFile(join(home.path, 'blocks', 'damaged', cut!.file.slice(dirname(cut!.file).length + 1))),
  ).toEqual(cut!.bytes.subarray(0, -1))
  expect((await ipfs.repo.stat()).blocks).toBe(home.blocks.length - 3)
  // Added again, the content is whole.
  await added(ipfs, [{ path: 'again', content: cut!.bytes }])
  if (cut!.cid.code === 0x55) expect(Buffer.compare(await ipfs.blocks.get(cut!.cid), cut!.bytes)).toBe(0)
})

it('names that are no blocks are left alone, and half-written files go', async () => {
  const home = await oldHome(20)
  const shard = dirname(home.blocks[0]!.file)
  const name = home.blocks[0]!.file.slice(shard.length + 1)
  await writeFile(join(shard, 'notes.txt'), 'mine')
  await writeFile(join(shard, 'BAAAA.data'), 'no multihash')
  await writeFile(join(shard, `.${name}.tmp`), 'half')
  await mkdir(join(home.path, 'blocks', 'my-folder'))
  await mkdir(join(shard, 'BEEF.data'))
  const { ipfs } = await opened({ path: home.path })
  await moved(ipfs)
  expect((await readdir(shard)).toSorted()).toEqual(['BAAAA.data', 'BEEF.data', 'notes.txt'])
  expect(existsSync(join(home.path, 'blocks', 'my-folder'))).toBe(true)
  expect(ipfs.stats().migration).toMatchObject({ state: 'done', blocks: home.blocks.length, damaged: 0 })
  await readAll(ipfs, home)
})

it('a home without the old layout knows nothing of it', async () => {
  const { ipfs } = await opened()
  await addFile(ipfs, 'x')
  expect(ipfs.stats()).not.toHaveProperty('migration')
})
