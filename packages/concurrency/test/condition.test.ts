import {
  cancelScope,
  checkpoint,
  createCondition,
  createLock,
  moveOnAfter,
  sleep,
  taskGroup,
  type Scope,
} from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)
const free = { waiting: 0, lock: { locked: false, holder: undefined, waiting: 0 } }

onBoth('gives the lock back while it waits, and has it again afterwards', async () => {
  const condition = createCondition()
  await taskGroup(async (group) => {
    const waiter = async () => {
      using _ = await condition.acquire()
      await condition.wait()
      expect(condition.lock.stats().holder).toBe('waiter')
      await checkpoint()
    }
    const task = group.spawn(waiter)
    await waitAllTasksBlocked()
    expect(condition.stats()).toEqual({ ...free, waiting: 1 })
    const permit = await condition.acquire()
    condition.notify()
    await waitAllTasksBlocked()
    expect(task.state).toBe('pending')
    permit.release()
  })
  expect(condition.stats()).toEqual(free)
})

onBoth('wakes as many as are notified, those who wait longest first', async () => {
  const condition = createCondition()
  const asked: number[] = []
  const woken: number[] = []
  await taskGroup(async (group) => {
    for (let at = 0; at < 5; at++) {
      group.spawn(async () => {
        using _ = await condition.acquire()
        asked.push(at)
        await condition.wait()
        woken.push(at)
      })
    }
    await waitAllTasksBlocked()
    const notify = async (count: number) => {
      using _ = await condition.acquire()
      condition.notify(count)
    }
    await notify(1)
    await waitAllTasksBlocked()
    expect(woken).toEqual(asked.slice(0, 1))
    await notify(2)
    await waitAllTasksBlocked()
    expect(new Set(woken)).toEqual(new Set(asked.slice(0, 3)))
    using _ = await condition.acquire()
    condition.notifyAll()
  })
  expect(woken).toHaveLength(5)
})

onBoth('waits until a predicate holds, and gives what it returned', async () => {
  const condition = createCondition()
  const items: string[] = []
  await taskGroup(async (group) => {
    const consumer = group.spawn(async () => {
      using _ = await condition.acquire()
      return await condition.waitFor(() => items.at(0))
    })
    for (const item of ['', 'second']) {
      await waitAllTasksBlocked()
      using _ = await condition.acquire()
      items[0] = item
      condition.notify()
    }
    expect(await consumer).toBe('second')
  })
})

onBoth('passes a notification on when the one who got it is cancelled before it has the lock', async () => {
  const condition = createCondition()
  const log: string[] = []
  await taskGroup(async (group) => {
    const waiter = async () => {
      using _ = await condition.acquire()
      await condition.wait()
      log.push('woken')
    }
    const first = group.spawn(waiter)
    await waitAllTasksBlocked()
    group.spawn(waiter)
    await waitAllTasksBlocked()
    const permit = await condition.acquire()
    condition.notify(1)
    // The first is notified and waits for the lock.
    await waitAllTasksBlocked()
    expect(condition.stats()).toMatchObject({ waiting: 1, lock: { waiting: 1 } })
    first.cancel('too late')
    permit.release()
    await expect(first).rejects.toThrow('too late')
  })
  expect(log).toEqual(['woken'])
  expect(condition.stats()).toEqual(free)
})

test('loses no notification wherever a waiter is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const condition = createCondition()
      let ready = false
      let used = 0
      const waiter = async () => {
        using _ = await condition.acquire()
        await condition.waitFor(() => ready)
        ready = false
        used += 1
      }
      await taskGroup(async (group) => {
        group.spawn(async () => await victim(waiter))
        await waitAllTasksBlocked()
        const second = group.spawn(waiter)
        await waitAllTasksBlocked()
        {
          using _ = await condition.acquire()
          ready = true
          condition.notify(1)
          await checkpoint()
        }
        await waitAllTasksBlocked()
        expect(used).toBe(1)
        second.cancel()
      })
      expect(condition.stats()).toEqual(free)
    },
    { seeds: 100 },
  )
})

onBoth('has the lock again when the wait is cancelled, and not before its holder gives it back', async () => {
  const condition = createCondition()
  await taskGroup(async (group) => {
    const waiter = async () => {
      using _ = await condition.acquire()
      await expect(condition.wait()).rejects.toThrow('enough')
      expect(condition.lock.stats().holder).toBe('waiter')
    }
    const task = group.spawn(waiter)
    await waitAllTasksBlocked()
    const permit = await condition.acquire()
    task.cancel('enough')
    await waitAllTasksBlocked()
    expect(task.state).toBe('pending')
    expect(condition.stats()).toEqual({ waiting: 0, lock: { locked: true, holder: undefined, waiting: 1 } })
    permit.release()
    await task
  })
  expect(condition.stats()).toEqual(free)
})

onBoth('shares a lock with another condition', async () => {
  const lock = createLock()
  const room = createCondition(lock, { name: 'room' })
  const items = createCondition(lock, { name: 'items' })
  const slots: number[] = []
  const taken: number[] = []
  await taskGroup((group) => {
    group.spawn(async () => {
      for (let at = 0; at < 10; at++) {
        using _ = await lock.acquire()
        await room.waitFor(() => slots.length < 2)
        slots.push(at)
        items.notify()
      }
    })
    group.spawn(async () => {
      while (taken.length < 10) {
        using _ = await lock.acquire()
        await items.waitFor(() => slots.length > 0)
        taken.push(slots.shift()!)
        room.notify()
      }
    })
  })
  expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

onBoth('refuses everything without its lock, and names the task', async () => {
  const condition = createCondition(createLock({ name: 'table' }), { name: 'row' })
  const notHeld = {
    code: 'CONCURRENCY_NOT_HELD',
    message: expect.stringContaining('task "careless"') as string,
  }
  await taskGroup(async (group) => {
    using _ = await condition.acquire()
    const careless = async () => {
      await expect(condition.wait()).rejects.toMatchObject(notHeld)
      await expect(condition.waitFor(() => true)).rejects.toMatchObject(notHeld)
      expect(() => condition.notify()).toThrow(expect.objectContaining(notHeld))
      expect(() => condition.notifyAll()).toThrow(expect.objectContaining(notHeld))
    }
    await group.spawn(careless)
  })
  await expect(condition.wait()).rejects.toMatchObject({ code: 'CONCURRENCY_NOT_HELD' })
})

onBoth('knows the task by the scope that it is given, where async context does not tell', async () => {
  const condition = createCondition()
  await taskGroup(async (group) => {
    let scope: Scope | undefined
    const task = group.spawn(async function worker(own) {
      scope = own
      await sleep(Infinity)
    })
    await waitAllTasksBlocked()
    const permit = await condition.acquire({ scope })
    expect(condition.lock.stats().holder).toBe('worker')
    expect(() => condition.lock.tryAcquire({ scope })).toThrow('holds lock')
    expect(condition.lock.tryAcquire()).toBeUndefined()
    expect(() => condition.notify()).toThrow('without holding')
    const waiting = condition.wait({ scope })
    const other = await condition.acquire()
    expect(() => condition.notifyAll({ scope })).toThrow('without holding')
    condition.notifyAll()
    other.release()
    await waiting
    condition.notify(1, { scope })
    task.cancel()
    permit.release()
  })
  expect(condition.stats()).toEqual(free)
})

onBoth('refuses the permit of a lock that is lent out by a wait', async () => {
  const condition = createCondition()
  await taskGroup(async (group) => {
    const permit = await condition.acquire()
    const waiting = condition.wait()
    expect(() => permit.release()).toThrow(expect.objectContaining({ code: 'CONCURRENCY_NOT_HELD' }))
    await group.spawn(async () => {
      using _ = await condition.acquire()
      condition.notify()
    })
    await waiting
    permit.release()
  })
})

onBoth('returns from a wait with a deadline holding the lock', async () => {
  const condition = createCondition()
  using _ = await condition.acquire()
  await moveOnAfter(1, async () => await condition.waitFor(() => false))
  expect(condition.lock.locked).toBe(true)
})

onBoth('rejects in a cancelled scope and keeps the lock', async () => {
  const condition = createCondition()
  using _ = await condition.acquire()
  await cancelScope(async (scope) => {
    scope.cancel()
    await expect(condition.wait()).rejects.toBe(scope.reason)
    await expect(condition.waitFor(() => true)).rejects.toBe(scope.reason)
  })
  expect(condition.lock.locked).toBe(true)
})

test('refuses what is no lock, no predicate, no count', async () => {
  expect(() => createCondition({} as never)).toThrow(TypeError)
  const condition = createCondition()
  using _ = await condition.acquire()
  await expect(condition.waitFor('x' as never)).rejects.toThrow(TypeError)
  await expect(condition.waitFor(async () => true)).rejects.toThrow('always truthy')
  for (const count of [0, -1, 1.5, NaN, Infinity]) expect(() => condition.notify(count)).toThrow(RangeError)
  expect(Object.isFrozen(condition.stats())).toBe(true)
  expect(() => createCondition(undefined, { lock: 1 } as never)).toThrow('unknown option "lock"')
})
