import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { type Block, listOf, numbered } from './crash/made-blocks.ts'
import { bytesOf, change, folder, openOn } from './crash/open-store.ts'

/** A disk with a store that was closed, whose kept block has a bit that is not as it was. */
async function diskWithDamage(block: Block, claimed: readonly Block[]) {
  const disk = simDisk({ seed: 1 })
  const store = await openOn(disk, { claimed })
  const lease = store.lease()
  for (const { cid, bytes } of new Set([block, ...claimed])) await lease.put(cid, bytes)
  await lease.flush()
  lease.close()
  await store.close()
  const { name } = (await disk.list(folder)).find((entry) => entry.name.startsWith('kept-'))!
  const path = `${folder}/${name}`
  const bytes = await bytesOf(disk, path)
  const at = bytes.indexOf(Buffer.from(block.bytes)) + 20
  await change(disk, path, at, Buffer.of(bytes[at]! ^ 1))
  return disk
}

for (const way of ['a put', 'a put of a lease for cached blocks', 'a put of a lease'] as const) {
  test(`a damaged kept block that was repaired by ${way} is whole after reopening as well`, async () => {
    const block = numbered(7, 1000)
    const claimed = [listOf([block.cid], 1)]
    const disk = await diskWithDamage(block, claimed)
    const store = await openOn(disk, { claimed })
    expect(await store.get(block.cid)).toBeUndefined()
    if (way === 'a put') await store.put(block.cid, block.bytes)
    else {
      using lease = store.lease({ stream: way === 'a put of a lease' ? 'kept' : 'cache' })
      expect(await lease.put(block.cid, block.bytes)).toBe('new')
    }
    expect(await store.get(block.cid)).toEqual(Buffer.from(block.bytes))
    expect(await store.explain(block.cid)).toMatchObject({ state: 'kept' })
    await store.collect()
    await store.close()
    await using again = await openOn(disk, { claimed })
    expect(await again.get(block.cid)).toEqual(Buffer.from(block.bytes))
    expect(await again.explain(block.cid)).toMatchObject({ state: 'kept' })
    expect((await again.verify()).damagedBlocks).toBe(0)
    expect((await again.mark()).missingLeaves).toBe(0)
  })
}

test('damage that nobody has met is repaired by a put as well', async () => {
  const block = numbered(7, 1000)
  const disk = await diskWithDamage(block, [block])
  const store = await openOn(disk, { claimed: [block] })
  await store.put(block.cid, block.bytes)
  await store.close()
  await using again = await openOn(disk, { claimed: [block] })
  expect(await again.get(block.cid)).toEqual(Buffer.from(block.bytes))
})
