import {
  AbortError,
  cancelScope,
  checkpoint,
  failAfter,
  moveOnAfter,
  shield,
  sleep,
  taskGroup,
  TimeoutError,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('a group that is cancelled after its body returned gives what the body returned', async () => {
  let cutOff = 0
  const result = await taskGroup((group) => {
    for (let at = 0; at < 3; at++) {
      group.spawn(async () => {
        await sleep(Infinity).catch((reason: unknown) => {
          cutOff += 1
          throw reason
        })
      })
    }
    group.spawn(async () => {
      await checkpoint()
      group.cancel('enough')
    })
    return 'kept'
  })
  expect(result).toBe('kept')
  expect(cutOff).toBe(3)
})

onBoth(
  'a body that is cut off by group.cancel rejects with the reason, which is no failure of the group',
  async () => {
    const ended: string[] = []
    await cancelScope(async () => {
      const cut = taskGroup(
        async (group) => {
          group.spawn(async () => {
            await sleep(Infinity).finally(() => ended.push('task'))
          })
          await checkpoint()
          group.cancel('enough')
          expect(group.reason).toMatchObject({ source: 'explicit', scope: 'uploads', message: 'enough' })
          await checkpoint()
        },
        { name: 'uploads' },
      )
      await expect(cut).rejects.toMatchObject({ name: 'AbortError', message: 'enough', scope: 'uploads' })
    })
    expect(ended).toEqual(['task'])
  },
)

onBoth(
  'a group can be cancelled while it is empty, and what it is given then is called and cut off at its first wait',
  async () => {
    const seen: unknown[] = []
    await taskGroup((group) => {
      group.cancel('early')
      group.cancel('again')
      const task = group.spawn(async () => {
        seen.push('called')
        await checkpoint()
        seen.push('not reached')
      })
      expect(task.state).toBe('pending')
    })
    expect(seen).toEqual(['called'])
  },
)

onBoth('the first cancellation counts', async () => {
  await taskGroup((group) => {
    group.cancel('first')
    group.cancel(new Error('second'))
    expect(group.reason).toBeInstanceOf(AbortError)
    expect((group.reason as Error).message).toBe('first')
  })
})

onBoth('cancelling after the end changes nothing', async () => {
  const group = await taskGroup((inner) => inner)
  group.cancel('late')
  expect(group.cancelled).toBe(false)
  expect(group.reason).toBeUndefined()
})

onBoth('the deadline of a group cuts off its tasks and rejects', async () => {
  const error = await failAfter(2, async () => {
    await taskGroup((group) => {
      group.spawn(() => sleep(Infinity))
    })
  }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TimeoutError)
})

onBoth('a group that is cut off from around it rejects with the reason of that scope', async () => {
  let inner: unknown
  const outcome = await moveOnAfter(1, async (scope) => {
    try {
      await taskGroup((group) => {
        group.spawn(() => sleep(Infinity))
      })
    } catch (error) {
      inner = error
      expect(error).toBe(scope.reason)
      throw error
    }
  })
  expect(outcome).toBeUndefined()
  expect(inner).toBeInstanceOf(TimeoutError)
})

onBoth(
  'a task that was cancelled by its handle does not make the group reject when that is cancelled later',
  async () => {
    const outer = new AbortController()
    const result = await taskGroup(
      (group) => {
        group.spawn(() => sleep(Infinity)).cancel()
        group.spawn(() =>
          shield(async () => {
            await sleep(1)
            outer.abort('late')
            await sleep(1)
          }),
        )
        return 'complete'
      },
      { signal: outer.signal },
    )
    expect(result).toBe('complete')
  },
)

onBoth('a task that goes on after a cancellation and returns is done', async () => {
  await taskGroup(async (group) => {
    const stubborn = group.spawn(async () => {
      await sleep(Infinity).catch(() => undefined)
      return 'anyway'
    })
    await checkpoint()
    stubborn.cancel()
    expect(await stubborn).toBe('anyway')
    expect(stubborn.state).toBe('done')
  })
})

onBoth('cancelling inside the body settles the waits of all tasks before it returns to them', async () => {
  const found: boolean[] = []
  await taskGroup(async (group) => {
    const tasks = Array.from({ length: 5 }, () =>
      group.spawn(async (task) => {
        await sleep(Infinity).catch(() => found.push(task.cancelled))
      }),
    )
    await sleep(1)
    group.cancel()
    await Promise.all(tasks.map(async (task) => expect(task.state).toBe('pending')))
  })
  expect(found).toEqual([true, true, true, true, true])
})
