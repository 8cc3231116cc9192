import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import { sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { limited } from '@ipfs-kit/storage/testing'
import { expect, test } from 'vitest'
import { bytesOf, cidOf, keyOf } from './tiered-cids.ts'
import { faultyMemory } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const maxBytes = 16 * 1024 * 1024
const failed = (code: string) => expect.objectContaining({ name: 'CacheError', code })

function threeTiers(policy: Parameters<typeof tiered>[1] = {}) {
  const [near, far] = [faultyMemory('near'), faultyMemory('far')]
  const memory = createMemoryTier({ maxBytes })
  return { near, far, memory, store: tiered([memory, near, far], policy) }
}

onBoth('a value that is moved down leaves the tiers above, and is read from where it went', async () => {
  const { near, far, memory, store } = threeTiers()
  await using _ = store
  const bytes = bytesOf(1)
  await store.put('a', bytes)
  await far.good.delete('a')
  expect(await store.move('a', 'far')).toEqual({
    ...{ key: 'a', size: 100, to: 'far', wasThere: false },
    ...{ left: ['memory', 'near'], stays: [] },
  })
  expect([await memory.stat('a'), await near.good.stat('a')]).toEqual([undefined, undefined])
  const { tiers } = await store.explain('a')
  expect(tiers.map(({ state, reason }) => [state, reason])).toEqual([
    ['absent', undefined],
    ['absent', undefined],
    ['present', 'moved'],
  ])
  expect(await store.getBytes('a')).toEqual(bytes)
})

onBoth('a value that is moved up stays where it lies below', async () => {
  const { near, far, memory, store } = threeTiers()
  await using _ = store
  const bytes = bytesOf(1)
  await far.good.put(keyOf(bytes), bytes)
  const key = keyOf(bytes)
  expect(await store.move(key, 'memory')).toMatchObject({
    to: 'memory',
    wasThere: false,
    left: [],
    stays: [],
  })
  expect(await memory.stat(key)).toMatchObject({ key, size: 100 })
  expect(await near.good.stat(key)).toBe(undefined)
  expect(await far.good.stat(key)).toMatchObject({ key, size: 100 })
  expect(await store.move(key, 'memory')).toMatchObject({ wasThere: true })
  expect(far.calls.get).toBe(1)
})

onBoth('a store keeps its copy until enough stores further down have one', async () => {
  const { near, far, store } = threeTiers({ minCopies: 2 })
  await using _ = store
  await store.put('a', bytesOf(1))
  expect(await store.move('a', 'far')).toMatchObject({
    wasThere: true,
    left: ['memory'],
    stays: [{ tier: 'near', why: expect.stringContaining('fewer than 2 stores from far down') }],
  })
  expect((await near.good.stat('a'))?.size).toBe(100)
  expect((await far.good.stat('a'))?.size).toBe(100)
})

onBoth('what a tier above fails with is told, and the value is where it was wanted', async () => {
  const { near, far, store } = threeTiers()
  await using _ = store
  await store.put('a', bytesOf(1))
  near.fault = { failsDeletes: true }
  expect(await store.move('a', 'far')).toMatchObject({
    left: ['memory'],
    stays: [{ tier: 'near', why: 'EIO' }],
  })
  expect((await far.good.stat('a'))?.size).toBe(100)
})

onBoth('no byte is moved that is not that of its CID', async () => {
  const { near, far, store } = threeTiers()
  await using _ = store
  const bytes = bytesOf(1)
  const key = cidOf(bytes).toString()
  await near.good.put(key, bytes)
  near.fault = { liesAboutContent: true }
  expect(await store.move(key, 'far')).toBe(undefined)
  expect(await far.good.stat(key)).toBe(undefined)
  await far.good.put(key, bytes)
  expect(await store.move(key, 'memory')).toMatchObject({ size: 100 })
  expect(store.peek(key)).toEqual(bytes)
})

onBoth(
  'a tier that there is not, one that does not write, and values that are too large are refused',
  async () => {
    const { memory, store } = threeTiers({ maxWholeBytes: 100, tiers: { near: { maxValueBytes: 99 } } })
    await using _ = store
    await store.put('small', bytesOf(1))
    await expect(store.move('small', 'nowhere')).rejects.toThrow(failed('CACHE_NO_TIER'))
    await expect(store.move('small', 'near')).rejects.toThrow(failed('CACHE_TIER_REFUSES'))
    await store.put('large', bytesOf(1, 101))
    await store.clear()
    await expect(store.move('large', 'memory')).rejects.toThrow(failed('CACHE_TOO_LARGE'))
    expect(await store.move('neither', 'memory')).toBe(undefined)
    expect(await memory.stat('large')).toBe(undefined)
    const readOnly = limited(faultyMemory('read-only'), { write: false })
    const first = faultyMemory('first')
    await using other = tiered([first, readOnly])
    await first.good.put('a', bytesOf(1))
    await expect(other.move('a', 'read-only')).rejects.toThrow(failed('CACHE_TIER_REFUSES'))
  },
)

onBoth('whether a value is anywhere is unknown while a store does not answer', async () => {
  const { near, far, store } = threeTiers()
  await using _ = store
  near.fault = { fails: true }
  await expect(store.move('a', 'far')).rejects.toThrow(failed('CACHE_TIERS_FAILED'))
  await far.good.put('a', bytesOf(1))
  expect(await store.move('a', 'memory')).toMatchObject({ size: 100 })
})

onBoth('a move and puts of its key come one after the other', async () => {
  const { far, store } = threeTiers()
  await using _ = store
  await store.put('a', bytesOf(1))
  far.fault = { putDelayMs: 10 }
  await taskGroup(async (group) => {
    group.spawn(() => store.put('a', bytesOf(2, 50)))
    group.spawn(() => store.move('a', 'far'))
    group.spawn(() => store.put('a', bytesOf(3, 60)))
  })
  const last = await store.getBytes('a')
  expect([50, 60]).toContain(last?.length)
  expect((await far.good.stat('a'))?.size).toBe(last?.length)
  expect(store.stats().tiers.map(({ doubtful }) => doubtful)).toEqual([0, 0, 0])
})

onBoth('who leaves a move leaves nothing behind that runs', async () => {
  const { far, store } = threeTiers()
  await using _ = store
  await store.put('a', bytesOf(1))
  await far.good.delete('a')
  far.fault = { hangs: true }
  const abort = new AbortController()
  const moving = store.move('a', 'far', { signal: abort.signal })
  const rejected = expect(moving).rejects.toThrow('enough')
  await sleep(1)
  abort.abort(new Error('enough'))
  await rejected
  far.fault = {}
  // It waits for the end of the one that was left.
  expect(await store.move('a', 'near')).toMatchObject({ wasThere: true, left: ['memory'] })
  expect(store.stats().tiers[2]).toMatchObject({ running: 0, waiting: 0 })
})
