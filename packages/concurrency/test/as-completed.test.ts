import {
  asCompleted,
  cancelScope,
  checkpoint,
  createEvent,
  moveOnAfter,
  sleep,
  TaskGroupError,
} from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)
const thrown = (error: unknown) => error

const after = (ms: number) => async () => {
  await sleep(ms)
  return ms
}

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const result of results) all.push(result)
  return all
}

onBoth('gives results in the order in which they come', async () => {
  const events = Array.from({ length: 3 }, () => createEvent())
  const works = events.map((event, at) => async () => {
    await event.wait()
    return at
  })
  const order = await asCompleted(works, async (results) => {
    const seen: number[] = []
    for (const at of [2, 0, 1]) {
      events[at]!.set()
      for await (const result of results) {
        seen.push(result)
        break
      }
    }
    return [...seen, ...(await collect(results))]
  })
  expect(order).toEqual([2, 0, 1])
  expect(await asCompleted([], collect)).toEqual([])
})

onBoth('runs as many at once as it may, and keeps no more results than that', async () => {
  let begun = 0
  function* works() {
    for (let at = 0; at < 10; at++) {
      yield async () => {
        begun += 1
        await checkpoint()
        return at
      }
    }
  }
  const all = await asCompleted(
    works(),
    async (results) => {
      await waitAllTasksBlocked()
      expect(begun).toBe(3)
      return await collect(results)
    },
    { concurrency: 3 },
  )
  expect(all.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

onBoth('cancels and awaits what is left when the consumer has enough', async () => {
  let running = 0
  const works = Array.from({ length: 6 }, (_, at) => async () => {
    running += 1
    try {
      await sleep(at === 0 ? 0 : Infinity)
      return at
    } finally {
      running -= 1
    }
  })
  const first = await asCompleted(works, async (results) => {
    for await (const result of results) return result
  })
  expect(first).toBe(0)
  expect(running).toBe(0)
})

onBoth('goes on with an iteration that was left', async () => {
  const sums = await asCompleted([after(1), after(2), after(3)], async (results) => {
    const seen: number[] = []
    for await (const result of results) {
      seen.push(result)
      break
    }
    return [...seen, ...(await collect(results))]
  })
  expect(sums).toEqual([1, 2, 3])
})

onBoth('a failure cancels the consumer, who never sees an end that is none', async () => {
  const seen: string[] = []
  const got = createEvent()
  const fails = async () => {
    await got.wait()
    throw new Error('bad')
  }
  const working = asCompleted([after(0), fails], async (results) => {
    for await (const result of results) {
      seen.push(`got ${result}`)
      got.set()
    }
    seen.push('complete')
  })
  const error = (await working.catch(thrown)) as TaskGroupError
  expect(error).toBeInstanceOf(TaskGroupError)
  expect(error.errors).toEqual([new Error('bad')])
  expect(seen).toEqual(['got 0'])
})

onBoth('a failure of the consumer cancels the functions', async () => {
  const working = asCompleted([after(0), after(Infinity)], async (results) => {
    for await (const result of results) throw new Error(`no use for ${result}`)
  })
  await expect(working).rejects.toMatchObject({ errors: [new Error('no use for 0')] })
})

onBoth('the wait for a result has the deadline of the code that waits', async () => {
  const value = await asCompleted([after(Infinity)], async (results) => {
    const first = await moveOnAfter(1, async () => await results[Symbol.asyncIterator]().next())
    return first ?? 'nothing yet'
  })
  expect(value).toBe('nothing yet')
})

onBoth('a function that cancels its own task cuts off the whole', async () => {
  const working = asCompleted(
    [
      async (task) => {
        task.cancel('not me')
        await checkpoint()
      },
    ],
    collect,
  )
  await expect(working).rejects.toThrow('not me')
})

onBoth('rejects with the reason when it is cancelled from around it', async () => {
  await cancelScope(async (scope) => {
    const working = asCompleted([after(Infinity)], collect)
    await waitAllTasksBlocked()
    scope.cancel()
    await expect(working).rejects.toBe(scope.reason)
  })
})

test('leaves nobody running, and gives each result once, wherever it is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      let running = 0
      const works = Array.from({ length: 4 }, (_, at) => async () => {
        running += 1
        try {
          await checkpoint()
          return at
        } finally {
          running -= 1
        }
      })
      const all = await victim(async () => await asCompleted(works, collect, { concurrency: 2 }))
      if (all !== undefined) expect(all.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
      expect(running).toBe(0)
    },
    { seeds: 20 },
  )
})

test('refuses what is no function and no count', async () => {
  await expect(asCompleted([1] as never, collect)).rejects.toThrow('fns[0] is not a function')
  await expect(asCompleted(new Set([1]) as never, collect)).rejects.toMatchObject({
    errors: [
      expect.objectContaining({ message: expect.stringContaining('fns[0] is not a function') as string }),
    ],
  })
  await expect(asCompleted(5 as never, collect)).rejects.toThrow('fns is not iterable')
  await expect(asCompleted([], 5 as never)).rejects.toThrow(TypeError)
  await expect(asCompleted([], collect, { concurrency: 0 })).rejects.toThrow(RangeError)
  await expect(asCompleted([], collect, { conc: 1 } as never)).rejects.toThrow('unknown option "conc"')
})
