import { cancelScope, checkpoint, createEvent, shield, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('start gives what the task says when it is ready, and the task goes on in the group', async () => {
  const order: string[] = []
  await taskGroup(async (group) => {
    const port = await group.start<number>(async (started) => {
      await checkpoint()
      order.push('ready')
      started(4001)
      await sleep(1)
      order.push('served')
    })
    expect(port).toBe(4001)
    order.push('used')
  })
  expect(order).toEqual(['ready', 'used', 'served'])
})

onBoth('a task that is ready at once, without any wait, starts too', async () => {
  await taskGroup(async (group) => {
    expect(await group.start<string>((started) => started('now'))).toBe('now')
  })
})

onBoth('a crash before it is ready is told to the caller alone', async () => {
  const failure = new Error('port taken')
  await taskGroup(async (group) => {
    const other = group.spawn(() => sleep(1))
    await expect(
      group.start(async () => {
        await checkpoint()
        throw failure
      }),
    ).rejects.toBe(failure)
    expect(group.cancelled).toBe(false)
    await other
  })
})

onBoth('what is no Error is told as one that names the task', async () => {
  await taskGroup(async (group) => {
    const start = group.start(() => Promise.reject('text'), { name: 'server' })
    await expect(start).rejects.toMatchObject({
      code: 'CONCURRENCY_NON_ERROR',
      cause: 'text',
      message: expect.stringContaining('"server"'),
    })
  })
})

onBoth('a task that ends without saying that it is ready is an error that names it', async () => {
  await taskGroup(async (group) => {
    await expect(group.start(() => undefined, { name: 'silent' })).rejects.toMatchObject({
      code: 'CONCURRENCY_NOT_STARTED',
      message: expect.stringContaining('"silent"'),
    })
    expect(group.cancelled).toBe(false)
  })
})

onBoth('a crash after it was ready is a failure of the group', async () => {
  const failure = new Error('later')
  const group = taskGroup(async (inner) => {
    await inner.start<void>(async (started) => {
      started()
      await checkpoint()
      throw failure
    })
    await sleep(Infinity)
  })
  await expect(group).rejects.toMatchObject({ name: 'TaskGroupError', errors: [failure] })
})

onBoth('started called twice, or after the end, is an error that names the task', async () => {
  let late: ((value: number) => void) | undefined
  await taskGroup(async (group) => {
    await group.start<number>(
      (started) => {
        late = started
        started(1)
        expect(() => started(2)).toThrow(
          expect.objectContaining({
            code: 'CONCURRENCY_STARTED_TWICE',
            message: 'task "server" called started again',
          }),
        )
      },
      { name: 'server' },
    )
  })
  expect(() => late!(3)).toThrow('task "server" called started after it had ended')
})

onBoth('a cancelled start cancels its task and nothing else of the group', async () => {
  const ended: string[] = []
  const released = createEvent()
  await taskGroup(async (group) => {
    const other = group.spawn(async () => {
      await released.wait()
      ended.push('other')
    })
    const started = await cancelScope(async (scope) => {
      await group.start(async () => {
        group.spawn(() => scope.cancel())
        await sleep(Infinity).finally(() => ended.push('starting'))
      })
      return true
    })
    expect(started).toBeUndefined()
    expect(ended).toEqual(['starting'])
    expect(group.cancelled).toBe(false)
    released.set()
    await other
  })
  expect(ended).toEqual(['starting', 'other'])
})

onBoth('a cancelled start goes on only when its task has ended', async () => {
  let cleanedUp = false
  await taskGroup(async (group) => {
    await cancelScope(async (scope) => {
      await group.start(async () => {
        group.spawn(() => scope.cancel())
        try {
          await sleep(Infinity)
        } finally {
          await shield(() => sleep(2))
          cleanedUp = true
        }
      })
    })
    expect(cleanedUp).toBe(true)
  })
})

onBoth('a failure of the task while its start is cancelled is not lost', async () => {
  const failure = new Error('cleanup')
  await taskGroup(async (group) => {
    const start = cancelScope(async (scope) => {
      await group.start(async () => {
        group.spawn(() => scope.cancel())
        await sleep(Infinity).catch(() => undefined)
        throw failure
      })
    })
    await expect(start).rejects.toBe(failure)
    expect(group.cancelled).toBe(false)
  })
})

onBoth('once its start is cancelled, started throws the reason', async () => {
  await taskGroup(async (group) => {
    let thrown: unknown
    await cancelScope(async (scope) => {
      await group
        .start<void>((started) => {
          scope.cancel()
          try {
            started()
          } catch (error) {
            thrown = error
            throw error
          }
        })
        .finally(() => expect(thrown).toBe(scope.reason))
    })
    expect(thrown).toMatchObject({ name: 'AbortError', source: 'explicit' })
  })
})

onBoth(
  'a group that is cancelled while a task starts tells the starter the reason of the group',
  async () => {
    await taskGroup(async (outer) => {
      const group = await outer.start<{ cancel(reason: string): void }>(async (ready) => {
        await taskGroup(async (inner) => {
          ready(inner)
          await expect(shield(() => inner.start(() => sleep(Infinity)))).rejects.toMatchObject({
            message: 'group gone',
          })
        })
      })
      await sleep(1)
      group.cancel('group gone')
    })
  },
)

onBoth('a signal given to start cancels it with the untouched reason', async () => {
  const stop = new AbortController()
  const reason = { why: 'closing' }
  await taskGroup(async (group) => {
    group.spawn(async () => {
      await sleep(1)
      stop.abort(reason)
    })
    await expect(group.start(() => sleep(Infinity), { signal: stop.signal })).rejects.toBe(reason)
    expect(group.cancelled).toBe(false)
  })
})

test('a start that is cancelled at any of its waits leaves the group whole and nothing behind', async () => {
  const report = await cancelAtEveryStep(
    async (victim) => {
      let alive = 0
      const rest = await taskGroup(async (group) => {
        const other = group.spawn(async () => {
          for (let at = 0; at < 4; at++) await checkpoint()
          return 'other'
        })
        await victim(async () => {
          await group.start<void>(async (started) => {
            alive += 1
            try {
              await checkpoint()
              await checkpoint()
              started()
              await checkpoint()
            } finally {
              alive -= 1
            }
          })
        })
        expect(group.cancelled).toBe(false)
        return await other
      })
      expect(rest).toBe('other')
      expect(alive).toBe(0)
    },
    { seeds: 20 },
  )
  expect(report.cancellations).toBeGreaterThan(20)
})
