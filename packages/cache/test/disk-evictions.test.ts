import { type Blocks, BlocksError, openBlocks } from '@ipfs-kit/blocks'
import { type DiskCache, type DiskCacheOptions, openDiskCache } from '@ipfs-kit/cache/disk'
import { createEvent } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { bytesOf, chunked, codeOf, comesTo, keysOf, mib, storeWith } from './disk-ground.ts'
import { collect } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 10 })

async function openBoth(
  options: Partial<DiskCacheOptions> = {},
): Promise<{ blocks: Blocks; cache: DiskCache; [Symbol.asyncDispose](): Promise<void> }> {
  const blocks = await openBlocks({ path: '/s', disk: simDisk({ seed: 1 }), maxBytes: mib, minFreeBytes: 0 })
  const cache = await openDiskCache({ blocks, failureDomain: 'test', ...options })
  const close = async (): Promise<void> => {
    await cache.close()
    await blocks.close()
  }
  return { blocks, cache, [Symbol.asyncDispose]: close }
}

/** The names of the records of a cache that have something in them. */
async function recordsWith(blocks: Blocks, text: string): Promise<string[]> {
  const names: string[] = []
  for await (const { key } of blocks.unverified.list()) if (key.includes(text)) names.push(key)
  return names
}

onBoth(
  'goes on when all is full: the newest values are there, whole, and what is evicted leaves nothing',
  async () => {
    await using both = await openBoth()
    const { blocks, cache } = both
    for (let at = 0; at < 200; at += 1) await cache.put(`key ${at}`, bytesOf(at, 30_000))
    expect(blocks.stats().evictedPacks).toBeGreaterThan(30)
    expect(blocks.stats().packBytes).toBeLessThanOrEqual(mib)
    const keys = await keysOf(cache)
    expect(keys).toContain('key 199')
    expect(keys.length).toBeGreaterThan(10)
    let found = 0
    for (let at = 0; at < 200; at += 1) {
      const bytes = await cache.getBytes(`key ${at}`)
      if (bytes === undefined) continue
      found += 1
      expect(keys).toContain(`key ${at}`)
      expect(Buffer.compare(bytes, bytesOf(at, 30_000))).toBe(0)
    }
    const { entries, bytes, evicted, puts, hits, misses } = cache.stats()
    expect({ entries, bytes, evicted, puts, hits, misses }).toEqual({
      entries: found,
      bytes: found * 30_000,
      evicted: 200 - found,
      puts: 200,
      hits: found,
      misses: 200 - found,
    })
    // A head and two parts of each.
    await comesTo(() => blocks.stats().entries - 3 * cache.stats().entries, 0)
  },
)

onBoth('notices what was evicted without being asked for it', async () => {
  await using both = await openBoth()
  const { blocks, cache } = both
  for (let at = 0; at < 100; at += 1) await cache.put(`key ${at}`, bytesOf(at, 30_000))
  await cache.put('a/last', bytesOf(1, 1))
  cache.stats()
  await comesTo(() => 3 * (cache.stats().entries - 1) + 1 - blocks.stats().entries, 0)
  // It may pass by that number on its way; what the list finds whole is where it ends.
  const keys = await keysOf(cache)
  await comesTo(() => cache.stats().entries, keys.length)
})

onBoth('a value that lacks a record is a miss, and all of it goes', async () => {
  await using both = await openBoth()
  const { blocks, cache } = both
  const ways = {
    getBytes: async () => expect(await cache.getBytes('key')).toBeUndefined(),
    get: async () => expect(await cache.get('key')).toBeUndefined(),
    'get of a range': async () => expect(await cache.get('key', { offset: 35_000 })).toBeUndefined(),
    stat: async () => expect(await cache.stat('key')).toBeUndefined(),
    entry: async () => expect(await cache.entry('key')).toBeUndefined(),
    touch: async () => expect(await cache.touch('key')).toBe(false),
    list: async () => expect(await keysOf(cache)).toEqual([]),
    ifAbsent: async () => expect(await cache.clear()).toBe(1),
  }
  for (const way of Object.values(ways)) {
    for (const part of ['/0', '/1', '/2', '\0h']) {
      await cache.put('key', bytesOf(1, 40_000))
      const [name] = await recordsWith(blocks, part)
      await blocks.unverified.delete(name!)
      await way()
      expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0 })
      await comesTo(() => blocks.stats().entries, 0)
    }
  }
})

onBoth('what the store has lost while the cache was closed is not there when it is opened', async () => {
  await using both = await openBoth()
  const { blocks, cache } = both
  for (const at of [0, 1, 2, 3]) await cache.put(`key ${at}`, bytesOf(at, 40_000))
  await cache.close()
  for (const part of ['-1/0', '-2/2', '\0hkey 2'])
    for (const name of await recordsWith(blocks, part)) await blocks.unverified.delete(name)
  const again = await openDiskCache({ blocks, failureDomain: 'test' })
  expect(again.stats()).toMatchObject({ entries: 1, bytes: 40_000, evicted: 2 })
  await comesTo(() => blocks.stats().entries, 4)
  expect(Buffer.compare((await again.getBytes('key 3'))!, bytesOf(3, 40_000))).toBe(0)
  await again.close()
})

onBoth('a part of another length, or a head that is none, is a miss', async () => {
  await using both = await openBoth()
  const { blocks, cache } = both
  for (const [part, bytes] of [
    ['/1', 5],
    ['/2', 20_000],
    ['\0h', 0],
    ['\0h', 36],
    ['\0h', 500],
  ] as const) {
    await cache.put('key', bytesOf(1, 40_000))
    const [name] = await recordsWith(blocks, part)
    await blocks.unverified.put(name!, bytesOf(1, bytes))
    expect(await cache.getBytes('key')).toBeUndefined()
    await comesTo(() => blocks.stats().entries, 0)
  }
})

onBoth('a part that is lost while a body is read ends it with an error, and the value is gone', async () => {
  await using both = await openBoth()
  const { blocks, cache } = both
  await cache.put('key', bytesOf(1, 40_000))
  const found = await cache.get('key')
  const body = found!.body[Symbol.asyncIterator]()
  expect((await body.next()).value).toEqual(bytesOf(1, 40_000).subarray(0, 16_384))
  const [name] = await recordsWith(blocks, '/2')
  await blocks.unverified.delete(name!)
  expect((await body.next()).value).toHaveLength(16_384)
  expect(await codeOf(body.next())).toBe('CACHE_LOST')
  // The end of what is there does not look like the end of the value.
  expect(await codeOf(body.next())).toBe('CACHE_LOST')
  expect(await cache.stat('key')).toBeUndefined()
  await comesTo(() => blocks.stats().entries, 0)
  expect(cache.stats()).toMatchObject({ readers: 0, evicted: 1 })
})

onBoth('values and bodies that are too large are refused, and change nothing', async () => {
  await using both = await openBoth({ maxArrivingBytes: 40_000 })
  const { blocks, cache } = both
  await cache.put('key', bytesOf(1, 100))
  const tooLarge = bytesOf(2, mib / 4 + 1)
  expect(await codeOf(cache.put('key', tooLarge))).toBe('STORAGE_FULL')
  expect(await codeOf(cache.put('key', chunked(tooLarge, 10_000)))).toBe('STORAGE_FULL')
  expect(await codeOf(cache.put('key', chunked(tooLarge, 10), { size: tooLarge.length }))).toBe(
    'STORAGE_FULL',
  )
  const opened = createEvent()
  const slow = async function* (): AsyncGenerator<Uint8Array> {
    yield bytesOf(3, 15_000)
    await opened.wait()
    yield bytesOf(4, 1000)
  }
  const puts = [cache.put('slow 1', slow()), cache.put('slow 2', slow())].map(codeOf)
  await comesTo(() => cache.stats().arrivingBytes, 30_000)
  expect(await codeOf(cache.put('slow 3', slow()))).toBe('STORAGE_FULL')
  opened.set()
  expect(await Promise.all(puts)).toEqual(['no error', 'no error'])
  expect(await cache.clear({ prefix: 'slow' })).toBe(2)
  expect(await cache.getBytes('key')).toEqual(bytesOf(1, 100))
  await comesTo(() => blocks.stats().entries, 1)
  expect(cache.stats().arrivingBytes).toBe(0)
})

onBoth('a value that is evicted while it arrives is refused', async () => {
  await using both = await openBoth({ maxValueBytes: 100 * mib })
  const { blocks, cache } = both
  expect(await codeOf(cache.put('key', chunked(bytesOf(1, 2 * mib), 50_000)))).toBe('STORAGE_FULL')
  expect(await cache.stat('key')).toBeUndefined()
  await comesTo(() => blocks.stats().entries, 0)
})

onBoth('has so many entries at most; the one that was not used for longest goes', async () => {
  await using both = await openBoth({ maxEntries: 3 })
  const { blocks, cache } = both
  for (const key of ['a', 'b', 'c']) await cache.put(key, bytesOf(1, 20_000))
  await cache.getBytes('a')
  await cache.touch('b')
  await cache.stat('c')
  await cache.put('d', bytesOf(1, 5))
  expect(await keysOf(cache)).toEqual(['a', 'b', 'd'])
  await collect((await cache.get('a'))?.body)
  await cache.put('e', bytesOf(1, 5))
  await cache.put('e', bytesOf(1, 6))
  expect(await keysOf(cache)).toEqual(['a', 'd', 'e'])
  expect(cache.stats()).toMatchObject({ entries: 3, evicted: 2 })
  expect(blocks.stats().entries).toBe(5)
  await cache.close()
  const again = await openDiskCache({ blocks, failureDomain: 'test', maxEntries: 2 })
  expect(await keysOf(again)).toHaveLength(2)
  await again.close()
})

onBoth('a value that could not be deleted makes room for itself if its own was taken meanwhile', async () => {
  await using blocks = await openBlocks({ path: '/s', disk: simDisk({ seed: 1 }), maxBytes: mib })
  const { unverified } = blocks
  const opened = createEvent()
  let isFull = true
  const store = storeWith(blocks, {
    delete: async (...given) => {
      if (!isFull) return unverified.delete(...given)
      isFull = false
      await opened.wait()
      throw new BlocksError('BLOCKS_FULL', 'no room to write a deletion down')
    },
  })
  const cache = await openDiskCache({ blocks: store, failureDomain: 'test', maxEntries: 2 })
  for (const key of ['a', 'b']) await cache.put(key, bytesOf(1, 10))
  const deleting = codeOf(cache.delete('a'))
  await comesTo(() => cache.stats().entries, 1)
  await cache.put('c', bytesOf(1, 10))
  opened.set()
  expect(await deleting).toBe('STORAGE_FULL')
  expect(await keysOf(cache)).toEqual(['a', 'c'])
  await comesTo(() => blocks.stats().entries, 2)
  await cache.close()
})

onBoth('what a put that failed or was replaced has left in the store is gone at once', async () => {
  await using both = await openBoth()
  const { blocks, cache } = both
  await cache.put('key', bytesOf(1, 60_000))
  await cache.put('key', bytesOf(2, 20_000))
  expect(blocks.stats().entries).toBe(3)
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield bytesOf(3, 50_000)
    throw new Error('the source failed')
  }
  await expect(cache.put('key', failing())).rejects.toThrow('the source failed')
  expect(blocks.stats().entries).toBe(3)
  expect(await codeOf(cache.put('key', bytesOf(4, 50_000), { size: 50_001 }))).toBe('STORAGE_SIZE_MISMATCH')
  expect(blocks.stats().entries).toBe(3)
  expect(await cache.getBytes('key')).toEqual(bytesOf(2, 20_000))
})

onBoth('what others have in the store is left alone, also by a cache of another name', async () => {
  await using both = await openBoth()
  const { blocks, cache } = both
  const other = await openDiskCache({ blocks, failureDomain: 'test', name: 'other' })
  await blocks.unverified.put('theirs', bytesOf(1, 10))
  await cache.put('key', bytesOf(2, 20_000))
  await other.put('key', bytesOf(3, 20_000))
  await cache.clear()
  expect(await other.getBytes('key')).toEqual(bytesOf(3, 20_000))
  expect(await blocks.unverified.get('theirs')).toEqual(bytesOf(1, 10))
  expect(await codeOf(openDiskCache({ blocks, failureDomain: 'test' }))).toBe('CACHE_LOCKED')
  await other.close()
  await cache.close()
  const again = await openDiskCache({ blocks, failureDomain: 'test', name: 'other' })
  expect(again.stats().entries).toBe(1)
  await again.close()
})
