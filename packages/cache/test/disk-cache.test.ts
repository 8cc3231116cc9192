import { openBlocks } from '@ipfs-kit/blocks'
import { openDiskCache } from '@ipfs-kit/cache/disk'
import { checkpoint, createEvent } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { bytesOf, chunked, codeOf, comesTo, keysOf, mib, open, openOn, storeWith } from './disk-ground.ts'
import { collect } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 10 })
/** Around what is in the head, and around parts of 16 KiB. */
const sizes = [0, 1, 4095, 4096, 4097, 16_383, 16_384, 16_385, 32_768, 100_000]

onBoth(
  'gives back values of any size, as bytes and as a stream, also after closing and opening',
  async () => {
    const disk = simDisk({ seed: 1 })
    {
      await using cache = await openOn(disk)
      for (const size of sizes) {
        await cache.put(`bytes ${size}`, bytesOf(size, size))
        await cache.put(`stream ${size}`, chunked(bytesOf(size, size), 5000), { size })
      }
    }
    await using cache = await openOn(disk)
    expect(cache.stats().entries).toBe(2 * sizes.length)
    for (const size of sizes) {
      for (const key of [`bytes ${size}`, `stream ${size}`]) {
        expect(Buffer.compare((await cache.getBytes(key))!, bytesOf(size, size))).toBe(0)
        expect(Buffer.compare((await collect((await cache.get(key))?.body))!, bytesOf(size, size))).toBe(0)
        expect(await cache.stat(key)).toMatchObject({ key, size })
      }
    }
    expect(cache.stats()).toMatchObject({ hits: 4 * sizes.length, misses: 0, readers: 0, arrivingBytes: 0 })
  },
)

onBoth('gives ranges that begin and end in any part', async () => {
  await using cache = await open()
  const bytes = bytesOf(1, 50_000)
  await cache.put('key', bytes)
  for (const offset of [0, 1, 16_383, 16_384, 16_385, 40_000, 49_999]) {
    for (const length of [0, 1, 16_384, 20_000, 50_000]) {
      const found = await cache.get('key', { offset, length })
      const expected = bytes.subarray(offset, offset + length)
      expect(found).toMatchObject({ offset, length: expected.length, size: 50_000 })
      expect(Buffer.compare((await collect(found!.body))!, expected)).toBe(0)
    }
  }
})

onBoth('keeps what is said of a value, and replaces it with the value', async () => {
  const disk = simDisk({ seed: 1 })
  const metadata = { etag: '"é😀"', ['__proto__']: 'a key as others', '': 'empty' }
  let time = 1000
  const now = () => time
  {
    await using cache = await openOn(disk, { now })
    await cache.put('page', bytesOf(1, 10), { mediaType: 'text/html; charset=utf-8', metadata, ttlMs: 50 })
    await cache.put('film', bytesOf(2, 40_000), { mediaType: 'video/mp4' })
    await cache.put('plain', bytesOf(3, 10))
  }
  time = 1010
  await using cache = await openOn(disk, { now })
  expect(await cache.entry('page')).toEqual({
    key: 'page',
    size: 10,
    mediaType: 'text/html; charset=utf-8',
    metadata,
    storedAt: 1000,
    expiresAt: 1050,
  })
  expect(await cache.entry('film')).toMatchObject({ size: 40_000, mediaType: 'video/mp4', metadata: {} })
  expect(await cache.entry('plain')).toMatchObject({ mediaType: undefined, expiresAt: Infinity })
  expect(await cache.entry('nothing')).toBeUndefined()
  await cache.put('page', bytesOf(4, 20))
  expect(await cache.entry('page')).toMatchObject({ mediaType: undefined, metadata: {}, storedAt: 1010 })
  expect(cache.stats()).toMatchObject({ hits: 0, misses: 0 })
})

test('refuses times, media types and metadata that are none, and changes nothing', async () => {
  await using cache = await open()
  await cache.put('key', bytesOf(1, 10))
  for (const ttlMs of [0, -1, Number.NaN, Number.NEGATIVE_INFINITY, '5' as never]) {
    await expect(cache.put('key', bytesOf(2, 5), { ttlMs })).rejects.toThrow(RangeError)
    await expect(cache.touch('key', { ttlMs })).rejects.toThrow(RangeError)
  }
  for (const mediaType of [
    '',
    'text',
    'a/b/c',
    'text/pl ain',
    'text/ä',
    'a\0/b',
    `a/${'b'.repeat(254)}`,
    7 as never,
  ])
    await expect(cache.put('key', bytesOf(2, 5), { mediaType })).rejects.toThrow(TypeError)
  for (const metadata of [{ a: 1 }, [], null, 'text', { a: undefined }] as never[])
    await expect(cache.put('key', bytesOf(2, 5), { metadata })).rejects.toThrow(TypeError)
  await expect(cache.put('key', bytesOf(2, 5), { metadata: { a: 'x'.repeat(4096) } })).rejects.toThrow(
    RangeError,
  )
  expect(await cache.getBytes('key')).toEqual(bytesOf(1, 10))
})

onBoth('a reader has its version to the end, whatever becomes of the key', async () => {
  await using cache = await open()
  for (const size of [3000, 60_000]) {
    for (const change of ['replace', 'delete', 'clear'] as const) {
      await cache.put('key', bytesOf(1, size))
      const [one, other] = [await cache.get('key'), await cache.get('key')]
      const body = one!.body[Symbol.asyncIterator]()
      const chunks = [(await body.next()).value as Uint8Array]
      if (change === 'replace') await cache.put('key', bytesOf(2, size))
      else if (change === 'delete') await cache.delete('key')
      else await cache.clear()
      for (let step = await body.next(); step.done !== true; step = await body.next()) chunks.push(step.value)
      expect(Buffer.compare(Buffer.concat(chunks), bytesOf(1, size))).toBe(0)
      expect(Buffer.compare((await collect(other!.body))!, bytesOf(1, size))).toBe(0)
      expect(await cache.getBytes('key')).toEqual(change === 'replace' ? bytesOf(2, size) : undefined)
    }
  }
  expect(cache.stats().readers).toBe(0)
})

onBoth('a reader who asks for several chunks at once gets them all, in their order', async () => {
  await using blocks = await openBlocks({ path: '/s', disk: simDisk({ seed: 1 }), maxBytes: mib })
  const { unverified } = blocks
  const opened = createEvent()
  const store = storeWith(blocks, {
    get: async (key, ...given) => {
      if (key.endsWith('/1')) await opened.wait()
      return unverified.get(key, ...given)
    },
  })
  const cache = await openDiskCache({ blocks: store, failureDomain: 'test' })
  await cache.put('key', bytesOf(1, 40_000))
  const found = await cache.get('key')
  await cache.delete('key')
  const body = found!.body[Symbol.asyncIterator]()
  const steps = [body.next(), body.next(), body.next()]
  expect((await steps[2])?.value).toHaveLength(40_000 - 2 * 16_384)
  expect(cache.stats().readers).toBe(1)
  // What nobody reads is removed.
  for (let turns = 0; turns < 50; turns += 1) await checkpoint()
  opened.set()
  const chunks = (await Promise.all(steps)).map(({ value }) => value as Uint8Array)
  expect(Buffer.compare(Buffer.concat(chunks), bytesOf(1, 40_000))).toBe(0)
  await comesTo(() => blocks.stats().entries, 0)
  expect(cache.stats().readers).toBe(0)
  await cache.close()
})

onBoth('removes many at once, by prefix, and says how many', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using cache = await openOn(disk, { maxBytes: 4 * mib })
    for (let at = 0; at < 120; at += 1)
      await cache.put(`${at % 2 === 0 ? 'even' : 'odd'}/${at}`, bytesOf(at, 10))
    await cache.put('even', bytesOf(1, 40_000))
    expect(await cache.clear({ prefix: 'even/' })).toBe(60)
    expect(await cache.clear({ prefix: 'even/' })).toBe(0)
    expect(await keysOf(cache, 'even')).toEqual(['even'])
    expect(cache.stats()).toMatchObject({ entries: 61, deleted: 60 })
  }
  await using cache = await openOn(disk, { maxBytes: 4 * mib })
  expect(cache.stats().entries).toBe(61)
  expect(await cache.clear()).toBe(61)
  expect(await keysOf(cache)).toEqual([])
  expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0, deleted: 61 })
})

test('clearing spares what is put meanwhile', async () => {
  await using cache = await open()
  for (let at = 0; at < 100; at += 1) await cache.put(`key ${at}`, bytesOf(at, 10))
  const clearing = cache.clear()
  const putting = Array.from({ length: 100 }, (_, at) => cache.put(`key ${at}`, bytesOf(at, 20)))
  await Promise.all(putting)
  await clearing
  expect(await keysOf(cache)).toHaveLength(100)
})

test('counts by media type with a bound, and by age', async () => {
  let time = 0
  await using cache = await open({ now: () => time, maxBytes: 4 * mib })
  for (const age of [29, 6.9, 0.9, 0.03, 0.0001]) {
    time = (31 - age) * 86_400_000
    await cache.put(`aged ${age}`, bytesOf(1, 100), { mediaType: 'Text/Plain; charset=utf-8' })
  }
  time = 0
  await cache.put('oldest', bytesOf(1, 100), { mediaType: 'text/plain' })
  time = 32 * 86_400_000
  await cache.put('of the future', bytesOf(1, 7))
  time = 31 * 86_400_000
  const one = { entries: 1, bytes: 100 }
  expect(cache.stats().byAge).toEqual({
    minute: { entries: 2, bytes: 107 },
    hour: { entries: 1, bytes: 100 },
    day: one,
    week: one,
    month: one,
    older: one,
  } satisfies Record<string, unknown> as never)
  expect(cache.stats().byMediaType).toEqual({
    'text/plain': { entries: 6, bytes: 600 },
    none: { entries: 1, bytes: 7 },
  })
  for (const round of [0, 1]) {
    for (let at = 0; at < 100; at += 1)
      await cache.put(`type ${at}`, bytesOf(1, 1), { mediaType: `${round}/${at}` })
    const { byMediaType } = cache.stats()
    // 62 types, `none` and `other`.
    expect(Object.keys(byMediaType)).toHaveLength(64)
    expect(byMediaType['other']).toEqual({ entries: 39, bytes: 39 })
  }
  await cache.clear()
  expect(cache.stats().byMediaType).toEqual({})
})

onBoth('with conditional puts of a key at once exactly one succeeds', async () => {
  await using cache = await open()
  const puts = [1, 2, 3].map((at) => cache.put('key', bytesOf(at, 20_000), { ifAbsent: true }))
  const outcomes = await Promise.allSettled(puts)
  const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await cache.getBytes('key')).toEqual(bytesOf(winner + 1, 20_000))
  expect(await codeOf(cache.put('key', bytesOf(1, 1), { ifAbsent: true }))).toBe('STORAGE_EXISTS')
})

onBoth('keys mean nothing, and are listed in their order', async () => {
  await using cache = await open()
  const keys = ['a/../b', 'b', '..', 'h', 'p', 'é', '😀', '\uffff', 'x'.repeat(1024), '__proto__']
  for (const [at, key] of keys.entries()) await cache.put(key, bytesOf(at, at))
  const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  expect(await keysOf(cache)).toEqual(sorted)
  expect(await keysOf(cache, '', 1)).toEqual(sorted)
  for (const [at, key] of keys.entries()) expect(await cache.getBytes(key)).toEqual(bytesOf(at, at))
  for (const key of ['', 'a\0b', '\ud800', 'é'.repeat(513)]) {
    expect(await codeOf(cache.getBytes(key))).toBe('STORAGE_INVALID_KEY')
    expect(await codeOf(cache.touch(key))).toBe('STORAGE_INVALID_KEY')
    expect(await codeOf(cache.entry(key))).toBe('STORAGE_INVALID_KEY')
  }
})

test('thousands of keys come and go in their order, also after opening', async () => {
  const disk = simDisk({ seed: 1 })
  const keys = Array.from({ length: 5000 }, (_, at) => `${(at * 7919) % 5003}/é`)
  const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
  const left = keys.filter((_, at) => at % 5 === 0)
  {
    await using cache = await openOn(disk, { maxBytes: 64 * mib })
    for (const key of keys) await cache.put(key, bytesOf(1, 1))
    expect(await keysOf(cache, '', 333)).toEqual(keys.toSorted(byBytes))
    for (const key of keys) if (!left.includes(key)) await cache.delete(key)
    expect(await keysOf(cache, '', 333)).toEqual(left.toSorted(byBytes))
  }
  await using cache = await openOn(disk, { maxBytes: 64 * mib })
  expect(await keysOf(cache)).toEqual(left.toSorted(byBytes))
  expect(await keysOf(cache, '1')).toEqual(left.filter((key) => key.startsWith('1')).sort(byBytes))
  for (const key of keys) await cache.put(key, bytesOf(1, 1))
  expect(await keysOf(cache)).toEqual(keys.toSorted(byBytes))
  expect(await cache.clear()).toBe(5000)
})
