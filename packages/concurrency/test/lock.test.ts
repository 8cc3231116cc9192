import { cancelScope, checkpoint, createLock, shield, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('lets one task in at a time, in the order of asking', async () => {
  const lock = createLock()
  const asked: number[] = []
  const served: number[] = []
  let inside = 0
  await taskGroup(async (group) => {
    for (let at = 0; at < 5; at++) {
      group.spawn(async () => {
        asked.push(at)
        using _ = await lock.acquire()
        inside += 1
        expect(inside).toBe(1)
        served.push(at)
        await checkpoint()
        inside -= 1
      })
    }
  })
  expect(served).toEqual(asked)
  expect(lock.locked).toBe(false)
})

onBoth('goes to the one who waits, not to one who asks between release and wake-up', async () => {
  const lock = createLock()
  const order: string[] = []
  await taskGroup(async (group) => {
    const permit = await lock.acquire()
    group.spawn(async () => {
      using _ = await lock.acquire()
      order.push('waiter')
    })
    await waitAllTasksBlocked()
    permit.release()
    expect(lock.locked).toBe(true)
    expect(lock.tryAcquire()).toBeUndefined()
    using _ = await lock.acquire()
    order.push('latecomer')
  })
  expect(order).toEqual(['waiter', 'latecomer'])
})

onBoth('refuses the task that holds it, by name, and lets another wait', async () => {
  const lock = createLock({ name: 'journal' })
  await taskGroup(async (group) => {
    const holder = async () => {
      using _ = await lock.acquire()
      const again = {
        code: 'CONCURRENCY_HELD_ALREADY',
        message: 'task "holder" holds lock "journal" already',
      }
      await expect(lock.acquire()).rejects.toMatchObject(again)
      expect(() => lock.tryAcquire()).toThrow(again.message)
      // The same task, deeper inside.
      await shield(async () => await expect(lock.acquire()).rejects.toMatchObject(again))
      expect(lock.stats()).toEqual({ locked: true, holder: 'holder', waiting: 0 })
      await taskGroup(async (inner) => {
        const child = inner.spawn(async () => lock.tryAcquire())
        expect(await child).toBeUndefined()
      })
    }
    await group.spawn(holder)
  })
})

onBoth('does not check who asks outside any task', async () => {
  const lock = createLock()
  using permit = await lock.acquire()
  expect(lock.tryAcquire()).toBeUndefined()
  const again = lock.acquire()
  permit.release()
  const second = await again
  expect(lock.stats()).toEqual({ locked: true, holder: undefined, waiting: 0 })
  second.release()
})

onBoth('refuses a permit that was given back, also when somebody else holds the lock', async () => {
  const lock = createLock({ name: 'journal' })
  const first = await lock.acquire()
  first.release()
  using _ = await lock.acquire()
  expect(() => first.release()).toThrow(expect.objectContaining({ code: 'CONCURRENCY_NOT_HELD' }))
  first[Symbol.dispose]()
  expect(lock.locked).toBe(true)
})

onBoth('lets a cancelled waiter go at once, and serves the next', async () => {
  const lock = createLock()
  await taskGroup(async (group) => {
    const permit = await lock.acquire()
    const leaves = group.spawn(async () => await lock.acquire())
    await waitAllTasksBlocked()
    const stays = group.spawn(async () => {
      using _ = await lock.acquire()
      return 'served'
    })
    await waitAllTasksBlocked()
    leaves.cancel('enough')
    expect(lock.stats().waiting).toBe(1)
    await expect(leaves).rejects.toThrow('enough')
    permit.release()
    expect(await stays).toBe('served')
  })
  expect(lock.locked).toBe(false)
})

onBoth('is free after holders and waiters were cancelled in a storm', async () => {
  const lock = createLock()
  await taskGroup(async (group) => {
    const tasks = Array.from({ length: 6 }, () =>
      group.spawn(async () => {
        for (let round = 0; round < 20; round++) {
          using _ = await lock.acquire()
          await checkpoint()
        }
      }),
    )
    for (const task of tasks) {
      await checkpoint()
      task.cancel()
    }
  })
  expect(lock.stats()).toEqual({ locked: false, holder: undefined, waiting: 0 })
})

test('is free again wherever one of three is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const lock = createLock()
      const user = async () => {
        using _ = await lock.acquire()
        await checkpoint()
      }
      await taskGroup((group) => {
        group.spawn(user)
        group.spawn(async () => await victim(user))
        group.spawn(user)
      })
      expect(lock.stats()).toEqual({ locked: false, holder: undefined, waiting: 0 })
    },
    { seeds: 20 },
  )
})

onBoth('rejects in a cancelled scope, also when it is free', async () => {
  const lock = createLock()
  await cancelScope(async (scope) => {
    scope.cancel()
    await expect(lock.acquire()).rejects.toBe(scope.reason)
    expect(lock.locked).toBe(false)
  })
})

test('gives frozen stats and refuses unknown options', () => {
  expect(Object.isFrozen(createLock().stats())).toBe(true)
  expect(() => createLock({ reentrant: true } as never)).toThrow('unknown option "reentrant"')
  expect(() => createLock().acquire({ scpoe: 1 } as never)).toThrow('did you mean "scope"?')
})
