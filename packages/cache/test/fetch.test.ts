import { createMemoryCache, type MemoryCache } from '@ipfs-kit/cache'
import {
  checkpoint,
  createEvent,
  currentScope,
  moveOnAfter,
  run,
  sleep,
  taskGroup,
} from '@ipfs-kit/concurrency'
import { forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { rejection } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 50 })

function cacheOf(
  options: Partial<Parameters<typeof createMemoryCache<string>>[0]> = {},
): MemoryCache<string> {
  return createMemoryCache<string>({ maxEntries: 100, ...options })
}

onBoth(
  'all who ask for a key at once get the value of one loader, and later ones that of the cache',
  async () => {
    await using cache = cacheOf()
    let calls = 0
    const load = async (key: string): Promise<string> => {
      calls += 1
      await sleep(5)
      return `value of ${key}`
    }
    const values: (string | undefined)[] = []
    await taskGroup((group) => {
      for (let at = 0; at < 10; at += 1) {
        group.spawn(async () => {
          await checkpoint()
          values.push(await cache.fetch('a', load))
        })
      }
    })
    expect([calls, new Set(values), values.length]).toEqual([1, new Set(['value of a']), 10])
    expect(await cache.fetch('a', load)).toBe('value of a')
    expect(calls).toBe(1)
    expect(cache.stats().loads).toMatchObject({ running: 0, started: 1, failed: 0 })
  },
)

onBoth('a loader goes on when some leave, and is cancelled when the last one does', async () => {
  await using cache = cacheOf()
  let aborted = 0
  let ended = 0
  const mayEnd = createEvent()
  const load = async (key: string, { signal }: { signal: AbortSignal }): Promise<string> => {
    signal.addEventListener('abort', () => (aborted += 1))
    try {
      await (key === 'a' ? mayEnd.wait() : sleep(Number.POSITIVE_INFINITY))
      return 'late'
    } finally {
      ended += 1
    }
  }
  await taskGroup(async (group) => {
    const leaving = [1, 2].map((ms) => group.spawn(() => moveOnAfter(ms, async () => cache.fetch('a', load))))
    group.spawn(async () => expect(await cache.fetch('a', load)).toBe('late'))
    for (const one of leaving) expect(await one).toBe(undefined)
    mayEnd.set()
  })
  expect([aborted, ended]).toEqual([0, 1])
  await taskGroup(async (group) => {
    const leaving = [1, 2, 3].map(() => group.spawn(async () => void (await cache.fetch('b', load))))
    await waitAllTasksBlocked()
    for (const one of leaving) {
      expect(aborted).toBe(0)
      one.cancel()
    }
  })
  await cache.close()
  expect([aborted, ended]).toEqual([1, 2])
})

onBoth('a loader runs in the scope of the cache, not in that of who asked first', async () => {
  await using cache = cacheOf()
  const outside = currentScope()
  let inside: unknown
  await cache.fetch('a', async () => {
    inside = currentScope()
    await checkpoint()
    return 'value'
  })
  for (let scope = inside as typeof outside; scope !== undefined; scope = scope.parent!)
    expect(scope).not.toBe(outside)
})

onBoth('what a loader fails with, all get who wait, and the next one asks again', async () => {
  await using cache = cacheOf()
  const error = new Error('no luck')
  let calls = 0
  const load = async (): Promise<string> => {
    calls += 1
    await sleep(1)
    if (calls === 1) throw error
    return 'value'
  }
  const outcomes = await Promise.all([rejection(cache.fetch('a', load)), rejection(cache.fetch('a', load))])
  expect(outcomes).toEqual([error, error])
  expect(await cache.fetch('a', load)).toBe('value')
  expect(cache.stats().loads).toMatchObject({ started: 2, failed: 1, running: 0 })
  expect(
    await rejection(
      cache.fetch('b', () => {
        throw error
      }),
    ),
  ).toBe(error)
})

onBoth('a loader that hangs holds up nobody else, and a deadline ends the wait for it', async () => {
  await using cache = cacheOf()
  const hung = await moveOnAfter(20, async () =>
    cache.fetch('hangs', () => sleep(Number.POSITIVE_INFINITY).then(() => 'x')),
  )
  expect(hung).toBeUndefined()
  expect(await cache.fetch('b', () => 'value')).toBe('value')
})

onBoth('a signal ends the wait of its caller with its own reason', async () => {
  await using cache = cacheOf()
  const abort = new AbortController()
  const never = () => sleep(Number.POSITIVE_INFINITY).then(() => 'x')
  const asked = rejection(cache.fetch('a', never, { signal: abort.signal }))
  await checkpoint()
  abort.abort('enough')
  expect(await asked).toBe('enough')
  expect(await rejection(cache.fetch('a', () => 'value', { signal: abort.signal }))).toBe('enough')
  expect(cache.has('a')).toBe(false)
})

onBoth('closing ends the loaders, and those who wait are told', async () => {
  const cache = cacheOf()
  const asked = rejection(cache.fetch('a', () => sleep(1e9).then(() => 'x')))
  await checkpoint()
  await cache.close()
  expect(await asked).toMatchObject({ code: 'CACHE_CLOSED' })
  expect(cache.stats().loads.running).toBe(0)
})

onBoth('a value that was set or deleted while its loader ran is not overwritten by it', async () => {
  await using cache = cacheOf()
  for (const change of ['set', 'delete', 'clear'] as const) {
    const old = Promise.withResolvers<string>()
    const asked = run(cache.fetch('a', () => old.promise))
    await checkpoint()
    if (change === 'set') cache.set('a', 'new')
    else if (change === 'delete') cache.delete('a')
    else cache.clear()
    old.resolve('old')
    expect(await asked).toBe('old')
    expect(cache.peek('a')).toBe(change === 'set' ? 'new' : undefined)
    cache.clear()
  }
})

onBoth('a loader without a value is asked again, unless that is to be remembered', async () => {
  let calls = 0
  const load = (): undefined => void (calls += 1)
  await using forgetful = cacheOf()
  expect([await forgetful.fetch('a', load), await forgetful.fetch('a', load), calls]).toEqual([
    undefined,
    undefined,
    2,
  ])

  calls = 0
  let time = 0
  await using cache = cacheOf({ negativeTtlMs: 100, maxNegative: 2, now: () => time })
  expect([await cache.fetch('a', load), await cache.fetch('a', load), calls]).toEqual([
    undefined,
    undefined,
    1,
  ])
  expect(cache.stats()).toMatchObject({ negative: 1, negativeHits: 1 })
  cache.set('a', 'value')
  expect(await cache.fetch('a', load)).toBe('value')
  cache.delete('a')
  await cache.fetch('a', load)
  expect(calls).toBe(2)
  cache.clear()
  await cache.fetch('a', load)
  expect([calls, cache.stats().negative]).toEqual([3, 1])
  for (const key of ['b', 'c', 'd']) await cache.fetch(key, load)
  expect(cache.stats().negative).toBe(2)
  time += 101
  calls = 0
  await cache.fetch('d', load)
  expect(calls).toBe(1)
})

onBoth('no more loaders run at once than it may have', async () => {
  await using cache = cacheOf({ maxLoads: 3 })
  let running = 0
  let most = 0
  await taskGroup((group) => {
    for (let at = 0; at < 12; at += 1) {
      group.spawn(() =>
        cache.fetch(`key ${at}`, async () => {
          running += 1
          most = Math.max(most, running)
          await sleep(1)
          running -= 1
          return 'value'
        }),
      )
    }
  })
  expect([most, cache.stats().entries]).toEqual([3, 12])
})

onBoth('what is loaded keeps the limits, the time and the size that the call says', async () => {
  let time = 0
  await using cache = createMemoryCache<string>({ maxBytes: 10, now: () => time })
  expect(await cache.fetch('large', () => 'value', { bytes: 11 })).toBe('value')
  expect(cache.has('large')).toBe(false)
  expect(await cache.fetch('a', () => 'value', { bytes: 10, ttlMs: 5 })).toBe('value')
  expect(cache.stats().bytes).toBe(10)
  time += 6
  expect(cache.has('a')).toBe(false)
  expect(await rejection(cache.fetch('b', () => 'value', { bytes: -1 }))).toBeInstanceOf(RangeError)
})

onBoth('a loader that was left and ends late changes nothing of what came after it', async () => {
  await using cache = cacheOf()
  const slow = Promise.withResolvers<string>()
  await moveOnAfter(1, async () => cache.fetch('a', () => slow.promise))
  const next = run(cache.fetch('a', () => sleep(5).then(() => 'second')))
  await checkpoint()
  slow.resolve('first')
  expect(await next).toBe('second')
  expect(cache.get('a')).toBe('second')
})

onBoth('who asks after a change does not get what a loader from before it brings', async () => {
  await using cache = cacheOf()
  for (const change of ['delete', 'clear'] as const) {
    const [old, next] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    const before = run(cache.fetch('a', () => old.promise))
    await checkpoint()
    if (change === 'delete') cache.delete('a')
    else cache.clear()
    const after = run(cache.fetch('a', () => next.promise))
    await checkpoint()
    expect(cache.stats().loads.running).toBe(2)
    old.resolve('old')
    expect(await before).toBe('old')
    next.resolve('new')
    expect(await after).toBe('new')
    expect([cache.peek('a'), cache.stats().loads.running]).toEqual(['new', 0])
    cache.clear()
  }
})

onBoth(
  'a loader from before a change is cancelled when the last one has left that waits for it',
  async () => {
    await using cache = cacheOf()
    let aborted = 0
    await taskGroup(async (group) => {
      const leaving = group.spawn(() =>
        cache.fetch('a', (_key, { signal }) => {
          signal.addEventListener('abort', () => (aborted += 1))
          return sleep(Number.POSITIVE_INFINITY).then(() => 'old')
        }),
      )
      await waitAllTasksBlocked()
      cache.delete('a')
      const fresh = Promise.withResolvers<string>()
      const after = run(cache.fetch('a', () => fresh.promise))
      await checkpoint()
      leaving.cancel()
      await waitAllTasksBlocked()
      fresh.resolve('new')
      expect(await after).toBe('new')
    })
    expect([aborted, cache.peek('a'), cache.stats().loads.running]).toEqual([1, 'new', 0])
  },
)
