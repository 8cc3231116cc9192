import { createMemoryTier, tiered, type Tiered } from '@ipfs-kit/cache/tiered'
import { now, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { collect, rejection } from './ground.ts'
import { bytesOf, keyOf } from './tiered-cids.ts'
import { type Fault, faultyMemory, until } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 30 })
const maxBytes = 16 * 1024 * 1024
const whole = bytesOf(1, 10_000)
const key = keyOf(whole)
/** What is told of a value besides key and size. */
const untold = { version: undefined, modifiedMs: undefined, sha256: undefined }

/** Two tiers that have a block, the first of which goes wrong. */
async function twoTiers(fault: Fault, policy: Parameters<typeof tiered>[1] = {}) {
  const bad = faultyMemory('bad')
  const good = faultyMemory('good')
  const { tiers, ...rest } = policy
  // What answers has the time for it.
  const timeoutMs = fault.hangs === true || fault.stallsAfter !== undefined ? 20 : 60_000
  const store = tiered([bad, good], { tiers: { bad: { timeoutMs }, ...tiers }, ...rest })
  for (const one of [key, 'a free key']) {
    await bad.good.put(one, whole)
    await good.good.put(one, whole)
  }
  bad.fault = fault
  return { bad, good, store }
}

function statsOf(store: Tiered, name: string) {
  return store.stats().tiers.find((tier) => tier.name === name)!
}

async function read(store: Tiered, one: string): Promise<Buffer> {
  return collect((await store.get(one))!.body)
}

const faults: readonly (readonly [what: string, fault: Fault, count: 'timeouts' | 'failures'])[] = [
  ['hangs', { hangs: true }, 'timeouts'],
  ['fails', { fails: true }, 'failures'],
  ['ends a body early', { endsEarlyBy: 1 }, 'failures'],
  ['sends more than it declares', { endsLateBy: 1 }, 'failures'],
  ['dies in the middle of a body', { diesAfter: 5000 }, 'failures'],
  ['stands still in the middle of a body', { stallsAfter: 5000 }, 'timeouts'],
]

for (const [what, fault, count] of faults) {
  onBoth(`a tier that ${what} is passed over, whatever the key, and that is counted`, async () => {
    const { store } = await twoTiers(fault)
    await using _ = store
    for (const one of [key, 'a free key']) expect((await read(store, one)).equals(whole)).toBe(true)
    expect(statsOf(store, 'bad')).toMatchObject({ hits: 0, [count]: 2 })
    expect(statsOf(store, 'good').hits).toBe(2)
  })
}

onBoth(
  'bytes that are not those of a CID are a miss, are promoted nowhere, and open the breaker at once',
  async () => {
    const memory = createMemoryTier({ maxBytes })
    const liar = faultyMemory('liar', { liesAboutContent: true })
    const good = faultyMemory('good')
    await using store = tiered([memory, liar, good])
    for (const one of [liar, good]) await one.good.put(key, whole)
    expect((await read(store, key)).equals(whole)).toBe(true)
    expect(Buffer.from(store.peek(key)!).equals(whole)).toBe(true)
    expect(statsOf(store, 'liar')).toMatchObject({ lies: 1, hits: 0, breaker: { state: 'open' } })
  },
)

onBoth('a block that only a liar has is absent, and unknown while the liar is left alone', async () => {
  await using store = tiered([faultyMemory('empty'), await liarWith(whole)])
  expect(await store.get(key)).toBe(undefined)
  expect(await rejection(store.getBytes(key))).toMatchObject({ code: 'CACHE_TIERS_FAILED' })
})

async function liarWith(bytes: Uint8Array) {
  const liar = faultyMemory('liar', { liesAboutContent: true })
  await liar.good.put(keyOf(bytes), bytes)
  return liar
}

onBoth('a key that no tier has is unknown, and not absent, while a store does not answer', async () => {
  const { store, bad } = await twoTiers({ fails: true })
  await using _ = store
  const missing = keyOf(bytesOf(2))
  expect(await rejection(store.get(missing))).toMatchObject({ code: 'CACHE_TIERS_FAILED', kind: 'temporary' })
  expect(await rejection(store.stat(missing))).toMatchObject({ code: 'CACHE_TIERS_FAILED' })
  expect(await rejection(store.has(missing))).toMatchObject({ code: 'CACHE_TIERS_FAILED' })
  bad.fault = {}
  expect(await store.get(missing)).toBe(undefined)
})

onBoth('a cache that does not answer leaves absence certain', async () => {
  const { store } = await twoTiers({ fails: true }, { tiers: { bad: { role: 'cache' } } })
  await using _ = store
  expect(await store.get(keyOf(bytesOf(2)))).toBe(undefined)
})

const streamed = { maxWholeBytes: 1000 }

for (const [what, fault] of faults.slice(2)) {
  // On a busy machine the time of a body that stands still may be over before the body is there.
  const only = fault.stallsAfter === undefined ? undefined : 'sim'
  onBoth(
    `when a tier ${what}, a streamed block goes on from the next one at the same byte`,
    async () => {
      const { store, good } = await twoTiers(fault, streamed)
      await using _ = store
      expect((await read(store, key)).equals(whole)).toBe(true)
      // A body too long is found out behind the last byte, when nothing is missing any more.
      expect(good.calls.get).toBe('endsLateBy' in fault ? 0 : 1)
    },
    { only },
  )

  onBoth(
    `when a tier ${what}, a streamed body under a free key fails and is never shortened or mixed`,
    async () => {
      const { store } = await twoTiers(fault, streamed)
      await using _ = store
      const found = await store.get('a free key')
      const pieces: Uint8Array[] = []
      const reading = async (): Promise<void> => {
        for await (const piece of found!.body) pieces.push(piece)
      }
      expect(await rejection(reading())).toMatchObject({ code: 'CACHE_BODY_BROKEN', kind: 'integrity' })
      const came = Buffer.concat(pieces)
      expect(came.length).toBeLessThan(whole.length)
      expect(came.equals(whole.subarray(0, came.length))).toBe(true)
    },
    { only },
  )
}

onBoth('a streamed block with wrong bytes fails before its last piece, and opens the breaker', async () => {
  const { store } = await twoTiers({ liesAboutContent: true }, streamed)
  await using _ = store
  const found = await store.get(key)
  let came = 0
  const reading = async (): Promise<void> => {
    for await (const piece of found!.body) came += piece.length
  }
  expect(await rejection(reading())).toMatchObject({ code: 'CACHE_BODY_BROKEN' })
  expect(came).toBe(whole.length - 1000)
  expect(statsOf(store, 'bad')).toMatchObject({ lies: 1, breaker: { state: 'open' } })
  expect((await read(store, key)).equals(whole)).toBe(true)
})

onBoth('a range of a streamed block is checked with the whole of it', async () => {
  const { store } = await twoTiers({}, streamed)
  await using _ = store
  const range = await store.get(key, { offset: 2500, length: 3000 })
  expect((await collect(range!.body)).equals(whole.subarray(2500, 5500))).toBe(true)
  const lying = await twoTiers({ liesAboutContent: true }, streamed)
  await using _lying = lying.store
  const other = await lying.store.get(key, { offset: 2500, length: 3000 })
  expect(await rejection(collect(other!.body))).toMatchObject({ code: 'CACHE_BODY_BROKEN' })
})

onBoth(
  'after failures in a row a tier is left alone, and asked again after a probe that succeeds',
  async () => {
    const { store, bad, good } = await twoTiers(
      { fails: true },
      { breaker: { failures: 3, openMs: 100, maxOpenMs: 1000 } },
    )
    await using _ = store
    for (let times = 0; times < 6; times += 1) await read(store, key)
    expect([bad.calls.get, good.calls.get]).toEqual([3, 6])
    expect(statsOf(store, 'bad').breaker).toMatchObject({ state: 'open', failures: 3, lastFailure: 'EIO' })
    // The probe at 100 ms fails, so does the one 200 ms later: the tier itself is tried, not the clock.
    const began = now()
    await until(() => bad.calls.probe === 0)
    await sleep(150)
    expect(bad.calls.probe).toBe(1)
    await sleep(200)
    expect(bad.calls.probe).toBe(2)
    bad.fault = {}
    await sleep(450)
    expect(statsOf(store, 'bad').breaker).toMatchObject({ state: 'closed', openings: 3 })
    expect(now() - began).toBeGreaterThanOrEqual(790)
    await read(store, key)
    expect(bad.calls.get).toBe(4)
  },
  { only: 'sim' },
)

onBoth(
  'a call from before the breaker opened makes no probe come earlier',
  async () => {
    const { store, bad } = await twoTiers(
      { answersAfterMs: 50 },
      { breaker: { failures: 1, openMs: 100 }, tiers: { bad: { timeoutMs: 1000 } } },
    )
    await using _ = store
    await taskGroup(async (group) => {
      group.spawn(() => read(store, key))
      await sleep(1)
      bad.fault = { fails: true }
      await read(store, 'a free key')
      await sleep(150)
      expect(bad.calls.probe).toBe(1)
      await sleep(100)
      expect(bad.calls.probe).toBe(1)
      await sleep(60)
      expect(bad.calls.probe).toBe(2)
    })
  },
  { only: 'sim' },
)

onBoth('a probe that hangs ends with its deadline, and closing ends it at once', async () => {
  const { store, bad } = await twoTiers(
    { hangs: true },
    { breaker: { failures: 1, openMs: 5, maxOpenMs: 5 } },
  )
  await read(store, key)
  while (bad.calls.probe === 0) await sleep(1)
  await store.close()
  const probes = bad.calls.probe
  await sleep(60)
  expect(bad.calls.probe).toBe(probes)
})

onBoth('an answer such as "full" or "exists" is no failure of a tier', async () => {
  const { store } = await twoTiers({}, { breaker: { failures: 1 } })
  await using _ = store
  expect(await rejection(store.put('a free key', whole, { ifAbsent: true }))).toMatchObject({
    code: 'STORAGE_EXISTS',
  })
  expect(statsOf(store, 'bad')).toMatchObject({ failures: 0, breaker: { state: 'closed' } })
})

onBoth('a caller who leaves is no failure of the tier', async () => {
  const { store } = await twoTiers(
    { hangs: true },
    { breaker: { failures: 1 }, tiers: { bad: { timeoutMs: 10_000 } } },
  )
  await using _ = store
  const controller = new AbortController()
  const reading = rejection(store.get(key, { signal: controller.signal }))
  await sleep(5)
  controller.abort(new Error('enough'))
  expect(await reading).toBe(controller.signal.reason)
  await until(() => store.stats().reads.running === 0)
  expect(statsOf(store, 'bad')).toMatchObject({ timeouts: 0, failures: 0, breaker: { state: 'closed' } })
})

onBoth('memory that was filled behind the back of the store is verified before it is answered', async () => {
  const memory = createMemoryTier({ maxBytes })
  const good = faultyMemory('good')
  await using store = tiered([memory, good])
  await memory.put(key, bytesOf(3, 10_000))
  await good.good.put(key, whole)
  expect(store.peek(key)).toBe(undefined)
  expect((await read(store, key)).equals(whole)).toBe(true)
  expect(statsOf(store, 'memory').lies).toBe(1)
})

onBoth('a tier opens its breaker by answers that cannot be, though each call comes to an end', async () => {
  const { store, bad } = await twoTiers({}, { breaker: { failures: 3 } })
  await using _ = store
  bad.stat = async (one) => ({ ...untold, key: one, size: Number.NaN })
  for (let times = 0; times < 3; times += 1) expect((await store.stat(key))?.size).toBe(whole.length)
  expect(statsOf(store, 'bad')).toMatchObject({ failures: 3, breaker: { state: 'open' } })
  const other = await twoTiers({}, { breaker: { failures: 3 } })
  await using _other = other.store
  other.bad.put = async (one) => ({ ...untold, key: one, size: 1 })
  for (let times = 0; times < 3; times += 1) await other.store.put(key, whole)
  expect(statsOf(other.store, 'bad')).toMatchObject({ failures: 3, puts: 0, breaker: { state: 'open' } })
})

onBoth('a list out of order fails and counts against its tier, and so does one without an end', async () => {
  for (const page of [
    { entries: ['b', 'a'].map((one) => ({ ...untold, key: one, size: 1 })) },
    { entries: [], cursor: 'the same' },
  ]) {
    const bad = faultyMemory('bad')
    await using store = tiered([bad])
    bad.list = async () => page
    expect(await rejection(store.list())).toMatchObject({ code: 'CACHE_TIERS_FAILED' })
    expect(statsOf(store, 'bad')).toMatchObject({ failures: 1, breaker: { failures: 1 } })
  }
})

onBoth(
  'a list whose pages are empty for ever fails',
  async () => {
    const bad = faultyMemory('bad')
    await using store = tiered([bad])
    let pages = 0
    bad.list = async () => ({ entries: [], cursor: String((pages += 1)) })
    expect(await rejection(store.list())).toMatchObject({ code: 'CACHE_TIERS_FAILED' })
  },
  { seeds: 3 },
)

for (const [what, fault] of faults.slice(2)) {
  if ('endsLateBy' in fault) continue
  onBoth(`a tier that ${what} of every large value opens its breaker`, async () => {
    const { store } = await twoTiers(fault, { ...streamed, breaker: { failures: 3 } })
    await using _ = store
    for (let times = 0; times < 3; times += 1) {
      expect(statsOf(store, 'bad').breaker.state).toBe('closed')
      expect((await read(store, key)).equals(whole)).toBe(true)
    }
    expect(statsOf(store, 'bad')).toMatchObject({ breaker: { state: 'open' } })
  })
}

onBoth('a body with another length than was asked for is let go', async () => {
  const { store, bad } = await twoTiers({})
  await using _ = store
  let left = 0
  bad.get = async (one) => ({
    ...untold,
    ...{ key: one, size: 10, offset: 0, length: 9 },
    body: {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: async () => ({ done: true, value: (left += 1) }),
      }),
    },
  })
  expect((await read(store, key)).equals(whole)).toBe(true)
  expect([left, statsOf(store, 'bad').failures]).toEqual([1, 1])
})

onBoth('a body that is left while it stands still ends, asks no other tier and blames nobody', async () => {
  const { store, bad, good } = await twoTiers(
    { stallsAfter: 3000 },
    { ...streamed, tiers: { bad: { timeoutMs: 60_000 } } },
  )
  await using _ = store
  const body = (await store.get(key))!.body[Symbol.asyncIterator]()
  await body.next()
  await body.next()
  const third = body.next()
  await until(() => statsOf(store, 'bad').running === 1)
  await body.return!()
  expect(await third).toEqual({ done: true, value: undefined })
  expect(await body.next()).toEqual({ done: true, value: undefined })
  expect(good.calls.get).toBe(0)
  expect(statsOf(store, 'bad')).toMatchObject({ failures: 0, timeouts: 0, running: 0 })
  expect(bad.calls.get).toBe(2)
})

onBoth('a large value whose tier is left alone between two calls is unknown, and not absent', async () => {
  const bad = faultyMemory('bad')
  await using store = tiered([bad], { ...streamed, breaker: { failures: 1 } })
  await bad.good.put('a free key', whole)
  bad.get = async (one, options) => {
    // While the store looks at the first answer, something else fails.
    const found = await bad.good.get(one, options)
    bad.fault = { fails: true }
    await store.stat('a free key').catch(() => {})
    return found
  }
  expect(await rejection(store.get('a free key'))).toMatchObject({ code: 'CACHE_TIERS_FAILED' })
})
