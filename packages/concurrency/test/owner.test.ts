import {
  cancelScope,
  checkpoint,
  createOwner,
  currentScope,
  moveOnAfter,
  shield,
  sleep,
  taskGroup,
  type Task,
} from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('a task of an owner outlives the scope that began it', async () => {
  await using owner = createOwner()
  let task: Task<string> | undefined
  await cancelScope(async (scope) => {
    task = owner.spawn(() => sleep(2).then(() => 'whole'))
    scope.cancel()
    await checkpoint()
  })
  expect(await task).toBe('whole')
})

onBoth('single flight goes on when its first caller is cancelled, and serves the others', async () => {
  await using owner = createOwner({ name: 'cache' })
  let fetched = 0
  let flight: Task<string> | undefined
  const get = async () => {
    flight ??= owner.spawn(async () => {
      fetched += 1
      await sleep(3)
      return 'block'
    })
    return await flight
  }
  await taskGroup((group) => {
    group.spawn(async () => expect(await moveOnAfter(1, get)).toBeUndefined())
    group.spawn(async () => {
      await sleep(0.5)
      expect(await get()).toBe('block')
    })
  })
  expect(fetched).toBe(1)
})

onBoth('a task that fails leaves the others alone, and its failure is in its handle', async () => {
  await using owner = createOwner()
  const failure = new Error('x')
  const failing = owner.spawn(() => Promise.reject(failure))
  const other = owner.spawn(() => sleep(1).then(() => 'other'))
  await expect(failing).rejects.toBe(failure)
  expect(await other).toBe('other')
})

onBoth('close cancels every task with the source shutdown, and waits for their end', async () => {
  const owner = createOwner({ name: 'cache' })
  let cleanedUp = false
  const task = owner.spawn(async () => {
    try {
      await sleep(Infinity)
    } finally {
      await shield(() => sleep(2))
      cleanedUp = true
    }
  })
  const watched = expect(task).rejects.toMatchObject({
    name: 'AbortError',
    source: 'shutdown',
    scope: 'cache',
    message: 'the server stops',
  })
  await sleep(1)
  await Promise.all([owner.close('the server stops'), owner.close()])
  expect(cleanedUp).toBe(true)
  await watched
  expect(task.state).toBe('cancelled')
  await owner.close()
})

onBoth('close goes on in a cancelled scope', async () => {
  await cancelScope(async (scope) => {
    const owner = createOwner()
    owner.spawn(() => sleep(Infinity))
    scope.cancel()
    await owner.close()
    expect(owner.stats()).toEqual({ tasks: 0, spawned: 1, failed: 0, closed: true })
  })
})

onBoth('a closed owner takes no task, and names the one that came', async () => {
  const owner = createOwner({ name: 'cache' })
  const closing = owner.close()
  expect(() => owner.spawn(() => undefined, { name: 'late' })).toThrow(
    expect.objectContaining({
      code: 'CONCURRENCY_SCOPE_CLOSED',
      message: expect.stringMatching(/"late".*owner "cache"/),
    }),
  )
  await closing
  expect(() => owner.spawn(() => undefined)).toThrow(
    expect.objectContaining({ code: 'CONCURRENCY_SCOPE_CLOSED' }),
  )
})

onBoth('a task cannot close its owner and wait for that, not even shielded', async () => {
  const owner = createOwner({ name: 'cache' })
  const task = owner.spawn(() => shield(() => owner.close()))
  await expect(task).rejects.toMatchObject({
    code: 'CONCURRENCY_AWAITS_ITSELF',
    message: expect.stringContaining('owner "cache"'),
  })
  await owner.close()
})

onBoth(
  'an owner in a scope is cancelled with it, takes nothing more and ends with its last task',
  async () => {
    const seen: unknown[] = []
    await cancelScope(async (scope) => {
      const owner = createOwner({ scope })
      owner.spawn(() => sleep(Infinity).catch((reason: unknown) => seen.push(reason)))
      await checkpoint()
      scope.cancel('around')
      expect(() => owner.spawn(() => undefined)).toThrow('is closed')
      expect(createOwner({ scope }).stats().closed).toBe(true)
      await checkpoint()
    })
    expect(seen).toMatchObject([{ message: 'around' }])
  },
)

onBoth('an owner that is left open in its scope is cancelled, awaited and told of', async () => {
  let ended = false
  const left = cancelScope(
    async (scope) => {
      createOwner({ scope, name: 'forgotten' }).spawn(() => sleep(Infinity).finally(() => (ended = true)))
      createOwner({ scope, name: 'empty' })
      await checkpoint()
    },
    { name: 'around' },
  )
  await expect(left).rejects.toMatchObject({ code: 'CONCURRENCY_SCOPE_ORDER' })
  expect(ended).toBe(true)
})

onBoth('stats is a frozen picture', async () => {
  const owner = createOwner({ name: 'cache', onError: () => undefined })
  expect(owner.name).toBe('cache')
  expect(owner.scope.name).toBe('cache')
  owner.spawn(() => Promise.reject(new Error('x')))
  owner.spawn(() => sleep(Infinity))
  await sleep(1)
  const stats = owner.stats()
  expect(stats).toEqual({ tasks: 1, spawned: 2, failed: 1, closed: false })
  expect(Object.isFrozen(stats)).toBe(true)
  await owner.close()
  expect(owner.stats()).toEqual({ tasks: 0, spawned: 2, failed: 1, closed: true })
  expect(stats.closed).toBe(false)
})

onBoth('tasks of an owner run in its scope', async () => {
  await using owner = createOwner()
  await owner.spawn((task) => {
    expect(currentScope()).toBe(task)
    expect(task.parent).toBe(owner.scope)
  })
})

test('a close that is cancelled at every step leaves nothing of the owner', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const owner = createOwner()
      let alive = 0
      for (let at = 0; at < 3; at++) {
        owner.spawn(async () => {
          alive += 1
          await sleep(at).finally(() => (alive -= 1))
        })
      }
      await victim(async () => {
        await checkpoint()
        await owner.close()
        await checkpoint()
      })
      await owner.close()
      expect(alive).toBe(0)
      expect(owner.stats().tasks).toBe(0)
    },
    { seeds: 10 },
  )
})

test('an owner can be closed by what outlived a task of it', async () => {
  const owner = createOwner()
  const { promise, resolve } = Promise.withResolvers<void>()
  await owner.spawn(() => {
    setImmediate(() => resolve(owner.close()))
  })
  await promise
  expect(owner.stats()).toMatchObject({ tasks: 0, closed: true })
})
