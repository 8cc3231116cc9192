import { cancelScope, checkpoint, sleep, suspend, taskGroup, tree, type Resume } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('gives what resolve is called with, and rejects with what reject is called with', async () => {
  const resolve = (value: number) => (resume: Resume<number>) => {
    resume.resolve(value)
    return () => undefined
  }
  expect(await suspend(resolve(1))).toBe(1)
  await expect(
    suspend((resume) => {
      resume.reject('why')
      return () => undefined
    }),
  ).rejects.toBe('why')
})

onBoth('the first call counts', async () => {
  let kept!: Resume<string>
  const wait = suspend<string>((resume) => {
    kept = resume
    return () => undefined
  })
  kept.resolve('first')
  kept.resolve('second')
  kept.reject(new Error('third'))
  expect(await wait).toBe('first')
})

onBoth(
  'when it is cancelled the undo is called once, with the reason, and the wait rejects at once',
  async () => {
    const undone: unknown[] = []
    await cancelScope(async (scope) => {
      let kept!: Resume<string>
      const wait = suspend<string>((resume) => {
        kept = resume
        return (reason) => void undone.push(reason)
      })
      scope.cancel()
      kept.resolve('too late')
      await expect(wait).rejects.toBe(scope.reason)
      expect(undone).toEqual([scope.reason])
    })
  },
)

onBoth('an undo that settles later keeps the wait, which then rejects with the reason', async () => {
  const order: string[] = []
  await cancelScope(async (scope) => {
    const wait = suspend<string>((resume) => () => {
      order.push('killing')
      void sleepShielded().then(() => {
        order.push('killed')
        resume.resolve('exit')
      })
      return 'settles-later'
    })
    const sleepShielded = () => cancelScope(() => sleep(1), { shield: true })
    scope.cancel()
    await expect(wait).rejects.toBe(scope.reason)
    order.push('rejected')
  })
  expect(order).toEqual(['killing', 'killed', 'rejected'])
})

onBoth('an undo may settle the wait itself', async () => {
  await cancelScope(async (scope) => {
    const wait = suspend<string>((resume) => () => resume.resolve('value'))
    scope.cancel()
    await expect(wait).rejects.toBe(scope.reason)
  })
})

onBoth('what the undo throws comes in the place of the reason', async () => {
  const failure = new Error('undo')
  await cancelScope(async (scope) => {
    const wait = suspend(() => () => {
      throw failure
    })
    scope.cancel()
    await expect(wait).rejects.toBe(failure)
  })
})

onBoth('what begin throws rejects the wait', async () => {
  const failure = new Error('begin')
  await expect(
    suspend(() => {
      throw failure
    }),
  ).rejects.toBe(failure)
})

onBoth('a begin that cancels its own scope is undone', async () => {
  let undone = 0
  await cancelScope(async (scope) => {
    await suspend(() => {
      scope.cancel()
      return () => void (undone += 1)
    }).finally(() => expect(undone).toBe(1))
  })
  await cancelScope(async (scope) => {
    const both = suspend<string>((resume) => {
      scope.cancel()
      resume.resolve('value')
      return () => void (undone += 1)
    })
    await expect(both).rejects.toBe(scope.reason)
  })
  expect(undone).toBe(1)
})

onBoth('in a cancelled scope begin is not called', async () => {
  await cancelScope(async (scope) => {
    scope.cancel()
    const wait = suspend(() => {
      throw new Error('called')
    })
    await expect(wait).rejects.toBe(scope.reason)
  })
})

onBoth('is named in the tree', async () => {
  await taskGroup(async (group) => {
    group.spawn(() => suspend(() => () => undefined, { what: 'answer of the peer' }))
    await waitAllTasksBlocked()
    expect(JSON.stringify(tree(group))).toContain('answer of the peer')
    group.cancel()
  })
})

test('a wait of one’s own that is cancelled at every step neither loses a value nor leaves a listener', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const listeners = new Set<(value: string) => void>()
      const next = () =>
        suspend<string>((resume) => {
          const listener = (value: string) => {
            listeners.delete(listener)
            resume.resolve(value)
          }
          listeners.add(listener)
          return () => void listeners.delete(listener)
        })
      await taskGroup(async (group) => {
        group.spawn(() => victim(async () => [await next(), await next()]))
        for (let at = 0; at < 3; at++) {
          await checkpoint()
          for (const listener of listeners) listener('value')
        }
        await sleep(1)
        for (const listener of listeners) listener('value')
        await sleep(1)
        for (const listener of listeners) listener('value')
      })
      expect(listeners.size).toBe(0)
    },
    { seeds: 10 },
  )
})
