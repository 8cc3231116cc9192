import { cancelScope, checkpoint, createCapacityLimiter, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('lends no more tokens than its total, in the order of asking', async () => {
  const limiter = createCapacityLimiter(2)
  const asked: number[] = []
  const served: number[] = []
  let most = 0
  await taskGroup(async (group) => {
    const held = [await limiter.acquire(), await limiter.acquire()]
    for (let at = 0; at < 6; at++) {
      group.spawn(async () => {
        asked.push(at)
        using _ = await limiter.acquire()
        served.push(at)
        most = Math.max(most, limiter.stats().borrowed)
        await checkpoint()
      })
    }
    await waitAllTasksBlocked()
    expect(limiter.stats()).toMatchObject({ total: 2, borrowed: 2, available: 0, waiting: 6 })
    held[0]!.release()
    await waitAllTasksBlocked()
    expect(served).toEqual(asked)
    held[1]!.release()
  })
  expect(most).toBe(2)
  expect(limiter.stats()).toEqual({ total: 2, borrowed: 0, available: 2, borrowers: [], waiting: 0 })
})

onBoth('lends nothing more between release and wake-up', async () => {
  const limiter = createCapacityLimiter(1)
  await taskGroup(async (group) => {
    const permit = await limiter.acquire()
    const waiter = group.spawn(async () => {
      using _ = await limiter.acquire()
      expect(limiter.stats().borrowed).toBe(1)
      await checkpoint()
    })
    await waitAllTasksBlocked()
    permit.release()
    expect(limiter.tryAcquire()).toBeUndefined()
    expect(limiter.stats()).toMatchObject({ borrowed: 1, available: 0, waiting: 0 })
    await waiter
  })
})

onBoth('lends one token to a task, and names the one that asks for a second', async () => {
  const limiter = createCapacityLimiter(5, { name: 'disk' })
  await taskGroup(async (group) => {
    const greedy = async () => {
      using _ = await limiter.acquire()
      const refusal = {
        code: 'CONCURRENCY_HELD_ALREADY',
        message: 'task "greedy" holds a token of "disk" already',
      }
      await expect(limiter.acquire()).rejects.toMatchObject(refusal)
      expect(() => limiter.tryAcquire()).toThrow(expect.objectContaining(refusal))
      expect(limiter.stats().borrowers).toEqual(['greedy'])
      using other = await limiter.acquire({ borrower: 'its connection' })
      expect(limiter.stats().borrowers).toEqual(['greedy', 'its connection'])
      other.release()
    }
    await group.spawn(greedy)
  })
})

onBoth('lends one token to a named borrower, whichever task asks, also while it waits', async () => {
  const limiter = createCapacityLimiter(1, { name: 'disk' })
  const peer = { name: 'peer 7' }
  await taskGroup(async (group) => {
    const first = await limiter.acquire()
    const waits = group.spawn(async () => await limiter.acquire({ borrower: peer }))
    await waitAllTasksBlocked()
    await expect(limiter.acquire({ borrower: peer })).rejects.toThrow(
      'borrower "peer 7" waits for a token of "disk" already',
    )
    first.release()
    const permit = await waits
    await expect(limiter.acquire({ borrower: peer })).rejects.toThrow(
      'borrower "peer 7" holds a token of "disk" already',
    )
    permit.release()
    using _ = await limiter.acquire({ borrower: peer })
  })
})

onBoth('takes each call outside any task for a borrower of its own', async () => {
  const limiter = createCapacityLimiter(2)
  using _ = await limiter.acquire()
  using __ = limiter.tryAcquire()
  expect(limiter.stats()).toMatchObject({ borrowed: 2, borrowers: ['anonymous', 'anonymous'] })
  expect(limiter.tryAcquire()).toBeUndefined()
})

onBoth(
  'lets more in when the total is raised, and nobody until enough came back when it is lowered',
  async () => {
    const limiter = createCapacityLimiter(0)
    let inside = 0
    const goOn: (() => void)[] = []
    await taskGroup(async (group) => {
      for (let at = 0; at < 5; at++) {
        group.spawn(async () => {
          const permit = await limiter.acquire()
          inside += 1
          goOn.push(() => {
            inside -= 1
            permit.release()
          })
        })
      }
      await waitAllTasksBlocked()
      expect(inside).toBe(0)
      limiter.total = 3
      await waitAllTasksBlocked()
      expect(inside).toBe(3)
      limiter.total = 1
      expect(limiter.stats()).toMatchObject({ total: 1, borrowed: 3, available: 0, waiting: 2 })
      goOn.shift()!()
      goOn.shift()!()
      await waitAllTasksBlocked()
      expect(inside).toBe(1)
      goOn.shift()!()
      await waitAllTasksBlocked()
      expect(inside).toBe(1)
      limiter.total = 2
      await waitAllTasksBlocked()
      expect(inside).toBe(2)
      while (goOn.length > 0) goOn.shift()!()
    })
    expect(limiter.stats()).toMatchObject({ total: 2, borrowed: 0, available: 2, waiting: 0 })
  },
)

onBoth('lets a cancelled waiter go at once, and its borrower ask again', async () => {
  const limiter = createCapacityLimiter(1)
  await taskGroup(async (group) => {
    const permit = await limiter.acquire()
    const leaves = group.spawn(async () => await limiter.acquire({ borrower: 'b' }))
    await waitAllTasksBlocked()
    leaves.cancel('enough')
    expect(limiter.stats().waiting).toBe(0)
    await expect(leaves).rejects.toThrow('enough')
    permit.release()
    using _ = await limiter.acquire({ borrower: 'b' })
  })
})

test('has all its tokens wherever a borrower is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const limiter = createCapacityLimiter(1)
      const user = async () => {
        using _ = await limiter.acquire()
        await checkpoint()
      }
      await taskGroup(async (group) => {
        group.spawn(user)
        group.spawn(async () => {
          await victim(user)
          await user()
        })
        group.spawn(user)
        await checkpoint()
        limiter.total = 0
        await checkpoint()
        limiter.total = 2
      })
      expect(limiter.stats()).toEqual({ total: 2, borrowed: 0, available: 2, borrowers: [], waiting: 0 })
    },
    { seeds: 20 },
  )
})

onBoth('rejects in a cancelled scope, also when a token is free', async () => {
  const limiter = createCapacityLimiter(1)
  await cancelScope(async (scope) => {
    scope.cancel()
    await expect(limiter.acquire()).rejects.toBe(scope.reason)
  })
  expect(limiter.available).toBe(1)
})

test('refuses totals that are none, and unknown options', () => {
  const limiter = createCapacityLimiter(1)
  for (const total of [-1, 1.5, NaN, Infinity]) {
    expect(() => createCapacityLimiter(total)).toThrow(RangeError)
    expect(() => (limiter.total = total)).toThrow(RangeError)
  }
  expect(() => createCapacityLimiter('1' as never)).toThrow(TypeError)
  expect(limiter.total).toBe(1)
  expect(() => limiter.acquire({ borower: 'x' } as never)).toThrow('did you mean "borrower"?')
  expect(Object.isFrozen(limiter.stats())).toBe(true)
  expect(Object.isFrozen(limiter.stats().borrowers)).toBe(true)
})
