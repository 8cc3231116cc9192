import { createMemoryCache, type MemoryCache } from '@ipfs-kit/cache'
import { checkpoint, createEvent, map, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { rejection } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 50 })

function cacheOf(
  options: Partial<Parameters<typeof createMemoryCache<string>>[0]> = {},
): MemoryCache<string> {
  return createMemoryCache<string>({ maxEntries: 100, ...options })
}

onBoth('a loader may use the cache, but not wait for itself', async () => {
  await using cache = cacheOf()
  const value = await cache.fetch('outer', async (key) => {
    cache.set('side', 'effect')
    return `${key} ${await cache.fetch('inner', async () => 'loaded')}`
  })
  expect([value, cache.get('side'), cache.get('inner')]).toEqual(['outer loaded', 'effect', 'loaded'])
  const itself = rejection(cache.fetch('a', async (key) => cache.fetch(key, () => 'x')))
  expect(await itself).toMatchObject({ code: 'CACHE_LOAD_RING' })
})

onBoth(
  'loaders that ask for each other do not wait for ever: the one that closes the ring is told',
  async () => {
    await using cache = cacheOf()
    const ask = (keys: string): Promise<string | undefined> =>
      cache.fetch(keys[0]!, async () => {
        await checkpoint()
        return `${keys[0]} ${await ask(keys.slice(1) + keys[0])}`
      })
    const outcomes = await Promise.all(['abc', 'bca', 'cab'].map((keys) => rejection(ask(keys))))
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ code: 'CACHE_LOAD_RING', kind: 'invalid' })
    expect(cache.stats().loads.running).toBe(0)
    // Two that ask for the same one are no ring.
    const both = async (): Promise<string> => {
      const parts = await Promise.all(
        ['left', 'right'].map((key) => cache.fetch(key, () => cache.fetch('one', () => '1'))),
      )
      return parts.join()
    }
    expect(await cache.fetch('both', both)).toBe('1,1')
  },
)

onBoth('a loader that asks for other keys gets them, however many loaders wait for their turn', async () => {
  await using cache = cacheOf({ maxLoads: 2 })
  let deepest = 0
  const load = async (depth: number, key: string): Promise<string> => {
    deepest = Math.max(deepest, depth)
    await checkpoint()
    if (depth === 3) return key
    const asked = [0, 1, 2].map((at) => cache.fetch(`${depth + 1} ${at}`, (next) => load(depth + 1, next)))
    return (await Promise.all(asked)).join()
  }
  await taskGroup((group) => {
    for (let at = 0; at < 6; at += 1) {
      group.spawn(() => cache.fetch(`0 ${at}`, (key) => load(0, key)))
      // What is asked for outside too waits for its turn there.
      group.spawn(() => cache.fetch(`${1 + (at % 3)} ${at % 2}`, (key) => load(1 + (at % 3), key)))
    }
  })
  expect(deepest).toBe(3)
  expect(cache.stats()).toMatchObject({ entries: 15, loads: { running: 0, started: 15, failed: 0 } })
})

onBoth(
  'what a loader has asked for does not wait behind others that have come to ask for that loader',
  async () => {
    await using cache = cacheOf({ maxLoads: 2 })
    const [haveTurns, hasAsked] = [createEvent(), createEvent()]
    let asking = 0
    const ask = async (): Promise<string | undefined> => {
      asking += 1
      if (asking === 2) haveTurns.set()
      await hasAsked.wait()
      await sleep(1)
      return cache.fetch('shared', () => 'never asked')
    }
    const values = await map(['shared', 'both'], (key) =>
      cache.fetch(key, async () => {
        if (key === 'both')
          return (await Promise.all([cache.fetch('one', ask), cache.fetch('two', ask)])).join()
        await haveTurns.wait()
        const last = cache.fetch('last', () => 'last')
        hasAsked.set()
        return await last
      }),
    )
    expect(values).toEqual(['last', 'last,last'])
  },
)

onBoth('no more of the loaders that others ask for run at once than may', async () => {
  await using cache = cacheOf({ maxLoads: 3 })
  let running = 0
  let most = 0
  const inner = async (key: string): Promise<string> => {
    running += 1
    most = Math.max(most, running)
    await sleep(1)
    running -= 1
    return key
  }
  await cache.fetch('outer', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, at) => cache.fetch(`inner ${at}`, inner)))
    return 'value'
  })
  expect([most, cache.stats().entries]).toEqual([3, 13])
})

onBoth('of a loader that settles more than once the first counts', async () => {
  await using cache = cacheOf()
  const twice = {
    then(resolve: (value: string) => void, reject: (error: Error) => void) {
      resolve('first')
      resolve('second')
      reject(new Error('late'))
    },
  }
  expect(await cache.fetch('a', () => twice as PromiseLike<string> as Promise<string>)).toBe('first')
  const executor = () =>
    new Promise<string>((resolve, reject) => {
      resolve('first')
      reject(new Error('late'))
      throw new Error('later')
    })
  expect(await cache.fetch('b', executor)).toBe('first')
  expect([cache.peek('a'), cache.peek('b'), cache.stats().loads.failed]).toEqual(['first', 'first', 0])
})

onBoth('a loader may change its own key, make the cache smaller, and not wait for its close', async () => {
  await using cache = cacheOf()
  const changing = (change: (key: string) => unknown) =>
    cache.fetch('a', async (key) => {
      await change(key)
      return 'loaded'
    })
  expect(await changing((key) => cache.set(key, 'own'))).toBe('loaded')
  expect(cache.peek('a')).toBe('own')
  cache.clear()
  for (const change of [(key: string) => cache.delete(key), () => cache.clear()]) {
    expect(await changing(change)).toBe('loaded')
    expect(cache.has('a')).toBe(false)
  }
  cache.set('b', 'value')
  expect(await changing(() => cache.resize({ maxEntries: 1 }))).toBe('loaded')
  expect([...cache.entries()]).toEqual([['a', 'loaded']])
  cache.clear()
  expect(await rejection(changing(() => cache.close()))).toMatchObject({ code: 'CONCURRENCY_AWAITS_ITSELF' })
})
