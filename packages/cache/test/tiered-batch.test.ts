import { createMemoryTier, tiered, type BatchItem } from '@ipfs-kit/cache/tiered'
import { sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { rejection } from './ground.ts'
import { bytesOf } from './tiered-cids.ts'
import { faultyMemory, until } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 30 })
const maxBytes = 16 * 1024 * 1024
const names = Array.from({ length: 20 }, (_, at) => `key ${String(at).padStart(2, '0')}`)

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** A store in which each key has its number as its size. */
async function filled() {
  const far = faultyMemory('far')
  const store = tiered([createMemoryTier({ maxBytes }), far], { tiers: { memory: { maxValueBytes: 0 } } })
  await all(store.putMany(names.map((key, at) => ({ key, body: bytesOf(at, at + 1) }))))
  return { far, store }
}

function codeOf(item: BatchItem<unknown>): unknown {
  return 'error' in item ? ((item.error as { code?: string }).code ?? (item.error as Error).name) : item.value
}

onBoth('many are put, found, measured, read and deleted in the order of asking', async () => {
  const { store } = await filled()
  await using _ = store
  const asked = [...names.toReversed(), 'none']
  const reads = await all(store.getMany(asked))
  expect(reads.map(({ key }) => key)).toEqual(asked)
  expect(reads.map((item) => 'value' in item && item.value?.length)).toEqual([
    ...names.map((_name, at) => at + 1).toReversed(),
    undefined,
  ])
  expect(await all(store.hasMany(['key 03', 'none']))).toEqual([
    { key: 'key 03', value: true },
    { key: 'none', value: false },
  ])
  expect(await all(store.statMany(['key 03']))).toEqual([
    { key: 'key 03', value: { key: 'key 03', size: 4 } },
  ])
  expect((await all(store.deleteMany(names))).every((item) => 'value' in item)).toBe(true)
  expect((await all(store.hasMany(names))).map(codeOf)).toEqual(names.map(() => false))
})

onBoth('a failure is that of its key alone', async () => {
  const { far, store } = await filled()
  await using _ = store
  const items = [
    { key: 'one', body: bytesOf(1) },
    { key: '', body: bytesOf(2) },
    { key: 'two', body: bytesOf(3), size: 7 },
    { key: 'three', body: bytesOf(4) },
  ]
  expect(
    (await all(store.putMany(items))).map(({ key, ...rest }) => [key, codeOf({ key, ...rest } as never)]),
  ).toEqual([
    ['one', { key: 'one', size: 100 }],
    ['', 'STORAGE_INVALID_KEY'],
    ['two', 'STORAGE_SIZE_MISMATCH'],
    ['three', { key: 'three', size: 100 }],
  ])
  far.fault = { failsDeletes: true }
  expect((await all(store.deleteMany(['one', 'three']))).map(codeOf)).toEqual([
    'CACHE_DELETE_PARTIAL',
    'CACHE_DELETE_PARTIAL',
  ])
})

onBoth('each key has its own time, and no more run at once than asked for', async () => {
  const { far, store } = await filled()
  await using _ = store
  far.fault = { delayMs: 10 }
  await all(store.getMany(names, { concurrency: 3 }))
  expect(far.mostGets).toBe(3)
  far.fault = { delayMs: 1000 }
  expect((await all(store.getMany(['key 01', 'key 02'], { timeoutMs: 20 }))).map(codeOf)).toEqual([
    'TimeoutError',
    'TimeoutError',
  ])
})

onBoth('what is there is yielded while the source has no next one yet', async () => {
  const { store } = await filled()
  await using _ = store
  const answers: string[] = []
  // It gives a key only when the one before was answered.
  const pingPong = async function* () {
    for (const [at, name] of names.slice(0, 4).entries()) {
      await until(() => answers.length >= at)
      yield name
    }
  }
  for await (const { key } of store.getMany(pingPong(), { concurrency: 8 })) answers.push(key)
  expect(answers).toEqual(names.slice(0, 4))
})

onBoth('who leaves early ends what runs, and the source', async () => {
  const { far, store } = await filled()
  await using _ = store
  let isClosed = false
  const source = async function* () {
    try {
      yield* names
    } finally {
      isClosed = true
    }
  }
  for await (const item of store.getMany(source(), { concurrency: 4 })) {
    expect('value' in item).toBe(true)
    far.fault = { delayMs: 1000 }
    break
  }
  expect(isClosed).toBe(true)
  await until(() => store.stats().reads.running === 0)
})

onBoth(
  'a signal ends it with its reason, also while the source hangs; what came before is whole',
  async () => {
    const { store } = await filled()
    await using _ = store
    const controller = new AbortController()
    const source = async function* () {
      yield 'key 01'
      await new Promise<never>(() => {})
    }
    const came: unknown[] = []
    const reading = (async () => {
      for await (const item of store.getMany(source(), { signal: controller.signal })) came.push(item)
    })()
    const outcome = rejection(reading)
    await until(() => came.length === 1)
    controller.abort(new Error('enough'))
    expect(await outcome).toBe(controller.signal.reason)
  },
)

onBoth('a source that fails passes its error through', async () => {
  const { store } = await filled()
  await using _ = store
  const failure = new Error('no more keys')
  const source = async function* () {
    yield 'key 01'
    await sleep(1)
    throw failure
  }
  expect(await rejection(all(store.getMany(source())))).toBe(failure)
})

onBoth('a query merges what all tiers list, each key once, in byte order', async () => {
  const [near, far] = [faultyMemory('near'), faultyMemory('far')]
  await using store = tiered([createMemoryTier({ maxBytes }), near, far])
  for (const [at, name] of ['b', 'a', '\uff5e', '😀', 'other'].entries())
    await (at % 2 === 0 ? near : far).good.put(`p/${name}`, bytesOf(at, at))
  await far.good.put('p/b', bytesOf(9, 9))
  await far.good.put('q', bytesOf(1))
  expect(await all(store.query({ prefix: 'p/' }))).toEqual([
    { key: 'p/a', size: 1, tiers: ['far'] },
    { key: 'p/b', size: 0, tiers: ['near', 'far'] },
    { key: 'p/other', size: 4, tiers: ['near'] },
    { key: 'p/\uff5e', size: 2, tiers: ['near'] },
    { key: 'p/😀', size: 3, tiers: ['far'] },
  ])
})

onBoth('a query goes on without a tier that fails, and says so; a list does not', async () => {
  const [near, far] = [faultyMemory('near', { fails: true }), faultyMemory('far')]
  await using store = tiered([near, far])
  await far.good.put('a', bytesOf(1))
  expect(await all(store.query())).toMatchObject([
    { tier: 'near', error: { code: 'EIO' } },
    { key: 'a', size: 100, tiers: ['far'] },
  ])
  expect(await rejection(store.list())).toMatchObject({ code: 'CACHE_TIERS_FAILED' })
})

test('options of calls for many keys are checked', async () => {
  const { store } = await filled()
  await using _ = store
  for (const options of [
    { concurrency: 0 },
    { concurrency: 1.5 },
    { timeoutMs: 0 },
    { timeoutMs: Number.NaN },
  ])
    expect(await rejection(all(store.getMany(names, options)))).toBeInstanceOf(RangeError)
  expect(await rejection(all(store.getMany(names, { timeout: 1 } as object)))).toBeInstanceOf(TypeError)
  expect(await rejection(all(store.getMany(5 as never)))).toBeInstanceOf(TypeError)
})
