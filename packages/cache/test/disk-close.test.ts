import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { CacheError } from '@ipfs-kit/cache'
import { type DiskCacheOptions, openDiskCache } from '@ipfs-kit/cache/disk'
import { checkpoint, sleep } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { bytesOf, codeOf, comesTo, keysOf, mib, open, openOn } from './disk-ground.ts'
import { collect } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 10 })

test('options that are unknown, wrong or against each other are refused', async () => {
  await using blocks = await openBlocks({ path: '/s', disk: simDisk({ seed: 1 }), maxBytes: mib })
  const path = '/cache'
  const maxBytes = mib
  for (const options of [
    undefined,
    null,
    {},
    { path },
    { maxBytes },
    { blocks },
    { blocks, failureDomain: '' },
    { blocks, failureDomain: 'x', path },
    { blocks, failureDomain: 'x', maxBytes },
    { blocks, failureDomain: 'x', disk: simDisk({ seed: 1 }) },
    { blocks: {}, failureDomain: 'x' },
    { path, maxBytes, maxByte: 1 },
    { path: 'relative', maxBytes },
    { path, maxBytes, name: '' },
    { path, maxBytes, name: 'a\0b' },
    { path, maxBytes, name: '\ud800' },
    { path, maxBytes, name: 'x'.repeat(65) },
    { path, maxBytes, now: 5 },
  ] as DiskCacheOptions[]) {
    await expect(openDiskCache(options)).rejects.toThrow(TypeError)
  }
  for (const wrong of [0, -1, 1.5, Number.NaN, Infinity]) {
    for (const name of ['maxEntries', 'maxValueBytes', 'maxArrivingBytes', 'maxBytes'])
      await expect(openDiskCache({ path, maxBytes, [name]: wrong })).rejects.toThrow(RangeError)
    if (wrong !== Infinity && wrong !== 1.5)
      await expect(openDiskCache({ path, maxBytes, ttlMs: wrong })).rejects.toThrow(RangeError)
  }
})

onBoth('two caches in one folder are refused by name, and one after the other is not', async () => {
  const disk = simDisk({ seed: 1 })
  const first = await openOn(disk)
  await first.put('key', bytesOf(1, 10))
  const refused = await openOn(disk).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(CacheError)
  expect(refused).toMatchObject({ code: 'CACHE_LOCKED', kind: 'conflict', cause: { code: 'BLOCKS_LOCKED' } })
  await first.close()
  await using second = await openOn(disk)
  expect(await second.getBytes('key')).toEqual(bytesOf(1, 10))
})

test('a folder of the system is locked likewise', async () => {
  const path = await mkdtemp(join(tmpdir(), 'disk-cache-'))
  try {
    await using _first = await openDiskCache({ path, maxBytes: mib })
    expect(await codeOf(openDiskCache({ path, maxBytes: mib }))).toBe('CACHE_LOCKED')
  } finally {
    await rm(path, { recursive: true })
  }
})

onBoth('after closing every call is refused, and stats are still there', async () => {
  const cache = await open()
  await cache.put('key', bytesOf(1, 10))
  const found = await cache.get('key')
  await Promise.all([cache.close(), cache.close()])
  await cache[Symbol.asyncDispose]()
  for (const call of [
    () => cache.put('key', bytesOf(1, 1)),
    () => cache.get('key'),
    () => cache.getBytes('key'),
    () => cache.stat('key'),
    () => cache.entry('key'),
    () => cache.touch('key'),
    () => cache.delete('key'),
    () => cache.clear(),
    () => cache.list(),
    () => cache.probe(),
    () => collect(found!.body),
  ] as (() => Promise<unknown>)[]) {
    expect(await codeOf(call())).toBe('STORAGE_CLOSED')
  }
  expect(cache.stats()).toMatchObject({ entries: 1, readers: 0 })
  expect(Object.isFrozen(cache.stats())).toBe(true)
})

onBoth('closing while calls run ends them, and each key has its former value or the new one', async () => {
  const disk = simDisk({ seed: 1, faults: { latencyMs: 3 } })
  const blocks = await openBlocks({ path: '/s', disk, maxBytes: mib, minFreeBytes: 0 })
  const cache = await openDiskCache({ blocks, failureDomain: 'test' })
  for (let at = 0; at < 10; at += 1) await cache.put(`key ${at}`, bytesOf(at, 20_000))
  const calls = Array.from({ length: 10 }, (_, at) =>
    at % 3 === 0
      ? cache.delete(`key ${at}`)
      : at % 3 === 1
        ? cache.touch(`key ${at}`)
        : cache.put(`key ${at}`, bytesOf(at + 100, 30_000)),
  )
  const reading = cache.getBytes('key 9')
  let ended = 0
  const outcomes = Promise.all(
    [...calls, reading].map(async (call) => {
      const code = await codeOf(call)
      ended += 1
      return code
    }),
  )
  for (let turns = 0; turns < 20; turns += 1) await checkpoint()
  await cache.close()
  // Nobody writes any more, so that the next cache can be opened on the store.
  await checkpoint()
  expect(ended).toBeGreaterThanOrEqual(calls.length)
  for (const code of await outcomes) expect(['no error', 'STORAGE_CLOSED']).toContain(code)
  const codes = await outcomes
  const again = await openDiskCache({ blocks, failureDomain: 'test' })
  for (let at = 0; at < 10; at += 1) {
    const found = await again.getBytes(`key ${at}`)
    const isDone = codes[at] === 'no error'
    if (at % 3 === 0) {
      if (isDone) expect(found).toBeUndefined()
    } else if (at % 3 === 1) expect(found).toEqual(bytesOf(at, 20_000))
    else expect(found).toEqual(isDone ? bytesOf(at + 100, 30_000) : bytesOf(at, 20_000))
  }
  await again.close()
  await blocks.close()
})

onBoth('closing leaves an open store open, and a store that is closed first is told', async () => {
  const blocks = await openBlocks({ path: '/s', disk: simDisk({ seed: 1 }), maxBytes: mib })
  const cache = await openDiskCache({ blocks, failureDomain: 'test' })
  await cache.close()
  await blocks.unverified.put('key', bytesOf(1, 1))
  const other = await openDiskCache({ blocks, failureDomain: 'test' })
  await other.put('key', bytesOf(1, 1))
  await blocks.close()
  expect(await codeOf(other.getBytes('key'))).toBe('STORAGE_CLOSED')
  expect(await codeOf(other.put('key', bytesOf(1, 1)))).toBe('STORAGE_CLOSED')
  await other.close()
  expect(await codeOf(openDiskCache({ blocks, failureDomain: 'test' }))).toBe('BLOCKS_CLOSED')
})

/** What a key may have after a call that was cut short: the former value or what the call makes. */
const calls = {
  'put of a new key': [(cache) => cache.put('new', bytesOf(2, 40_000)), 'new', undefined, bytesOf(2, 40_000)],
  'put over a value': [
    (cache) => cache.put('key', bytesOf(2, 40_000)),
    'key',
    bytesOf(1, 35_000),
    bytesOf(2, 40_000),
  ],
  'put of a small value': [
    (cache) => cache.put('key', bytesOf(2, 4)),
    'key',
    bytesOf(1, 35_000),
    bytesOf(2, 4),
  ],
  delete: [(cache) => cache.delete('key'), 'key', bytesOf(1, 35_000), undefined],
  clear: [(cache) => cache.clear(), 'key', bytesOf(1, 35_000), undefined],
  touch: [(cache) => cache.touch('key', { ttlMs: 1e6 }), 'key', bytesOf(1, 35_000), bytesOf(1, 35_000)],
  getBytes: [(cache) => cache.getBytes('key'), 'key', bytesOf(1, 35_000), bytesOf(1, 35_000)],
  get: [
    async (cache) => collect((await cache.get('key'))?.body),
    'key',
    bytesOf(1, 35_000),
    bytesOf(1, 35_000),
  ],
} satisfies Record<
  string,
  readonly [
    call: (cache: Awaited<ReturnType<typeof open>>) => Promise<unknown>,
    key: string,
    former: Buffer | undefined,
    next: Buffer | undefined,
  ]
>

for (const [name, [call, key, former, next]] of Object.entries(calls)) {
  test(`a ${name} that is cancelled at any wait changes all or nothing, and leaves nothing behind`, async () => {
    const { cancellations } = await cancelAtEveryStep(async (victim) => {
      const disk = simDisk({ seed: 1, faults: { latencyMs: 1, slowReads: 1 } })
      const blocks = await openBlocks({ path: '/s', disk, maxBytes: mib, minFreeBytes: 0 })
      const cache = await openDiskCache({ blocks, failureDomain: 'test', ttlMs: 1e9, now: () => 0 })
      await cache.put('key', bytesOf(1, 35_000))
      const done = await victim(async () => {
        await call(cache)
        return true
      })
      const found = await cache.getBytes(key)
      const allowed = done === true ? [next] : [former, next]
      expect(allowed.some((bytes) => sameBytes(bytes, found))).toBe(true)
      const { entries, bytes, readers } = cache.stats()
      expect(readers).toBe(0)
      expect(bytes).toBe((await listed(cache)).reduce((sum, { size }) => sum + size, 0))
      expect(entries).toBe((await keysOf(cache)).length)
      const records = (await listed(cache)).reduce((sum, { size }) => sum + (size > 4096 ? 4 : 1), 0)
      await comesTo(() => blocks.stats().entries, records)
      expect(cache.stats().leftovers).toBe(0)
      // It is not stuck either.
      await cache.put(key, bytesOf(3, 20_000))
      await cache.close()
      const again = await openDiskCache({ blocks, failureDomain: 'test', now: () => 0 })
      expect(sameBytes(await again.getBytes(key), bytesOf(3, 20_000))).toBe(true)
      await again.close()
      await blocks.close()
    })
    expect(cancellations).toBeGreaterThan(3)
  })
}

test('a touch that is cancelled at any wait leaves one time, in memory as on the disk', async () => {
  await cancelAtEveryStep(async (victim) => {
    let time = 0
    const disk = simDisk({ seed: 1, faults: { latencyMs: 1, slowReads: 1 } })
    await using cache = await openOn(disk, { now: () => time })
    await cache.put('key', bytesOf(1, 10), { ttlMs: 100 })
    await victim(() => cache.touch('key', { ttlMs: 1000 }))
    const known = await cache.entry('key')
    expect([100, 1000]).toContain(known?.expiresAt)
    time = 500
    expect(cache.stats().entries).toBe(known?.expiresAt === 1000 ? 1 : 0)
  })
})

async function listed(cache: Awaited<ReturnType<typeof open>>) {
  return (await cache.list()).entries
}

function sameBytes(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  return Buffer.compare(left, right) === 0
}

onBoth('a signal ends each call with its reason', async () => {
  const disk = simDisk({ seed: 1, faults: { latencyMs: 50 } })
  await using cache = await openOn(disk)
  await cache.put('key', bytesOf(1, 40_000))
  const reason = new Error('given up')
  const controller = new AbortController()
  const { signal } = controller
  const stuck = async function* (): AsyncGenerator<Uint8Array> {
    yield bytesOf(1, 20_000)
    await sleep(1e6)
  }
  const found = await cache.get('key', { signal })
  const calls = [cache.put('key', stuck(), { signal }), cache.put('other', stuck(), { signal })]
  await sleep(1)
  controller.abort(reason)
  for (const call of calls) await expect(call).rejects.toBe(reason)
  await expect(collect(found!.body)).rejects.toBe(reason)
  await expect(cache.getBytes('key', { signal })).rejects.toBe(reason)
  await expect(cache.touch('key', { signal })).rejects.toBe(reason)
  await expect(cache.clear({ signal })).rejects.toBe(reason)
  expect(cache.stats()).toMatchObject({ entries: 1, readers: 0, arrivingBytes: 0 })
})
