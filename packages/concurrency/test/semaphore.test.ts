import {
  cancelScope,
  checkpoint,
  createSemaphore,
  moveOnAfter,
  sleep,
  taskGroup,
} from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('lets no more in than it has permits', async () => {
  const semaphore = createSemaphore(2)
  let inside = 0
  let most = 0
  await taskGroup((group) => {
    for (let at = 0; at < 8; at++) {
      group.spawn(async () => {
        using _ = await semaphore.acquire()
        inside += 1
        most = Math.max(most, inside)
        await sleep(1)
        inside -= 1
      })
    }
  })
  expect(most).toBe(2)
  expect(semaphore.stats()).toEqual({ permits: 2, available: 2, waiting: 0 })
})

onBoth('a permit goes to the one who waits, not to one who asks between release and wake-up', async () => {
  const semaphore = createSemaphore(1)
  const order: string[] = []
  await taskGroup(async (group) => {
    const permit = await semaphore.acquire()
    group.spawn(async () => {
      using _ = await semaphore.acquire()
      order.push('waiter')
    })
    await waitAllTasksBlocked()
    permit.release()
    expect(semaphore.available).toBe(0)
    expect(semaphore.tryAcquire()).toBeUndefined()
    using _ = await semaphore.acquire()
    order.push('latecomer')
  })
  expect(order).toEqual(['waiter', 'latecomer'])
})

onBoth('serves those who wait in the order of asking', async () => {
  const semaphore = createSemaphore(1)
  const asked: number[] = []
  const served: number[] = []
  await taskGroup(async (group) => {
    const first = await semaphore.acquire()
    for (let at = 0; at < 5; at++) {
      group.spawn(async () => {
        asked.push(at)
        using _ = await semaphore.acquire()
        served.push(at)
        await checkpoint()
      })
    }
    await waitAllTasksBlocked()
    expect(semaphore.stats()).toEqual({ permits: 1, available: 0, waiting: 5 })
    first.release()
  })
  expect(served).toEqual(asked)
})

onBoth('lets a cancelled waiter go at once, and serves the next', async () => {
  const semaphore = createSemaphore(1)
  await taskGroup(async (group) => {
    const permit = await semaphore.acquire()
    const leaves = group.spawn(async () => await semaphore.acquire())
    await waitAllTasksBlocked()
    const stays = group.spawn(async () => {
      using _ = await semaphore.acquire()
      return 'served'
    })
    await waitAllTasksBlocked()
    leaves.cancel('enough')
    expect(semaphore.stats().waiting).toBe(1)
    permit.release()
    expect(await stays).toBe('served')
    await expect(leaves).rejects.toThrow('enough')
  })
  expect(semaphore.available).toBe(1)
})

onBoth(
  'takes no permit for a wait whose signal is aborted, and rejects with its reason untouched',
  async () => {
    const semaphore = createSemaphore(1)
    const permit = await semaphore.acquire()
    const controller = new AbortController()
    const reason = 'a text, no Error'
    const waiting = semaphore.acquire({ signal: controller.signal }).catch((error: unknown) => error)
    await waitAllTasksBlocked()
    controller.abort(reason)
    expect(await waiting).toBe(reason)
    expect(
      await semaphore.acquire({ signal: AbortSignal.abort(reason) }).catch((error: unknown) => error),
    ).toBe(reason)
    permit.release()
    expect(semaphore.stats()).toEqual({ permits: 1, available: 1, waiting: 0 })
  },
)

onBoth('keeps its count through a storm of cancellations and deadlines', async () => {
  const semaphore = createSemaphore(3)
  await taskGroup(async (group) => {
    const tasks = Array.from({ length: 8 }, () =>
      group.spawn(async () => {
        for (let round = 0; round < 20; round++) {
          await moveOnAfter(0, async () => {
            using _ = await semaphore.acquire()
            await checkpoint()
          })
          using _ = await semaphore.acquire()
          await checkpoint()
        }
      }),
    )
    for (const task of tasks) {
      await checkpoint()
      task.cancel()
    }
  })
  expect(semaphore.stats()).toEqual({ permits: 3, available: 3, waiting: 0 })
})

test('has all its permits wherever a user is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const semaphore = createSemaphore(1)
      const user = async () => {
        using _ = await semaphore.acquire()
        await checkpoint()
      }
      await taskGroup((group) => {
        group.spawn(user)
        group.spawn(async () => await victim(user))
        group.spawn(user)
      })
      expect(semaphore.stats()).toEqual({ permits: 1, available: 1, waiting: 0 })
    },
    { seeds: 20 },
  )
})

onBoth('gives a permit back once', async () => {
  const semaphore = createSemaphore(2, { name: 'slots' })
  const permit = await semaphore.acquire()
  permit.release()
  expect(() => permit.release()).toThrow(
    expect.objectContaining({
      code: 'CONCURRENCY_NOT_HELD',
      message: expect.stringContaining('slots') as string,
    }),
  )
  permit[Symbol.dispose]()
  expect(semaphore.available).toBe(2)
})

onBoth('rejects in a cancelled scope, also when a permit is free', async () => {
  const semaphore = createSemaphore(1)
  await cancelScope(async (scope) => {
    scope.cancel()
    await expect(semaphore.acquire()).rejects.toBe(scope.reason)
    expect(semaphore.tryAcquire()?.release()).toBeUndefined()
  })
  expect(semaphore.available).toBe(1)
})

test('refuses counts that are none, and unknown options', () => {
  for (const permits of [0, -1, 1.5, NaN, Infinity])
    expect(() => createSemaphore(permits)).toThrow(RangeError)
  for (const permits of ['1', null, undefined])
    expect(() => createSemaphore(permits as never)).toThrow(TypeError)
  expect(() => createSemaphore(1, { nam: 'x' } as never)).toThrow('did you mean "name"?')
  expect(Object.isFrozen(createSemaphore(1).stats())).toBe(true)
})
