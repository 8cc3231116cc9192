import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import { checkpoint, createEvent, random, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { createMemoryBackend } from '@ipfs-kit/storage'
import { expect, test } from 'vitest'
import { rejection } from './ground.ts'
import { bytesOf, keyOf } from './tiered-cids.ts'
import { faultyMemory, until } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 50 })
const maxBytes = 16 * 1024 * 1024
const [former, bytes] = [bytesOf(1, 500), bytesOf(2, 700)]

onBoth('a put goes through to all tiers', async () => {
  const [disk, far] = [faultyMemory('disk'), faultyMemory('far')]
  await using store = tiered([createMemoryTier({ maxBytes }), disk, far])
  await store.put('a', bytes)
  expect(store.peek('a')).toEqual(bytes)
  for (const tier of [disk, far]) expect(await tier.good.stat('a')).toMatchObject({ key: 'a', size: 700 })
})

onBoth('a put that reaches fewer stores than minCopies fails and says which', async () => {
  const [disk, far] = [faultyMemory('disk'), faultyMemory('far', { failsPuts: true })]
  await using store = tiered([createMemoryTier({ maxBytes }), disk, far], { minCopies: 2 })
  const error = await rejection(store.put('a', bytes))
  expect(error).toMatchObject({ code: 'CACHE_PUT_TOO_FEW', kind: 'temporary' })
  expect((error as Error).message).toContain('1 stores of the 2')
  expect((error as Error).message).toContain('far (EIO)')
  expect(store.peek('a')).toBe(undefined)
  await using one = tiered([disk, far], { minCopies: 1 })
  await one.put('b', bytes)
  expect(await one.getBytes('b')).toEqual(bytes)
})

onBoth('a put that fails leaves the former value where it is kept', async () => {
  const [small, far] = [faultyMemory('small'), faultyMemory('far', { failsPuts: true })]
  await using store = tiered([createMemoryTier({ maxBytes }), small, far], {
    tiers: { small: { maxValueBytes: 600 } },
  })
  await store.put('a', former)
  expect(await rejection(store.put('a', bytes))).toMatchObject({ code: 'CACHE_PUT_TOO_FEW' })
  expect(await store.getBytes('a')).toEqual(former)
})

onBoth('memory alone is no copy', async () => {
  const far = faultyMemory('far', { failsPuts: true })
  await using store = tiered([createMemoryTier({ maxBytes }), far])
  expect(await rejection(store.put('a', bytes))).toMatchObject({ code: 'CACHE_PUT_TOO_FEW' })
  expect(store.peek('a')).toBe(undefined)
})

onBoth('if all stores are full, the put is refused as the contract says', async () => {
  await using store = tiered([createMemoryBackend({ maxBytes: 100, name: 'small' })])
  expect(await rejection(store.put('a', bytes))).toMatchObject({ code: 'STORAGE_FULL' })
})

onBoth('a tier that missed a put never answers the former value', async () => {
  const [near, far] = [faultyMemory('near'), faultyMemory('far')]
  await using store = tiered([near, far])
  await store.put('a', former)
  near.fault = { failsPuts: true }
  await store.put('a', bytes)
  expect(await near.good.stat('a')).toBe(undefined)
  expect(await store.getBytes('a')).toEqual(bytes)
  // Not even a delete comes through: it is not asked any more, until a put of the key does.
  near.fault = {}
  await store.put('b', former)
  near.fault = { failsPuts: true, failsDeletes: true }
  await store.put('b', bytes)
  expect((await near.good.stat('b'))?.size).toBe(former.length)
  expect(await store.getBytes('b')).toEqual(bytes)
  expect(await store.stat('b')).toEqual({ key: 'b', size: bytes.length })
  expect(store.stats().tiers[0]).toMatchObject({ doubtful: 1 })
  expect((await store.explain('b')).tiers[0]).toMatchObject({ state: 'unknown' })
  near.fault = {}
  await store.put('b', bytes)
  expect(store.stats().tiers[0]).toMatchObject({ doubtful: 0 })
  expect((await store.explain('b')).tiers[0]).toMatchObject({ state: 'present', size: bytes.length })
})

test('a tier that missed more puts than are remembered is read for blocks alone', async () => {
  const [near, far] = [faultyMemory('near'), faultyMemory('far')]
  await using store = tiered([near, far], { breaker: { failures: 1, openMs: 10, maxOpenMs: 10 } })
  for (const one of [keyOf(bytes), 'a']) await near.good.put(one, bytes)
  near.fault = { fails: true }
  for (let at = 0; at <= 10_000; at += 1) await store.put(`key ${at}`, new Uint8Array(1))
  near.fault = {}
  while (store.stats().tiers[0]!.breaker.state !== 'closed') await sleep(5)
  expect(await store.getBytes(keyOf(bytes))).toEqual(bytes)
  expect(await rejection(store.getBytes('a'))).toMatchObject({ code: 'CACHE_TIERS_FAILED' })
})

onBoth('a larger value that a tier does not take leaves no former one in it', async () => {
  const far = faultyMemory('far')
  await using store = tiered([createMemoryTier({ maxBytes }), far], {
    tiers: { memory: { maxValueBytes: 600 } },
  })
  await store.put('a', former)
  expect(store.peek('a')).toEqual(former)
  await store.put('a', bytes)
  expect(store.peek('a')).toBe(undefined)
  expect(await store.getBytes('a')).toEqual(bytes)
})

onBoth('a delete that does not reach a tier fails and says which', async () => {
  const [near, far] = [faultyMemory('near'), faultyMemory('far', { failsDeletes: true })]
  await using store = tiered([createMemoryTier({ maxBytes }), near, far])
  await store.put('a', bytes)
  const error = await rejection(store.delete('a'))
  expect(error).toMatchObject({ code: 'CACHE_DELETE_PARTIAL' })
  expect((error as Error).message).toContain('2 of 3 tiers, and not from far (EIO)')
  expect([store.peek('a'), await near.good.stat('a')]).toEqual([undefined, undefined])
  far.fault = {}
  await store.delete('a')
  expect(await store.getBytes('a')).toBe(undefined)
})

onBoth('bytes that are not those of their CID are refused before any tier sees them', async () => {
  const far = faultyMemory('far')
  await using store = tiered([far], { keys: 'cid' })
  expect(await rejection(store.put(keyOf(bytes), former))).toMatchObject({ code: 'STORAGE_INVALID_KEY' })
  expect(far.calls.put).toBe(0)
})

onBoth(
  'a put with ifAbsent is refused if any store has the key, and fails if one cannot be asked',
  async () => {
    const [near, far] = [faultyMemory('near'), faultyMemory('far')]
    await using store = tiered([near, far])
    await far.good.put('a', former)
    expect(await rejection(store.put('a', bytes, { ifAbsent: true }))).toMatchObject({
      code: 'STORAGE_EXISTS',
    })
    far.fault = { fails: true }
    expect(await rejection(store.put('b', bytes, { ifAbsent: true }))).toMatchObject({
      code: 'CACHE_TIERS_FAILED',
    })
    expect(await near.good.stat('b')).toBe(undefined)
  },
)

onBoth('tiers agree after puts, deletes and reads of a key at once, whatever their order', async () => {
  const memory = createMemoryTier({ maxBytes })
  const [near, far] = [faultyMemory('near'), faultyMemory('far')]
  await using store = tiered([memory, near, far])
  await far.good.put('a', bytesOf(0, 100))
  for (const tier of [near, far]) tier.fault = { jitterMs: 5 }
  await taskGroup((group) => {
    for (let writer = 1; writer <= 4; writer += 1)
      group.spawn(async () => {
        await sleep(random() * 3)
        if (writer === 3) await store.delete('a')
        else await store.put('a', bytesOf(writer, 100 + writer))
      })
    for (let reader = 0; reader < 4; reader += 1)
      group.spawn(async () => {
        for (let times = 0; times < 4; times += 1) {
          await store.getBytes('a')
          await checkpoint()
        }
      })
  })
  while (store.stats().tiers.some(({ running }) => running > 0)) await sleep(1)
  const sizes = await Promise.all([near, far].map(async (tier) => (await tier.good.stat('a'))?.size))
  const inMemory = (await memory.stat('a'))?.size
  // A delete that came last leaves nothing; memory has what the others have, or nothing.
  expect(sizes[0]).toBe(sizes[1])
  if (inMemory !== undefined) expect(inMemory).toBe(sizes[0])
})

onBoth('who asks after a put gets its value, also while an older search is on', async () => {
  const far = faultyMemory('far', { answersAfterMs: 20 })
  await using store = tiered([far])
  await far.good.put('a', former)
  await taskGroup(async (group) => {
    group.spawn(async () => expect(await store.getBytes('a')).toEqual(former))
    await sleep(5)
    await store.put('a', bytes)
    far.fault = {}
    expect(await store.getBytes('a')).toEqual(bytes)
  })
})

onBoth('an older search promotes nothing over a put that came meanwhile', async () => {
  const far = faultyMemory('far', { answersAfterMs: 20 })
  await using store = tiered([createMemoryTier({ maxBytes }), far])
  await far.good.put('a', former)
  await taskGroup(async (group) => {
    group.spawn(() => store.getBytes('a'))
    await sleep(5)
    await store.put('a', bytes)
  })
  expect(store.peek('a')).toEqual(bytes)
})

onBoth('nor into memory while the put is still on its way to other tiers', async () => {
  const far = faultyMemory('far', { answersAfterMs: 20 })
  const disk = faultyMemory('disk', { putDelayMs: 40 })
  await using store = tiered([createMemoryTier({ maxBytes }), disk, far], {
    tiers: { disk: { role: 'cache' } },
  })
  await far.good.put('a', former)
  await taskGroup(async (group) => {
    group.spawn(() => store.getBytes('a'))
    await sleep(5)
    group.spawn(() => store.put('a', bytes))
  })
  expect(store.peek('a')).toEqual(bytes)
})

onBoth('nor after it has waited for that put', async () => {
  const near = faultyMemory('near', { putDelayMs: 20 })
  const far = faultyMemory('far', { putDelayMs: 20 })
  await using store = tiered([near, far])
  await far.good.put('a', former)
  await taskGroup(async (group) => {
    group.spawn(() => store.put('a', bytes))
    await sleep(5)
    group.spawn(() => store.getBytes('a'))
  })
  while (store.stats().tiers.some(({ running }) => running > 0)) await sleep(1)
  expect(await near.good.stat('a')).toMatchObject({ key: 'a', size: bytes.length })
})

onBoth('a caller who leaves a put leaves no tiers behind that differ', async () => {
  const mayEnd = createEvent()
  const [near, far] = [faultyMemory('near', { delayMs: 5 }), faultyMemory('far', { after: mayEnd })]
  await using store = tiered([near, far])
  const controller = new AbortController()
  const putting = rejection(store.put('a', bytes, { signal: controller.signal }))
  while ((await near.good.stat('a')) === undefined) await sleep(1)
  controller.abort(new Error('enough'))
  expect(await putting).toBe(controller.signal.reason)
  mayEnd.set()
  while (store.stats().tiers.some(({ running }) => running > 0)) await sleep(1)
  for (const tier of [near, far]) expect((await tier.good.stat('a'))?.size).toBe(bytes.length)
})

onBoth('the bytes of a put whose caller has left count until the tiers have let them go', async () => {
  const mayEnd = createEvent()
  const far = faultyMemory('far', { after: mayEnd })
  await using store = tiered([far], { maxArrivingBytes: 1000 })
  const controller = new AbortController()
  const putting = rejection(store.put('a', bytes, { signal: controller.signal }))
  await until(() => far.calls.put === 1)
  controller.abort(new Error('enough'))
  expect(await putting).toBe(controller.signal.reason)
  expect(store.stats().arrivingBytes).toBe(700)
  expect(await rejection(store.put('b', bytes))).toMatchObject({ code: 'STORAGE_FULL' })
  mayEnd.set()
  while (store.stats().arrivingBytes > 0) await sleep(1)
})

onBoth('bodies that arrive take no more room together than maxArrivingBytes', async () => {
  await using store = tiered([faultyMemory('far')], { maxArrivingBytes: 1000, maxValueBytes: 800 })
  expect(await rejection(store.put('a', bytesOf(1, 801)))).toMatchObject({ code: 'STORAGE_FULL' })
  const mayEnd = createEvent()
  const slow = async function* () {
    yield bytes
    await mayEnd.wait()
  }
  await taskGroup(async (group) => {
    group.spawn(() => store.put('a', slow()))
    await until(() => store.stats().arrivingBytes === 700)
    expect(await rejection(store.put('b', bytes))).toMatchObject({ code: 'STORAGE_FULL' })
    mayEnd.set()
  })
  await store.put('b', bytes)
  expect(store.stats().arrivingBytes).toBe(0)
})
