/** What was deleted does not come back, whatever has failed before. */
import { type Blocks, openBlocks } from '@ipfs-kit/blocks'
import { type DiskCache, openDiskCache } from '@ipfs-kit/cache/disk'
import { sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { bytesOf, codeOf, keysOf, mib, openOn } from './disk-ground.ts'

const onBoth = forEachBackend(test, { seeds: 5 })

const ways: Record<string, (cache: DiskCache) => Promise<unknown>> = {
  'a delete': (cache) => cache.delete('key'),
  'a clear': (cache) => cache.clear({ prefix: 'k' }),
}

function storeOn(disk: SimDisk): Promise<Blocks> {
  return openBlocks({ path: '/s', disk, maxBytes: mib, minFreeBytes: 0 })
}

function openIn(blocks: Blocks, maxEntries = 10): Promise<DiskCache> {
  return openDiskCache({ blocks, failureDomain: 'test', maxEntries })
}

async function expectGone(disk: SimDisk): Promise<void> {
  await using again = await openOn(disk)
  expect(await keysOf(again, 'k')).toEqual([])
}

for (const [name, way] of Object.entries(ways)) {
  onBoth(`${name} that failed is done by doing it again`, async () => {
    for (const size of [100, 40_000]) {
      let failures = 0
      for (let nth = 1; nth <= 3; nth += 1) {
        const disk = simDisk({ seed: nth })
        const cache = await openOn(disk)
        await cache.put('key', bytesOf(1, size))
        disk.failAt('write', nth)
        if ((await codeOf(way(cache))) !== 'no error') failures += 1
        await way(cache)
        expect(await cache.getBytes('key')).toBeUndefined()
        await cache.close()
        await expectGone(disk)
      }
      expect(failures).toBeGreaterThan(0)
    }
  })

  onBoth(`${name} counts for a value that opening could not read`, async () => {
    const disk = simDisk({ seed: 1 })
    await using blocks = await storeOn(disk)
    const first = await openIn(blocks)
    await first.put('key', bytesOf(1, 100))
    await first.put('other', bytesOf(2, 100))
    await first.close()
    disk.setFaults({ readErrors: 1 })
    const second = await openIn(blocks)
    disk.setFaults({ readErrors: 0 })
    expect(await keysOf(second)).toEqual([])
    await way(second)
    await second.close()
    const third = await openIn(blocks)
    expect(await keysOf(third)).toEqual(['other'])
    await third.close()
  })

  onBoth(`${name} counts for a value that could not be removed when it was evicted`, async () => {
    const disk = simDisk({ seed: 1 })
    const cache = await openOn(disk, { maxEntries: 1 })
    await cache.put('key', bytesOf(1, 100))
    // The first write is that of the other value.
    disk.failAt('write', 2)
    await cache.put('other', bytesOf(2, 100))
    expect(cache.stats()).toMatchObject({ entries: 1, leftovers: 1 })
    await way(cache)
    await cache.close()
    await expectGone(disk)
  })

  onBoth(`${name} counts for what waits to be removed since the cache was opened`, async () => {
    const disk = simDisk({ seed: 1 })
    await using blocks = await storeOn(disk)
    const first = await openIn(blocks)
    for (let at = 0; at < 5; at += 1) await first.put(at === 0 ? 'key' : `key ${at}`, bytesOf(at, 100))
    await first.close()
    const second = await openIn(blocks, 1)
    await way(second)
    let names = 0
    for await (const record of blocks.unverified.list()) if (record.key.endsWith('hkey')) names += 1
    expect(names).toBe(0)
    await second.close()
  })

  onBoth(
    `${name} is not answered before another one of the same value is on the disk`,
    async () => {
      const disk = simDisk({ seed: 1, faults: { latencyMs: 20 } })
      const cache = await openOn(disk)
      await cache.put('key', bytesOf(1, 100))
      const other = codeOf(cache.delete('key'))
      await sleep(1)
      await way(cache)
      const next = disk.kill()
      await other
      await codeOf(cache.close())
      await expectGone(next)
    },
    { only: 'sim' },
  )
}

onBoth('a value that was put again after a delete that failed is there', async () => {
  const disk = simDisk({ seed: 1 })
  const cache = await openOn(disk)
  await cache.put('key', bytesOf(1, 100))
  disk.failAt('write', 1)
  expect(await codeOf(cache.delete('key'))).toBe('BLOCKS_IO')
  await cache.put('key', bytesOf(2, 100))
  expect(await cache.clear({ prefix: 'x' })).toBe(0)
  await cache.close()
  await using again = await openOn(disk)
  expect(await again.getBytes('key')).toEqual(bytesOf(2, 100))
})
