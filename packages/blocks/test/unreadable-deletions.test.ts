import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks } from '../src/blocks.ts'
import { numbered } from './crash/made-blocks.ts'
import { bytesOf, folder, openOn } from './crash/open-store.ts'

const value = (text: string): Buffer => Buffer.from(text.padEnd(600, '.'))

/** Two sealed cache packs: the older one has values that the newer one replaces and deletes. */
async function replaced(): Promise<SimDisk> {
  const disk = simDisk({ seed: 1, faults: { shortWrites: 0, slowReads: 0 } })
  const store = await openOn(disk)
  for (const key of ['replaced', 'deleted']) await store.unverified.put(key, value(`old ${key}`))
  const padding = numbered(1000, 1400)
  for (let at = 0; at < 60; at += 1) await store.put(numbered(at, 1400).cid, numbered(at, 1400).bytes)
  await store.unverified.put('replaced', value('new'))
  await store.unverified.delete('deleted')
  await store.put(padding.cid, padding.bytes)
  await store.close()
  return disk
}

async function read(store: Blocks, key: string): Promise<string | undefined> {
  try {
    const found = await store.unverified.get(key)
    return found && Buffer.from(found).toString().replaceAll('.', '')
  } catch (error) {
    expect(error).toMatchObject({ code: 'BLOCKS_IO' })
    return 'cannot be read'
  }
}

test('an older value is not answered for one, or for a deletion, that cannot be read', async () => {
  const disk = await replaced()
  const names = (await disk.list(folder)).map(({ name }) => name).filter((name) => name.startsWith('cache'))
  expect(names.length).toBe(2)
  const newest = `${folder}/${names.sort()[1]}`
  const bytes = await bytesOf(disk, newest)
  const trailer = bytes.subarray(-64)
  const dataEnd = Number(trailer.readBigUInt64LE(16))
  const seen = new Set<string | undefined>()
  // Behind that is the footer. Without one a deletion is lost with its frame: FORMAT.md says so.
  for (let sector = 0; (sector + 1) * 512 <= dataEnd; sector += 1) {
    const copy = disk.copy(1)
    copy.damage(newest, sector)
    await using store = await openOn(copy)
    const found = await read(store, 'replaced')
    seen.add(found)
    expect(['new', 'cannot be read'], `sector ${sector}`).toContain(found)
    expect(await read(store, 'deleted'), `sector ${sector}`).toBeUndefined()
  }
  expect(seen).toEqual(new Set(['new', 'cannot be read']))
})
