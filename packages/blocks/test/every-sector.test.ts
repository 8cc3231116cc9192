import type { SimDisk } from '@ipfs-kit/disk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { numbered } from './crash/made-blocks.ts'
import { bytesOf, change, folder, openOn } from './crash/open-store.ts'
import { type Lying, records, smallStore, type Stored } from './crash/small-store.ts'
import { findingsOf } from './findings-of.ts'

const sectorBytes = 512
const stores: { closed?: Stored; killed?: Stored } = {}
beforeAll(async () => {
  stores.closed = await smallStore(true)
  stores.killed = await smallStore(false)
})
afterAll(() => {
  delete stores.closed
  delete stores.killed
})

/** What a read of some bytes gives; `undefined` also if the disk fails to read them. */
async function answer(read: () => Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
  try {
    return await read()
  } catch (error) {
    expect(error).toMatchObject({ name: 'BlocksError', code: 'BLOCKS_IO' })
    return undefined
  }
}

/** Which blocks are not answered. Whatever is answered is right. */
async function lostOf(store: Blocks, blocks: readonly Lying[]): Promise<Lying[]> {
  const lost: Lying[] = []
  for (const block of blocks) {
    const found = await answer(() => store.get(block.cid))
    if (found === undefined) lost.push(block)
    else if (Buffer.compare(found, block.bytes) !== 0) throw new Error(`${block.cid} is wrong`)
  }
  for (const [key, value] of records) {
    const found = await answer(() => store.unverified.get(key))
    if (found !== undefined && Buffer.compare(found, value) !== 0) throw new Error(`${key} is wrong`)
  }
  return lost
}

function isIn(sector: number): (block: Lying) => boolean {
  return ({ begin, end }) => begin < (sector + 1) * sectorBytes && end > sector * sectorBytes
}

/** Without the header, which is in the trailer as well, no frame can be told. */
function mayLoseAll(state: 'closed' | 'killed', sector: number): boolean {
  return state === 'killed' && sector === 0
}

function packsOf({ files }: Stored): Stored['files'] {
  return files.filter(({ path }) => path.endsWith('.pack'))
}

/** Calls `each` for every sector of every pack. */
async function forEachSector(
  stored: Stored,
  each: (disk: SimDisk, path: string, sector: number, hit: readonly Lying[], bytes: Buffer) => Promise<void>,
): Promise<void> {
  for (const { path, bytes } of packsOf(stored)) {
    const blocks = path.includes('kept') ? stored.kept : stored.cached
    for (let sector = 0; sector * sectorBytes < bytes.length; sector += 1) {
      const disk = stored.disk.copy(1)
      disk.damage(path, sector)
      try {
        await each(disk, path, sector, blocks.filter(isIn(sector)), bytes)
      } catch (error) {
        throw new Error(`sector ${sector} of ${path}`, { cause: error })
      }
    }
  }
}

for (const state of ['closed', 'killed'] as const) {
  test(`a sector that cannot be read costs the blocks that lie in it, and nothing else (${state} store)`, async () => {
    const stored = stores[state]!
    await forEachSector(stored, async (disk, path, sector, hit, bytes) => {
      const blocks = [...stored.kept, ...stored.cached]
      const own = path.includes('kept') ? stored.kept : stored.cached
      const mayGo: readonly Lying[] = mayLoseAll(state, sector) ? own : hit
      let store: Blocks | undefined
      const findings = await findingsOf(async () => (store = await openOn(disk)))
      // Opening reads no frames of a pack with a footer, and of that not the keys.
      if (state === 'killed' || sector === 0 || (sector + 1) * sectorBytes > bytes.length) {
        expect(findings).toContainEqual(expect.objectContaining({ path, problem: 'unreadable' }))
      }
      for (const block of await lostOf(store!, blocks)) expect(mayGo).toContain(block)
      const fresh = numbered(1000, 300)
      const lease = store!.lease()
      await lease.put(fresh.cid, fresh.bytes)
      await store!.put(numbered(1001, 300).cid, numbered(1001, 300).bytes)
      await lease.flush()
      lease.close()
      await store!.close()
      // A file with a sector that opening could not read is as it was.
      if (path.includes('kept') && findings.length > 0) {
        const healed = disk.copy(1)
        await change(
          healed,
          path,
          sector * sectorBytes,
          bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes),
        )
        expect((await bytesOf(healed, path)).equals(bytes)).toBe(true)
      }
      await using again = await openOn(disk.crash())
      expect(await again.get(fresh.cid)).toEqual(Buffer.from(fresh.bytes))
      for (const block of await lostOf(again, stored.kept)) expect(mayGo).toContain(block)
    })
  })

  test(`what could not be read is there again when it can be read (${state} store)`, async () => {
    const stored = stores[state]!
    await forEachSector(stored, async (disk, path, sector, _hit, bytes) => {
      const store = await openOn(disk)
      await store.put(numbered(1001, 300).cid, numbered(1001, 300).bytes)
      await store.close()
      if ((await disk.stat(path)) === undefined) expect(path).toContain('cache')
      else
        await change(
          disk,
          path,
          sector * sectorBytes,
          bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes),
        )
      await using again = await openOn(disk)
      expect(await lostOf(again, stored.kept)).toEqual([])
      expect(await lostOf(again, stored.cached)).toEqual([])
    })
  })

  test(`upkeep neither stops at a sector that cannot be read nor removes what it does not know (${state} store)`, async () => {
    const stored = stores[state]!
    await forEachSector(stored, async (disk, path, sector, hit, bytes) => {
      const mayGo: readonly Lying[] = mayLoseAll(state, sector) ? stored.kept : hit
      await using store = await openOn(disk)
      const damages = (await store.verify()).damages.map(({ problem }) => problem)
      if (!mayLoseAll(state, sector)) expect(damages).toContain('unreadable')
      await store.compact({ minDeadShare: 0 })
      await store.collect()
      expect(store.stats().cacheEntries).toBe(0)
      for (const block of await lostOf(store, stored.kept)) expect(mayGo).toContain(block)
      const isCache = path.includes('cache')
      const size = (await disk.stat(path))?.size
      if (!isCache && hit.length > 0) expect(size).toBe(bytes.length)
      if (isCache && !mayLoseAll(state, sector)) expect(size).toBeUndefined()
    })
  })
}

test('a store of which nothing can be read is refused', async () => {
  const stored = stores.closed!
  for (const isWanted of [
    (path: string) => path.endsWith('.pack'),
    (path: string) => path.endsWith('/store'),
  ]) {
    const disk = stored.disk.copy(1)
    for (const { path, bytes } of stored.files.filter((file) => isWanted(file.path))) {
      for (let sector = 0; sector * sectorBytes < bytes.length; sector += 1) disk.damage(path, sector)
    }
    await expect(openOn(disk)).rejects.toMatchObject({ name: 'BlocksError', code: 'BLOCKS_IO' })
  }
})

test('a pack of which nothing can be read is left where it is, and counts', async () => {
  const stored = stores.closed!
  const disk = stored.disk.copy(1)
  const { path, bytes } = packsOf(stored).find((file) => file.path.includes('kept'))!
  for (let sector = 0; sector * sectorBytes < bytes.length; sector += 1) disk.damage(path, sector)
  await using store = await openOn(disk)
  expect(await lostOf(store, stored.cached)).toEqual([])
  const { packBytes, keptPackBytes, cachePackBytes } = store.stats()
  expect(packBytes - keptPackBytes - cachePackBytes).toBe(Math.ceil(bytes.length / 4096) * 4096)
  expect((await disk.list(folder)).map(({ name }) => `${folder}/${name}`)).toContain(path)
})

test('reads that fail once cost nothing', async () => {
  for (const state of ['closed', 'killed'] as const) {
    const stored = stores[state]!
    for (let nth = 1; nth <= 60; nth += 1) {
      const disk = stored.disk.copy(nth)
      disk.failAt('read', nth)
      const findings = await findingsOf(async () => {
        await using store = await openOn(disk)
        expect(await lostOf(store, [...stored.kept, ...stored.cached])).toEqual([])
      }).catch((error: unknown) => {
        // The file of the store is read once.
        expect(error).toMatchObject({ code: 'BLOCKS_IO' })
        expect(nth).toBe(1)
        return []
      })
      expect(findings).not.toContainEqual(expect.objectContaining({ problem: 'unreadable' }))
    }
  }
})
