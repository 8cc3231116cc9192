import { random, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { openBlocks } from '@ipfs-kit/blocks'
import { openDiskCache } from '@ipfs-kit/cache/disk'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { bytesOf, comesTo, keysOf, mib, open, openOn } from './disk-ground.ts'
import { collect } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 10 })

onBoth('a value counts until its time is over, to the millisecond, also for the next opening', async () => {
  const disk = simDisk({ seed: 1 })
  let time = 1000
  const options = { ttlMs: 10, now: () => time }
  {
    await using cache = await openOn(disk, options)
    await cache.put('usual', bytesOf(1, 5))
    await cache.put('long', bytesOf(2, 20_000), { ttlMs: 20 })
    await cache.put('ever', bytesOf(3, 5), { ttlMs: Infinity })
    time += 9
    expect(await keysOf(cache)).toEqual(['ever', 'long', 'usual'])
    time += 1
    expect(await keysOf(cache)).toEqual(['ever', 'long'])
    expect(await cache.getBytes('usual')).toBeUndefined()
    expect(await cache.get('usual')).toBeUndefined()
    expect(await cache.stat('usual')).toBeUndefined()
    expect(await cache.entry('usual')).toBeUndefined()
    expect(await cache.touch('usual')).toBe(false)
    expect(cache.stats()).toMatchObject({ entries: 2, expired: 1, misses: 2, hits: 0, bytes: 20_005 })
  }
  time += 10
  await using cache = await openOn(disk, options)
  expect(await keysOf(cache)).toEqual(['ever'])
  expect(cache.stats().entries).toBe(1)
})

onBoth('touching gives a new time and leaves all else, also for the next opening', async () => {
  const disk = simDisk({ seed: 1 })
  let time = 0
  const options = { ttlMs: 10, now: () => time }
  {
    await using cache = await openOn(disk, options)
    for (const size of [5, 40_000])
      await cache.put(`${size}`, bytesOf(size, size), { mediaType: 'a/b', metadata: { a: 'b' } })
    time = 9
    expect(await cache.touch('5', { ttlMs: 100 })).toBe(true)
    expect(await cache.touch('40000')).toBe(true)
    expect(await cache.touch('nothing')).toBe(false)
    time = 18
  }
  await using cache = await openOn(disk, options)
  for (const size of [5, 40_000]) {
    expect(Buffer.compare((await cache.getBytes(`${size}`))!, bytesOf(size, size))).toBe(0)
    const expiresAt = size === 5 ? 109 : 19
    const known = { mediaType: 'a/b', metadata: { a: 'b' }, storedAt: 0, expiresAt }
    expect(await cache.entry(`${size}`)).toMatchObject(known)
  }
  expect(await cache.touch('5', { ttlMs: 1 })).toBe(true)
  time = 19
  expect(await keysOf(cache)).toEqual([])
})

test('a clock that goes back makes nothing expire early, one that jumps ahead all of it', async () => {
  let time = 1e9
  await using cache = await open({ ttlMs: 10, now: () => time })
  await cache.put('key', bytesOf(1, 5))
  time -= 1e6
  expect(await cache.getBytes('key')).toEqual(bytesOf(1, 5))
  time += 1e8
  expect(await cache.getBytes('key')).toBeUndefined()
  time -= 1e8
  expect(await cache.getBytes('key')).toBeUndefined()
})

onBoth('the records of what has expired go, but for a value that is being read', async () => {
  let time = 0
  await using blocks = await openBlocks({ path: '/store', disk: simDisk({ seed: 1 }), maxBytes: 1_048_576 })
  const cache = await openDiskCache({ blocks, failureDomain: 'test', now: () => time, ttlMs: 10 })
  for (let at = 0; at < 20; at += 1) await cache.put(`key ${at}`, bytesOf(at, 20_000))
  const found = await cache.get('key 7')
  expect(blocks.stats().entries).toBe(60)
  time = 10
  expect(cache.stats().entries).toBe(0)
  // The parts of the one that is being read.
  await comesTo(() => blocks.stats().entries, 2)
  expect(Buffer.compare((await collect(found!.body))!, bytesOf(7, 20_000))).toBe(0)
  await comesTo(() => blocks.stats().entries, 0)
  expect(cache.stats()).toMatchObject({ expired: 20, leftovers: 0, readers: 0 })
  await cache.close()
})

test('many touches of a value leave the times of others', async () => {
  let time = 0
  await using cache = await open({ now: () => time })
  await cache.put('key', bytesOf(1, 5), { ttlMs: 1000 })
  await cache.put('other', bytesOf(1, 5), { ttlMs: 700 })
  for (; time < 500; time += 1) await cache.touch('key', { ttlMs: 1000 })
  time = 699
  expect(cache.stats()).toMatchObject({ entries: 2 })
  time = 700
  expect(cache.stats()).toMatchObject({ entries: 1, expired: 1 })
  time = 1498
  expect(cache.stats()).toMatchObject({ entries: 1 })
  time = 1499
  expect(cache.stats()).toMatchObject({ entries: 0, expired: 2 })
})

onBoth(
  'a value that is touched in time is there, however long the disk takes to write that down',
  async () => {
    let time = 0
    const disk = simDisk({ seed: Math.floor(random() * 2 ** 31), faults: { latencyMs: 20 } })
    await using cache = await openOn(disk, { now: () => time })
    for (const waitMs of [1, 2, 4, 8]) {
      await cache.put('key', bytesOf(1, 4000), { ttlMs: 10 })
      time += 9
      const touching = cache.touch('key', { ttlMs: 1000 })
      await sleep(waitMs)
      time += 2
      // Whoever looks lets go what has expired.
      cache.stats()
      const isTouched = await touching
      expect(await cache.getBytes('key')).toEqual(isTouched ? bytesOf(1, 4000) : undefined)
    }
  },
)

onBoth(
  'of very many values that expire at once none is given, and they go a few at a time',
  async () => {
    let time = 0
    await using cache = await open({ now: () => time, maxBytes: 16 * mib })
    for (let at = 0; at < 2000; at += 1) await cache.put(`key ${at}`, bytesOf(at, 1), { ttlMs: 10 })
    await cache.put('stays', bytesOf(1, 1))
    time = 1e9
    expect(await keysOf(cache, 'key 1')).toEqual([])
    expect(await cache.entry('key 1999')).toBeUndefined()
    expect(await cache.touch('key 1998')).toBe(false)
    await cache.put('key 1997', bytesOf(5, 1), { ifAbsent: true })
    await comesTo(() => cache.stats().entries, 2)
    expect(cache.stats()).toMatchObject({ expired: 2000, bytes: 2, leftovers: 0 })
    expect(await keysOf(cache)).toEqual(['key 1997', 'stays'])
  },
  { seeds: 2 },
)

test('one call lets go a bounded number of values', async () => {
  let time = 0
  await using cache = await open({ now: () => time, maxBytes: 16 * mib })
  for (let at = 0; at < 2000; at += 1) await cache.put(`key ${at}`, bytesOf(at, 1), { ttlMs: 10 })
  time = 10
  expect(cache.stats().expired).toBeLessThan(1000)
  await comesTo(() => cache.stats().expired, 2000)
})

test('what has expired goes for a new value before anything else does', async () => {
  let time = 0
  await using cache = await open({ now: () => time, maxEntries: 2 })
  await cache.put('stays', bytesOf(1, 5))
  await cache.put('expires', bytesOf(1, 5), { ttlMs: 10 })
  time = 10
  await cache.put('new', bytesOf(1, 5))
  expect(await keysOf(cache)).toEqual(['new', 'stays'])
  expect(cache.stats()).toMatchObject({ expired: 1, evicted: 0 })
})

test('a probe is no judge of a time to live that is short', async () => {
  let time = 0
  await using cache = await open({ ttlMs: 1, now: () => (time += 1) })
  expect((await cache.probe()).steps).toEqual(['write', 'read', 'list', 'delete'])
})
