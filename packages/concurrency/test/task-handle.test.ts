import {
  cancelScope,
  checkpoint,
  createOwner,
  moveOnAfter,
  run,
  sleep,
  taskGroup,
  TaskGroupError,
  type Task,
} from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth(
  'awaiting a handle gives what the task returned, before and after its end, to as many as ask',
  async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(async () => {
        await sleep(1)
        return 'value'
      })
      expect(task.state).toBe('pending')
      const askers = Array.from({ length: 10 }, () => group.spawn(async () => await task))
      expect(await task).toBe('value')
      expect(task.state).toBe('done')
      expect(await task.join()).toBe('value')
      expect(await Promise.all(askers.map(async (asker) => await asker))).toEqual(
        Array.from({ length: 10 }, () => 'value'),
      )
    })
  },
)

onBoth('a task may return another handle, which is awaited', async () => {
  const value = await taskGroup((group) => {
    const inner = group.spawn(() => 'inner')
    return group.spawn(() => inner)
  })
  expect(value).toBe('inner')
})

onBoth('cancel ends one task with a reason that is its own', async () => {
  const cause = new Error('not wanted')
  await taskGroup(async (group) => {
    const one = group.spawn(() => sleep(Infinity), { name: 'one' })
    const two = group.spawn(() => sleep(1).then(() => 2))
    one.cancel(cause)
    await expect(one).rejects.toMatchObject({
      name: 'AbortError',
      source: 'explicit',
      scope: 'one',
      message: 'not wanted',
      cause,
    })
    expect(one.state).toBe('cancelled')
    one.cancel('again')
    await expect(one.join()).rejects.toMatchObject({ message: 'not wanted' })
    expect(await two).toBe(2)
    expect(group.cancelled).toBe(false)
  })
})

onBoth('a task that is cancelled before it began is called, and its first wait rejects', async () => {
  const seen: string[] = []
  await taskGroup((group) => {
    const task = group.spawn(async (scope) => {
      seen.push(`called, cancelled: ${scope.cancelled}`)
      await checkpoint()
      seen.push('not reached')
    })
    task.cancel()
  })
  expect(seen).toEqual(['called, cancelled: true'])
})

onBoth('join can be cancelled without harm to the task', async () => {
  await taskGroup(async (group) => {
    const gate = Promise.withResolvers<string>()
    const task = group.spawn(() => run(gate.promise))
    expect(await moveOnAfter(1, async () => await task)).toBeUndefined()
    const stop = new AbortController()
    stop.abort('stop')
    await expect(task.join({ signal: stop.signal })).rejects.toBe('stop')
    expect(task.state).toBe('pending')
    gate.resolve('done')
    expect(await task).toBe('done')
  })
})

onBoth('in a cancelled scope even a finished task is not given', async () => {
  await taskGroup(async (group) => {
    const task = group.spawn(() => 'done')
    await task
    await cancelScope(async (scope) => {
      scope.cancel('stop')
      await expect(task.join()).rejects.toBe(scope.reason)
      await expect(Promise.resolve(task)).rejects.toBe(scope.reason)
    })
    expect(await task).toBe('done')
  })
})

onBoth('a task that awaits itself is told so', async () => {
  const group = taskGroup((inner) => {
    const self: Task<unknown> = inner.spawn(async () => await self, { name: 'ouroboros' })
  })
  await expect(group).rejects.toMatchObject({
    errors: [
      { code: 'CONCURRENCY_AWAITS_ITSELF', message: expect.stringContaining('"ouroboros" awaits itself') },
    ],
  })
})

onBoth('a task that awaits one that cannot end before it is told so', async () => {
  const group = taskGroup((outer) => {
    const ancestor: Task<unknown> = outer.spawn(
      async () => {
        await taskGroup((inner) => {
          inner.spawn(
            () =>
              cancelScope(async () => {
                await ancestor
              }),
            { name: 'descendant' },
          )
        })
      },
      { name: 'ancestor' },
    )
  })
  const error = (await group.catch((thrown: unknown) => thrown)) as TaskGroupError
  expect(error.flatten()).toMatchObject([
    {
      code: 'CONCURRENCY_AWAITS_ITSELF',
      message: expect.stringContaining('task "ancestor", which cannot end'),
    },
  ])
})

onBoth('a task may await its siblings, and those of groups around it', async () => {
  const value = await taskGroup(async (outer) => {
    const sibling = outer.spawn(() => sleep(1).then(() => 1))
    return await outer.spawn(
      async () => await taskGroup((inner) => inner.spawn(async () => (await sibling) + 1)),
    )
  })
  expect(value).toBe(2)
})

onBoth('a failure is in the handle and in the group', async () => {
  const failure = new Error('x')
  let seen: unknown
  const group = taskGroup(async (inner) => {
    const task = inner.spawn(() => Promise.reject(failure))
    seen = await task.join().catch((error: unknown) => error)
    expect(task.state).toBe('failed')
  })
  await expect(group).rejects.toMatchObject({ errors: [failure] })
  expect(seen).toBe(failure)
})

test('one of many who await a task is cancelled at every step, and the others get the value', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const owner = createOwner()
      const task = owner.spawn(async () => {
        await checkpoint()
        await checkpoint()
        return 'value'
      })
      await taskGroup((group) => {
        group.spawn(async () => expect(await task).toBe('value'))
        group.spawn(() => victim(async () => await task))
        group.spawn(async () => expect(await task).toBe('value'))
      })
      await owner.close()
    },
    { seeds: 20 },
  )
})
