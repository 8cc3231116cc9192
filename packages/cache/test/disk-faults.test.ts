import { BlocksError, openBlocks } from '@ipfs-kit/blocks'
import { openDiskCache } from '@ipfs-kit/cache/disk'
import { createEvent, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { bytesOf, codeOf, comesTo, keysOf, mib, open, openOn, storeWith } from './disk-ground.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const none = { readErrors: 0, writeErrors: 0, capacityBytes: 1024 ** 4 }

onBoth('what the disk cannot read is a miss or an error with a code, and never other bytes', async () => {
  const disk = simDisk({ seed: 3 })
  {
    await using cache = await openOn(disk)
    for (let at = 0; at < 10; at += 1) await cache.put(`key ${at}`, bytesOf(at, 20_000 * (at % 3)))
  }
  await using cache = await openOn(disk)
  disk.setFaults({ readErrors: 0.3, slowReads: 0.5 })
  let given = 0
  for (let turns = 0; turns < 50; turns += 1) {
    const at = turns % 10
    try {
      const found = await cache.getBytes(`key ${at}`)
      if (found === undefined) continue
      given += 1
      expect(Buffer.compare(found, bytesOf(at, 20_000 * (at % 3)))).toBe(0)
    } catch (error) {
      expect(error).toMatchObject({ code: 'BLOCKS_IO' })
    }
  }
  expect(given).toBeGreaterThan(0)
  disk.setFaults(none)
  for (let at = 0; at < 10; at += 1) {
    await cache.put(`key ${at}`, bytesOf(at, 5))
    expect(await cache.getBytes(`key ${at}`)).toEqual(bytesOf(at, 5))
  }
  expect(cache.stats()).toMatchObject({ entries: 10, readers: 0 })
})

onBoth('a sector that cannot be read costs the values that it has, and no more', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using cache = await openOn(disk)
    for (let at = 0; at < 8; at += 1) await cache.put(`key ${at}`, bytesOf(at, 4000))
  }
  const [pack] = (await disk.list('/cache')).filter(({ name }) => name.endsWith('.pack'))
  disk.damage(`/cache/${pack!.name}`, 20)
  disk.damage(`/cache/${pack!.name}`, 40)
  await using cache = await openOn(disk)
  const keys = await keysOf(cache)
  expect(keys.length).toBeGreaterThanOrEqual(5)
  for (const key of keys) expect(await cache.getBytes(key)).toEqual(bytesOf(Number(key.slice(4)), 4000))
  for (let at = 0; at < 8; at += 1) await cache.put(`key ${at}`, bytesOf(at + 100, 4000))
  for (let at = 0; at < 8; at += 1) expect(await cache.getBytes(`key ${at}`)).toEqual(bytesOf(at + 100, 4000))
})

onBoth('a full volume is STORAGE_FULL, and the former value stays or is evicted', async () => {
  const disk = simDisk({ seed: 1 })
  await using cache = await openOn(disk)
  for (let at = 0; at < 3; at += 1) await cache.put(`key ${at}`, bytesOf(at, 60_000))
  disk.setFaults({ capacityBytes: disk.stats().usedBytes + 10_000 })
  const codes = new Set<string>()
  for (let at = 3; at < 30; at += 1) {
    const key = `key ${at % 3}`
    const former = await cache.getBytes(key)
    const code = await codeOf(cache.put(key, bytesOf(at, 60_000)))
    codes.add(code)
    const found = await cache.getBytes(key)
    if (found === undefined) continue
    const allowed = code === 'no error' ? bytesOf(at, 60_000) : former
    expect(allowed !== undefined && Buffer.compare(found, allowed) === 0).toBe(true)
  }
  expect(codes).toContain('STORAGE_FULL')
  expect([...codes].filter((code) => code !== 'no error' && code !== 'STORAGE_FULL')).toEqual([])
  disk.setFaults(none)
  // The store notices the room with one of the next puts.
  let found: Uint8Array | undefined
  for (let tries = 0; tries < 10 && found === undefined; tries += 1) {
    await codeOf(cache.put('key 1', bytesOf(3, 60_000)))
    found = await cache.getBytes('key 1')
  }
  expect(found).toEqual(bytesOf(3, 60_000))
})

onBoth(
  'a value that cannot be deleted now stays as it is, also for who stops reading it meanwhile',
  async () => {
    const disk = simDisk({ seed: 1 })
    const blocks = await openBlocks({ path: '/s', disk, maxBytes: mib, minFreeBytes: 0 })
    let isFull = false
    const mayFail = createEvent()
    const { unverified } = blocks
    const store = storeWith(blocks, {
      delete: async (...given) => {
        if (isFull) await mayFail.wait()
        if (isFull) throw new BlocksError('BLOCKS_FULL', 'no room to write a deletion down')
        return unverified.delete(...given)
      },
    })
    const cache = await openDiskCache({ blocks: store, failureDomain: 'test' })
    await cache.put('key', bytesOf(1, 40_000), { mediaType: 'a/b' })
    const found = await cache.get('key')
    isFull = true
    const deleting = codeOf(cache.delete('key'))
    await sleep(1)
    expect(await cache.getBytes('key')).toBeUndefined()
    await found!.body[Symbol.asyncIterator]().return?.()
    mayFail.set()
    expect(await deleting).toBe('STORAGE_FULL')
    isFull = false
    for (let turns = 0; turns < 10; turns += 1) await sleep(1)
    expect(cache.stats()).toMatchObject({ entries: 1, deleted: 0, leftovers: 0 })
    expect(cache.stats().byMediaType).toEqual({ 'a/b': { entries: 1, bytes: 40_000 } })
    expect(Buffer.compare((await cache.getBytes('key'))!, bytesOf(1, 40_000))).toBe(0)
    // What cannot be removed after a put is no failure of the put: it is counted, and gone with the next opening.
    isFull = true
    await cache.put('key', bytesOf(2, 20_000))
    expect(cache.stats().leftovers).toBe(1)
    isFull = false
    await cache.close()
    const again = await openDiskCache({ blocks, failureDomain: 'test' })
    expect(await again.getBytes('key')).toEqual(bytesOf(2, 20_000))
    await comesTo(() => blocks.stats().entries, 3)
    await again.close()
    await blocks.close()
  },
)

/** Lets one write after another fail while a call runs, until the call does not come to it any more. */
async function atEachWrite(
  call: (cache: Awaited<ReturnType<typeof open>>) => Promise<unknown>,
  check: (cache: Awaited<ReturnType<typeof open>>, isDone: boolean) => Promise<void>,
): Promise<void> {
  let failed = 0
  for (let nth = 1; ; nth += 1) {
    const disk: SimDisk = simDisk({ seed: nth })
    const blocks = await openBlocks({ path: '/s', disk, maxBytes: mib, minFreeBytes: 0 })
    const cache = await openDiskCache({ blocks, failureDomain: 'test' })
    await cache.put('key', bytesOf(1, 40_000))
    disk.failAt('write', nth)
    const code = await codeOf(call(cache))
    expect(['no error', 'BLOCKS_IO', 'STORAGE_FULL']).toContain(code)
    await check(cache, code === 'no error')
    await cache.close()
    const again = await openDiskCache({ blocks, failureDomain: 'test' })
    await check(again, code === 'no error')
    const records = (await again.list()).entries.reduce((sum, { size }) => sum + (size > 4096 ? 4 : 1), 0)
    await comesTo(() => blocks.stats().entries, records)
    await again.close()
    await blocks.close()
    if (code === 'no error') break
    failed += 1
  }
  expect(failed).toBeGreaterThan(0)
}

test('a put whose writes fail leaves the former value', async () => {
  await atEachWrite(
    (cache) => cache.put('key', bytesOf(2, 45_000)),
    async (cache, isDone) =>
      expect(
        Buffer.compare((await cache.getBytes('key'))!, isDone ? bytesOf(2, 45_000) : bytesOf(1, 40_000)),
      ).toBe(0),
  )
})

test('a touch whose writes fail leaves the former time', async () => {
  await atEachWrite(
    (cache) => cache.touch('key', { ttlMs: 1e9 }),
    async (cache, isDone) => expect((await cache.entry('key'))!.expiresAt < Infinity).toBe(isDone),
  )
})

test('a delete whose writes fail is told, and then the value is there or not, in memory as on the disk', async () => {
  await atEachWrite(
    (cache) => cache.delete('key'),
    async (cache, isDone) => {
      const found = await cache.getBytes('key')
      if (isDone) expect(found).toBeUndefined()
      else if (found !== undefined) expect(Buffer.compare(found, bytesOf(1, 40_000))).toBe(0)
      expect(await keysOf(cache)).toEqual(found === undefined ? [] : ['key'])
    },
  )
})
