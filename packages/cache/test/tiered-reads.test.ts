import { createMemoryTier, createTieredBlockstore, tiered } from '@ipfs-kit/cache/tiered'
import { createBlocksBackend, openBlocks } from '@ipfs-kit/blocks'
import { checkpoint, createEvent, moveOnAfter, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { createMemoryBackend } from '@ipfs-kit/storage'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { expect, test } from 'vitest'
import { collect, rejection } from './ground.ts'
import { bytesOf, cidOf, keyOf } from './tiered-cids.ts'
import { faultyMemory, until } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 30 })
const maxBytes = 16 * 1024 * 1024
const bytes = bytesOf(1, 5000)
const key = keyOf(bytes)

onBoth('what is found further down is promoted to all tiers above, and answered from there', async () => {
  const [disk, far] = [faultyMemory('disk'), faultyMemory('far')]
  await using store = tiered([createMemoryTier({ maxBytes }), disk, far])
  await far.good.put(key, bytes)
  expect(store.peek(key)).toBe(undefined)
  expect(Buffer.from((await store.getBytes(key))!).equals(bytes)).toBe(true)
  expect(Buffer.from(store.peek(key)!).equals(bytes)).toBe(true)
  await until(() => store.stats().tiers[1]!.promotions === 1)
  expect((await disk.good.stat(key))?.size).toBe(bytes.length)
  await store.getBytes(key)
  expect([disk.calls.get, far.calls.get]).toEqual([1, 1])
})

onBoth('a value is promoted at the read that promoteAfterHits says', async () => {
  const far = faultyMemory('far')
  await using store = tiered([createMemoryTier({ maxBytes }), far], { promoteAfterHits: 3 })
  await far.good.put(key, bytes)
  for (const isThere of [false, false, true]) {
    await store.getBytes(key)
    expect(store.peek(key) !== undefined).toBe(isThere)
  }
  expect(far.calls.get).toBe(3)
})

onBoth('a tier gets no value above its size, and none of another media type', async () => {
  const disk = faultyMemory('disk')
  const far = faultyMemory('far')
  await using store = tiered([createMemoryTier({ maxBytes, name: 'memory' }), disk, far], {
    typeOf: (one) => (one.endsWith('.png') ? 'image/png' : one.endsWith('.txt') ? 'text/plain' : undefined),
    tiers: { memory: { maxValueBytes: 100 }, disk: { types: ['image/*'] } },
  })
  for (const one of ['a.png', 'b.txt', 'c']) await store.put(one, bytes)
  await store.put('small.txt', bytes.subarray(0, 100))
  const where = async (one: string) => [
    store.peek(one) !== undefined,
    (await disk.good.stat(one)) !== undefined,
    (await far.good.stat(one)) !== undefined,
  ]
  expect(await where('a.png')).toEqual([false, true, true])
  expect(await where('b.txt')).toEqual([false, false, true])
  expect(await where('c')).toEqual([false, false, true])
  expect(await where('small.txt')).toEqual([true, false, true])
  await store.getBytes('b.txt')
  await checkpoint()
  expect(await where('b.txt')).toEqual([false, false, true])
})

onBoth('all who ask for a key at once share one search through all tiers', async () => {
  const [disk, far] = [faultyMemory('disk', { delayMs: 5 }), faultyMemory('far', { delayMs: 5 })]
  await using store = tiered([disk, far])
  await far.good.put(key, bytes)
  const answers: (Buffer | undefined)[] = []
  await taskGroup((group) => {
    for (let at = 0; at < 10; at += 1)
      group.spawn(async () => {
        const found = await store.get(key)
        answers.push(await collect(found!.body))
      })
  })
  expect(answers.every((one) => one!.equals(bytes))).toBe(true)
  expect([disk.calls.get, far.calls.get]).toEqual([1, 1])
  expect(store.stats().reads).toMatchObject({ started: 1, shared: 9, running: 0 })
  // Each has bytes of its own.
  answers[0]!.fill(0)
  expect(answers[1]!.equals(bytes)).toBe(true)
})

onBoth('a search goes on when some leave, and ends when the last one does', async () => {
  const mayEnd = createEvent()
  const far = faultyMemory('far', { after: mayEnd })
  await using store = tiered([far])
  await far.good.put(key, bytes)
  await taskGroup(async (group) => {
    const leaving = [1, 2].map((ms) => group.spawn(() => moveOnAfter(ms, () => store.getBytes(key))))
    group.spawn(async () => expect(await store.getBytes(key)).toEqual(bytes))
    for (const one of leaving) expect(await one).toBe(undefined)
    mayEnd.set()
  })
  expect(far.calls.get).toBe(1)
  far.fault = { delayMs: Number.POSITIVE_INFINITY }
  await taskGroup((group) => {
    for (const ms of [1, 2, 3])
      group.spawn(() => moveOnAfter(ms, async () => void (await store.getBytes(keyOf(bytesOf(2))))))
  })
  await until(() => store.stats().tiers[0]!.running === 0)
  expect(store.stats().reads.running).toBe(0)
})

onBoth('a slow tier is overtaken after hedgeAfterMs, and its call is ended', async () => {
  const never = { delayMs: Number.POSITIVE_INFINITY }
  const [slow, far] = [faultyMemory('slow', never), faultyMemory('far', { delayMs: 1 })]
  await using store = tiered([slow, far], { tiers: { slow: { hedgeAfterMs: 10 } } })
  for (const tier of [slow, far]) await tier.good.put(key, bytes)
  expect(Buffer.from((await store.getBytes(key))!).equals(bytes)).toBe(true)
  expect(store.stats().tiers[0]).toMatchObject({
    hedges: 1,
    hedgesLost: 1,
    running: 0,
    timeouts: 0,
    failures: 0,
  })
  slow.fault = {}
  await store.getBytes(keyOf(bytesOf(7)))
  // A tier that says at once that it has nothing is no slow one.
  expect(store.stats().tiers[0]).toMatchObject({ hedges: 1 })
})

onBoth('a hedged read waits for the slow tier if no other has the value', async () => {
  const mayEnd = createEvent()
  const [slow, far] = [faultyMemory('slow', { after: mayEnd }), faultyMemory('far')]
  await using store = tiered([slow, far], { tiers: { slow: { hedgeAfterMs: 10 } } })
  await slow.good.put(key, bytes)
  await taskGroup(async (group) => {
    group.spawn(async () => expect(await store.getBytes(key)).toEqual(bytes))
    while (far.calls.get === 0) await sleep(1)
    mayEnd.set()
  })
  expect(store.stats().tiers[0]).toMatchObject({ hedges: 1, hedgesLost: 0, hits: 1 })
  slow.fault = { delayMs: 100, fails: true }
  expect(await rejection(store.getBytes(keyOf(bytesOf(2))))).toMatchObject({ code: 'CACHE_TIERS_FAILED' })
})

onBoth('close ends what runs, and no call works afterwards', async () => {
  const far = faultyMemory('far', { hangs: true })
  const memory = createMemoryTier({ maxBytes })
  const store = tiered([memory, far])
  const running = [
    store.getBytes(key),
    store.stat(key),
    store.put('a', bytes),
    store.explain(key),
    store.probe(),
  ]
  const ends = running.map(rejection)
  await sleep(5)
  await store.close()
  for (const end of ends) expect(await end).toMatchObject({ code: 'STORAGE_CLOSED' })
  expect(store.peek(key)).toBe(undefined)
  expect(await rejection(store.getBytes(key))).toMatchObject({ code: 'STORAGE_CLOSED' })
  expect(store.stats().tiers[1]).toMatchObject({ running: 0, waiting: 0 })
})

onBoth('a value above maxValueBytes is read piece by piece, not whole', async () => {
  const far = faultyMemory('far')
  await using store = tiered([far], { maxWholeBytes: 1000, maxValueBytes: 4000 })
  await far.good.put(key, bytes)
  expect(await rejection(store.getBytes(key))).toMatchObject({ code: 'CACHE_TOO_LARGE', kind: 'too-large' })
  expect((await collect((await store.get(key))!.body)).equals(bytes)).toBe(true)
  await using wide = tiered([far], { maxWholeBytes: 1000 })
  expect(Buffer.from((await wide.getBytes(key))!).equals(bytes)).toBe(true)
})

onBoth('memory that its owner has closed fails no read', async () => {
  const memory = createMemoryTier({ maxBytes })
  const far = faultyMemory('far')
  await using store = tiered([memory, far])
  await far.good.put('a', bytesOf(1))
  await memory.close()
  expect(await store.getBytes('a')).toEqual(bytesOf(1))
  expect(store.stats().tiers[0]).toMatchObject({ failures: 1, promotions: 0 })
})

onBoth('a value too large to be had whole is let go', async () => {
  const far = faultyMemory('far')
  await using store = tiered([far], { maxWholeBytes: 100, maxValueBytes: 1000 })
  await far.good.put('a', bytesOf(1, 2000))
  const left: string[] = []
  far.get = async (key, options) => {
    const found = await far.good.get(key, options)
    options!.signal!.addEventListener('abort', () => left.push(key))
    return found
  }
  expect(await rejection(store.getBytes('a'))).toMatchObject({ code: 'CACHE_TOO_LARGE' })
  expect(left).toEqual(['a'])
})

onBoth('what a sweep or a move carries past a hedged read is not absent', async () => {
  const hands = { time: 0 }
  const near = faultyMemory('near')
  const far = faultyMemory('far', { failsPuts: true })
  await using store = tiered([near, far], {
    ...{ now: () => hands.time, heatHalfLifeMs: 10, promoteAfterHits: 100 },
    tiers: { near: { demoteBelow: 0.5, hedgeAfterMs: 5 } },
  })
  await store.put('a', bytesOf(1))
  far.fault = {}
  const carry = async () => expect(await store.demote()).toMatchObject({ demoted: 1 })
  const move = async () => expect((await store.move('a', 'far'))!.left).toEqual(['near'])
  for (const [ask, take] of [
    [() => store.getBytes('a'), carry],
    [() => store.stat('a'), carry],
    [() => store.getBytes('a'), move],
  ] as const) {
    await near.good.put('a', bytesOf(1))
    await far.good.delete('a')
    await taskGroup(async (group) => {
      near.fault = { delayMs: 40 }
      const reading = group.spawn(async () => (await ask()) !== undefined)
      await sleep(20)
      near.fault = {}
      hands.time += 1000
      await take()
      expect(await reading).toBe(true)
    })
  }
})

test('all CIDs of a multihash are one block, also over a pack store', async () => {
  const blocks = await openBlocks({ path: '/blocks', disk: simDisk({ seed: 1 }), maxBytes: 64 * 1024 * 1024 })
  const disk = createBlocksBackend(blocks, { failureDomain: 'test' })
  const far = createMemoryBackend({ maxBytes, name: 'far' })
  await using store = tiered([createMemoryTier({ maxBytes }), disk, far])
  expect(store.supports.keys).toBe('cid')
  const raw = cidOf(bytes)
  const v0 = CID.createV0(create(0x12, raw.multihash.digest))
  await far.put(raw.toString(), bytes)
  expect((await collect((await store.get(v0.toString()))!.body)).equals(bytes)).toBe(true)
  for (const cid of [raw, v0, CID.createV1(0x70, raw.multihash)]) {
    expect(await store.getBytes(cid.toString())).toEqual(bytes)
    expect(Buffer.from(store.peek(cid.toString())!).equals(bytes)).toBe(true)
  }
  await until(() => store.stats().tiers[1]!.promotions === 1)
  expect(await blocks.has(raw)).toBe(true)
  expect((await store.list()).entries).toEqual([
    {
      key: raw.toString(),
      size: bytes.length,
      version: raw.toString(),
      modifiedMs: undefined,
      sha256: undefined,
    },
  ])
  await store.delete(v0.toString())
  expect(await store.stat(raw.toString())).toBe(undefined)
  await store.close()
  await blocks.close()
})

test('with free keys, a tier of CIDs has those that are CIDs', async () => {
  const blocks = await openBlocks({ path: '/blocks', disk: simDisk({ seed: 1 }), maxBytes: 64 * 1024 * 1024 })
  const disk = createBlocksBackend(blocks, { failureDomain: 'test' })
  await using store = tiered([disk, createMemoryBackend({ maxBytes, name: 'far' })], { keys: 'any' })
  await store.put('free', bytes)
  await store.put(key, bytes)
  expect((await collect((await store.get('free'))!.body)).equals(bytes)).toBe(true)
  expect((await store.explain('free')).tiers.map(({ state }) => state)).toEqual(['absent', 'present'])
  expect((await store.explain(key)).tiers.map(({ state }) => state)).toEqual(['present', 'present'])
  await store.close()
  await blocks.close()
})

test('what is no key is refused by each call, and is nowhere in memory', async () => {
  await using store = tiered([createMemoryTier({ maxBytes }), faultyMemory('far')])
  const wrong = [undefined, null, 5, {}, '', 'a\0b', '\uD800', 'x'.repeat(10_000)] as never[]
  for (const key of wrong) {
    expect(store.peek(key)).toBe(undefined)
    const calls = [store.get(key), store.getBytes(key), store.stat(key), store.has(key), store.delete(key)]
    for (const call of [...calls, store.explain(key), store.put(key, bytesOf(1))])
      expect(await rejection(call)).toMatchObject({ code: 'STORAGE_INVALID_KEY' })
  }
})

onBoth(
  'who writes into what get answers changes it for nobody else, whatever kind of bytes a tier gives',
  async () => {
    await using packs = await openBlocks({
      path: '/blocks',
      disk: simDisk({ seed: 1 }),
      maxBytes: 10_000_000,
    })
    const far = createBlocksBackend(packs, { failureDomain: 'far' })
    await using store = tiered([createMemoryTier({ maxBytes }), far])
    const blockstore = createTieredBlockstore(store)
    await far.put(key, bytes)
    for (let time = 0; time < 3; time += 1) {
      const whole = await collect((await store.get(key))!.body)
      expect(Buffer.from(whole).equals(bytes)).toBe(true)
      for await (const chunk of (await store.get(key))!.body) chunk.fill(0)
      for await (const chunk of blockstore.get(CID.parse(key))) chunk.fill(0)
    }
  },
)

onBoth('a read that is to promote does so however seldom the key was read before', async () => {
  const far = faultyMemory('far')
  await using store = tiered([createMemoryTier({ maxBytes }), far], { promoteAfterHits: 3 })
  await far.good.put(key, bytes)
  await store.getBytes(key)
  expect(store.inMemory(key)).toBe(false)
  await store.getBytes(key, { promote: true })
  expect(store.inMemory(key)).toBe(true)
  await store.clear()
  for await (const item of store.getMany([key, 'none'], { promote: true }))
    expect('error' in item ? item.error : item.value?.length).toBe(
      item.key === key ? bytes.length : undefined,
    )
  expect(store.inMemory(key)).toBe(true)
})

onBoth(
  'a tier without a deadline is waited for as long as it takes, and left when its reader leaves',
  async () => {
    const far = faultyMemory('far', { delayMs: 3_600_000 })
    await using store = tiered([far], { tiers: { far: { timeoutMs: Number.POSITIVE_INFINITY } } })
    const reading = rejection(store.getBytes(key, { signal: AbortSignal.abort('a reason') }))
    expect(await reading).toBe('a reason')
    const left = await moveOnAfter(10, () => store.getBytes(key))
    expect(left).toBe(undefined)
    await until(() => store.stats().tiers[0]!.running === 0)
    expect(store.stats().tiers[0]).toMatchObject({ timeouts: 0, failures: 0 })
  },
)

onBoth('where keys are free, a CID reads what is stored under its text', async () => {
  await using store = tiered([createMemoryTier({ maxBytes })], { keys: 'any' })
  const cid = CID.createV1(0x70, cidOf(bytes).multihash)
  await store.put(cid.toString(), bytes)
  store.forget(CID.createV1(0x55, cid.multihash))
  expect(await store.getBytes(cid)).toEqual(bytes)
})
