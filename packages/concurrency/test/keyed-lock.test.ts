import { cancelScope, checkpoint, createKeyedLock, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)
const nobody = { locked: 0, waiting: 0 }

onBoth('lets one at a time have a key, in the order of asking, whenever they come', async () => {
  const lock = createKeyedLock<string>()
  const asked: number[] = []
  const served: number[] = []
  let inside = 0
  await taskGroup((group) => {
    for (let at = 0; at < 6; at++) {
      group.spawn(async () => {
        await sleep(at % 2)
        asked.push(at)
        using _ = await lock.acquire('a')
        inside += 1
        expect(inside).toBe(1)
        served.push(at)
        await sleep(1)
        inside -= 1
      })
    }
  })
  expect(served).toEqual(asked)
  expect(lock.stats()).toEqual(nobody)
})

onBoth('who has a key does not hold up those who want another', async () => {
  const lock = createKeyedLock<string>()
  using _a = await lock.acquire('a')
  {
    using _b = await lock.acquire('b')
    expect(lock.stats()).toEqual({ locked: 2, waiting: 0 })
  }
  expect([lock.isLocked('a'), lock.isLocked('b')]).toEqual([true, false])
})

onBoth('tells keys apart as a Map does', async () => {
  const lock = createKeyedLock<unknown>()
  const object = {}
  const keys = ['1', 1, NaN, undefined, object, {}, '', 'a\0b', '\ud800', 'k'.repeat(10_000)]
  for (const key of keys) await lock.acquire(key)
  expect(lock.stats().locked).toBe(keys.length)
  expect([NaN, undefined, object].map((key) => lock.isLocked(key))).toEqual([true, true, true])
  expect(lock.isLocked({})).toBe(false)
})

onBoth('a key goes to the one who waits, not to one who asks between release and wake-up', async () => {
  const lock = createKeyedLock<string>()
  const order: string[] = []
  await taskGroup(async (group) => {
    const permit = await lock.acquire('a')
    group.spawn(async () => {
      using _ = await lock.acquire('a')
      order.push('waiter')
    })
    await waitAllTasksBlocked()
    permit.release()
    expect(lock.isLocked('a')).toBe(true)
    using _ = await lock.acquire('a')
    order.push('latecomer')
  })
  expect(order).toEqual(['waiter', 'latecomer'])
})

onBoth('calls of one task on one key wait for each other', async () => {
  const lock = createKeyedLock<string>()
  const order: string[] = []
  const call = async (name: string): Promise<void> => {
    using _ = await lock.acquire('a')
    order.push(`${name} in`)
    await checkpoint()
    order.push(`${name} out`)
  }
  await Promise.all([call('one'), call('two')])
  expect(order).toEqual(['one in', 'one out', 'two in', 'two out'])
})

onBoth('refuses a permit that was given back, also when somebody else has the key', async () => {
  const lock = createKeyedLock<string>({ name: 'files' })
  const first = await lock.acquire('a')
  first.release()
  using _ = await lock.acquire('a')
  expect(() => first.release()).toThrow(
    expect.objectContaining({
      code: 'CONCURRENCY_NOT_HELD',
      message: 'a permit of "files" was released again',
    }),
  )
  first[Symbol.dispose]()
  expect(lock.isLocked('a')).toBe(true)
})

onBoth('lets a cancelled waiter go at once, and serves the next', async () => {
  const lock = createKeyedLock<string>()
  await taskGroup(async (group) => {
    const permit = await lock.acquire('a')
    const leaves = group.spawn(async () => await lock.acquire('a'))
    await waitAllTasksBlocked()
    const stays = group.spawn(async () => {
      using _ = await lock.acquire('a')
      return 'served'
    })
    await waitAllTasksBlocked()
    leaves.cancel('enough')
    expect(lock.stats()).toEqual({ locked: 1, waiting: 1 })
    await expect(leaves).rejects.toThrow('enough')
    permit.release()
    expect(await stays).toBe('served')
  })
  expect(lock.stats()).toEqual(nobody)
})

onBoth('takes no key for a wait whose signal is aborted, and rejects with its reason untouched', async () => {
  const lock = createKeyedLock<string>()
  const permit = await lock.acquire('a')
  const controller = new AbortController()
  const waiting = lock.acquire('a', { signal: controller.signal }).catch((error: unknown) => error)
  await waitAllTasksBlocked()
  controller.abort('a text, no Error')
  expect(await waiting).toBe('a text, no Error')
  permit.release()
  expect(lock.stats()).toEqual(nobody)
})

test('no key is left held wherever one of three is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const lock = createKeyedLock<string>()
      const user = async () => {
        using _ = await lock.acquire('a')
        await checkpoint()
      }
      await taskGroup((group) => {
        group.spawn(user)
        group.spawn(async () => await victim(user))
        group.spawn(user)
      })
      expect(lock.stats()).toEqual(nobody)
    },
    { seeds: 20 },
  )
})

onBoth('rejects in a cancelled scope, also when the key is free', async () => {
  const lock = createKeyedLock<string>()
  await cancelScope(async (scope) => {
    scope.cancel()
    await expect(lock.acquire('a')).rejects.toBe(scope.reason)
    expect(lock.isLocked('a')).toBe(false)
  })
})

test('gives frozen stats and refuses unknown options', () => {
  expect(Object.isFrozen(createKeyedLock().stats())).toBe(true)
  expect(() => createKeyedLock({ reentrant: true } as never)).toThrow('unknown option "reentrant"')
  expect(() => createKeyedLock().acquire('a', { scpoe: 1 } as never)).toThrow('did you mean "scope"?')
})
