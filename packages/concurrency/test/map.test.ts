import {
  cancelScope,
  channel,
  checkpoint,
  createEvent,
  map,
  sleep,
  taskGroup,
  TaskGroupError,
} from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

/** A source that counts what was taken from it and whether it was closed. */
function counted(length: number, step: () => Promise<void> = checkpoint) {
  const seen = { taken: 0, closed: 0 }
  async function* items() {
    try {
      for (let at = 0; at < length; at++) {
        await step()
        seen.taken += 1
        yield at
      }
    } finally {
      seen.closed += 1
    }
  }
  return { seen, items }
}

onBoth('gives the results in the order of the items, whatever order they come in', async () => {
  const results = await map([3, 1, 2, 0], async (ms, index) => {
    await sleep(ms)
    return `${index}:${ms}`
  })
  expect(results).toEqual(['0:3', '1:1', '2:2', '3:0'])
  expect(await map(new Set('ab'), (letter) => letter.toUpperCase())).toEqual(['A', 'B'])
  expect(await map([], () => 1)).toEqual([])
})

onBoth('works on as many items at once as it may, and never has more in hand', async () => {
  const go = createEvent()
  let done = 0
  let most = 0
  const { seen, items } = counted(10, async () => {
    await checkpoint()
    // This one is about to be taken.
    most = Math.max(most, seen.taken + 1 - done)
  })
  const body = async (item: number) => {
    await go.wait()
    await checkpoint()
    done += 1
    return item
  }
  await taskGroup(async (group) => {
    const working = group.spawn(async () => await map(items(), body, { concurrency: 3 }))
    await waitAllTasksBlocked()
    expect(seen.taken).toBe(3)
    go.set()
    expect(await working).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
  expect(most).toBe(3)
  expect(seen).toEqual({ taken: 10, closed: 1 })
})

onBoth('works on 16 at once if it is not told otherwise', async () => {
  let inside = 0
  await cancelScope(async (scope) => {
    await taskGroup(async (group) => {
      group.spawn(async () => {
        await map(Array.from({ length: 40 }), async () => {
          inside += 1
          await sleep(Infinity)
        })
      })
      await waitAllTasksBlocked()
      scope.cancel()
    })
  })
  expect(inside).toBe(16)
})

onBoth('takes whatever can be iterated: a text, a set, a stream', async () => {
  const pair = async <T>(item: T, index: number) => await Promise.resolve([item, index])
  const expected = [
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ]
  expect(await map('abc', pair)).toEqual(expected)
  expect(await map(new Set('abc'), pair)).toEqual(expected)
  expect(await map(ReadableStream.from(['a', 'b', 'c']), pair)).toEqual(expected)
})

onBoth('cancels the rest with the first failure, closes the source, and gives all failures', async () => {
  const { seen, items } = counted(100)
  const ended: string[] = []
  const working = map(
    items(),
    async function read(item) {
      if (item === 2) throw new Error('bad item')
      try {
        await sleep(Infinity)
      } catch (error) {
        ended.push((error as Error).message)
        throw error
      }
    },
    { concurrency: 4 },
  )
  const error = (await working.catch((thrown: unknown) => thrown)) as TaskGroupError
  expect(error).toBeInstanceOf(TaskGroupError)
  expect(error.errors).toEqual([new Error('bad item')])
  expect(error.group).toBe('read')
  expect(ended.every((message) => message === 'task "read[2]" failed')).toBe(true)
  expect(seen.closed).toBe(1)
  expect(seen.taken).toBeLessThanOrEqual(4)
})

onBoth('fails with what the source fails with, and does not close it', async () => {
  let closed = 0
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        await checkpoint()
        throw new Error('no more')
      },
      return: async () => {
        closed += 1
        return { done: true as const, value: undefined }
      },
    }),
  }
  await expect(map(source, () => 1)).rejects.toMatchObject({ errors: [new Error('no more')] })
  expect(closed).toBe(0)
})

onBoth('tells what a source fails with while it is closed', async () => {
  async function* source() {
    try {
      yield 1
      yield 2
    } finally {
      // oxlint-disable-next-line no-unsafe-finally -- that is the point
      throw new Error('cannot close')
    }
  }
  const working = map(source(), () => Promise.reject(new Error('bad item')), { concurrency: 1 })
  const error = (await working.catch((thrown: unknown) => thrown)) as TaskGroupError
  expect(error.flatten()).toEqual([new Error('bad item'), new Error('cannot close')])
})

onBoth('rejects with the reason and closes the source when it is cancelled from around it', async () => {
  const { seen, items } = counted(100)
  await cancelScope(async (scope) => {
    const working = map(items(), async () => await sleep(Infinity), { concurrency: 2 })
    await waitAllTasksBlocked()
    scope.cancel('enough')
    await expect(working).rejects.toBe(scope.reason)
    await expect(map([1], () => checkpoint())).rejects.toBe(scope.reason)
  })
  expect(seen).toEqual({ taken: 2, closed: 1 })
})

onBoth('interrupts a source that waits with this library', async () => {
  const [, receive] = channel<number>(0)
  await cancelScope(async (scope) => {
    const working = map(receive, (item) => item)
    await waitAllTasksBlocked()
    scope.cancel()
    await expect(working).rejects.toBe(scope.reason)
  })
  expect(receive.stats().receiving).toBe(0)
})

onBoth('has no gaps: an item that cancels its own task cuts off the rest', async () => {
  const working = map([0, 1, 2], async (item, _index, task) => {
    if (item === 1) task.cancel('not this one')
    await checkpoint()
    await sleep(item === 1 ? 0 : Infinity)
  })
  await expect(working).rejects.toMatchObject({ name: 'AbortError', message: 'not this one' })
  const late = map([0], async (_item, _index, task) => {
    await checkpoint()
    task.parent!.cancel('from outside')
    await checkpoint()
  })
  await expect(late).rejects.toThrow('from outside')
})

onBoth('obeys a deadline and a foreign signal', async () => {
  await expect(map([1], async () => await sleep(Infinity), { deadline: 0 })).rejects.toMatchObject({
    name: 'TimeoutError',
  })
  const reason = { foreign: true }
  const working = map([1], () => checkpoint(), { signal: AbortSignal.abort(reason) })
  expect(await working.catch((thrown: unknown) => thrown)).toBe(reason)
})

test('ends, and closes its source, wherever it is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const { seen, items } = counted(5)
      let open = 0
      const body = async (item: number) => {
        open += 1
        try {
          await checkpoint()
          return item
        } finally {
          open -= 1
        }
      }
      const results = await victim(async () => await map(items(), body, { concurrency: 2 }))
      if (results !== undefined) expect(results).toEqual([0, 1, 2, 3, 4])
      expect(open).toBe(0)
      // A generator that was never begun has nothing to close.
      expect(seen.taken > 0 ? seen.closed : 1).toBe(1)
    },
    { seeds: 20 },
  )
})

onBoth('ends with the first failure over a source without an end, and closes it', async () => {
  let taken = 0
  let closed = false
  function* endless() {
    try {
      for (;;) yield taken++
    } finally {
      closed = true
    }
  }
  const working = map(
    endless(),
    async (item) => {
      await sleep(1)
      if (item === 7) throw new Error('stop')
    },
    { concurrency: 4 },
  )
  await expect(working).rejects.toThrow('stop')
  expect(closed).toBe(true)
})

test('refuses what is no source, no function, no count', async () => {
  await expect(map(5 as never, () => 1)).rejects.toThrow('source is not iterable')
  await expect(map(null as never, () => 1)).rejects.toThrow(TypeError)
  await expect(map([1], 'x' as never)).rejects.toThrow(TypeError)
  await expect(map([1], async function* () {} as never)).rejects.toThrow('generator')
  for (const concurrency of [0, -1, NaN, 1.5, Infinity]) {
    await expect(map([1], () => 1, { concurrency })).rejects.toThrow(RangeError)
  }
  await expect(map([1], () => 1, { concurency: 2 } as never)).rejects.toThrow('did you mean "concurrency"?')
  await expect(map([1], () => 1, { deadline: NaN })).rejects.toThrow(RangeError)
})
