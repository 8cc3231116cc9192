import { setTimeout } from 'node:timers/promises'
import {
  cancelScope,
  checkpoint,
  createEvent,
  map,
  race,
  sleep,
  taskGroup,
  TaskGroupError,
  type Scope,
} from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)
const thrown = (error: unknown) => error

onBoth('gives what the first returns, after the losers were cancelled and have ended', async () => {
  const ended: string[] = []
  const loser = async () => {
    try {
      await sleep(Infinity)
    } finally {
      ended.push('cancelled')
      await cancelScope(async () => await checkpoint(), { shield: true })
      ended.push('cleaned up')
    }
  }
  const quick = async () => {
    await sleep(1)
    return 'first'
  }
  expect(await race([loser, quick])).toBe('first')
  expect(ended).toEqual(['cancelled', 'cleaned up'])
})

onBoth('fails with the own error of the first that fails', async () => {
  const failure = new Error('own')
  const fails = async () => {
    await checkpoint()
    throw failure
  }
  expect(await race([fails, async () => await sleep(Infinity)]).catch(thrown)).toBe(failure)
  expect(await race([() => Promise.reject(failure)]).catch(thrown)).toBe(failure)
})

onBoth('with fulfilled, failures count only if nobody returns', async () => {
  const failed = createEvent()
  const fails = (message: string, ms: number) => async () => {
    await sleep(ms)
    failed.set()
    throw new Error(message)
  }
  const slow = async () => {
    await failed.wait()
    // What is thrown has arrived when the next timer is due.
    await sleep(1)
    return 'slow'
  }
  expect(await race([fails('a', 0), slow], { until: 'fulfilled' })).toBe('slow')
  const error = (await race([fails('a', 1), fails('b', 3)], { until: 'fulfilled', name: 'mirrors' }).catch(
    thrown,
  )) as TaskGroupError
  expect(error).toBeInstanceOf(TaskGroupError)
  expect(error.group).toBe('mirrors')
  expect(error.errors).toHaveLength(2)
  expect(error.errors).toEqual(expect.arrayContaining([new Error('a'), new Error('b')]))
})

onBoth('does not swallow what a loser fails with while it is cancelled', async () => {
  const dirty = async () => {
    try {
      await sleep(Infinity)
    } catch {
      throw new Error('cleanup failed')
    }
  }
  const wins = async () => await checkpoint()
  const loses = async () => {
    await checkpoint()
    throw new Error('own')
  }
  await expect(race([dirty, wins])).rejects.toMatchObject({ errors: [new Error('cleanup failed')] })
  await expect(race([dirty, wins], { until: 'fulfilled' })).rejects.toMatchObject({
    errors: [new Error('cleanup failed')],
  })
  await expect(race([dirty, loses])).rejects.toMatchObject({
    errors: [new Error('own'), new Error('cleanup failed')],
  })
})

onBoth('drops what a loser returns although it was cancelled', async () => {
  const stubborn = async () => {
    await sleep(Infinity).catch(() => undefined)
    return 'late'
  }
  expect(await race([stubborn, () => 'first', stubborn])).toBe('first')
  expect(await race([() => Promise.reject(new Error('own')), stubborn]).catch(thrown)).toEqual(
    new Error('own'),
  )
})

onBoth('fails with the own error also if losers fail with the very same', async () => {
  const failure = new Error('shared')
  const shared = async () => {
    await checkpoint()
    throw failure
  }
  await taskGroup(async (group) => {
    const flight = group.spawn(async () => await shared().catch(thrown))
    const joins = async () => await flight.join().then((error) => Promise.reject(error as Error))
    const dirty = async () => {
      await sleep(Infinity).catch(() => undefined)
      throw failure
    }
    expect(await race([joins, joins, dirty]).catch(thrown)).toBe(failure)
    const error = (await race([joins, joins], { until: 'fulfilled' }).catch(thrown)) as TaskGroupError
    expect(error.errors).toEqual([failure])
  })
})

onBoth(
  'a loser that waits for Node with the signal of its task is cancelled, not failed',
  async () => {
    const foreign = async (task: Scope) => await setTimeout(60_000, 'late', { signal: task.signal })
    expect(await race([foreign, async () => await sleep(1), foreign])).toBeUndefined()
    const working = map([1, 2], async (item, _index, task) => {
      if (item === 1) task.cancel('not this one')
      return await setTimeout(60_000, 'late', { signal: task.signal })
    })
    await expect(working).rejects.toThrow('not this one')
  },
  { only: 'native' },
)

onBoth('cancels losers with a reason that names the winner', async () => {
  let reason: unknown
  const loser = async () => await sleep(Infinity).catch((error: unknown) => void (reason = error))
  await race([loser, async function swift() {}], { name: 'mirrors' })
  expect(reason).toMatchObject({ name: 'AbortError', source: 'explicit', message: '"swift" won "mirrors"' })
})

onBoth('names the task that failed with something that is no Error', async () => {
  // oxlint-disable-next-line no-throw-literal, typescript/prefer-promise-reject-errors -- that is the point
  const rude = () => Promise.reject('a text')
  await expect(race([rude])).rejects.toMatchObject({
    code: 'CONCURRENCY_NON_ERROR',
    message: expect.stringContaining('"rude"') as string,
    cause: 'a text',
  })
})

onBoth('rejects with the reason when it is cancelled from around it, once all have ended', async () => {
  let running = 0
  const waits = async () => {
    running += 1
    try {
      await sleep(Infinity)
    } finally {
      running -= 1
    }
  }
  for (const until of ['settled', 'fulfilled'] as const) {
    await cancelScope(async (scope) => {
      const racing = race([waits, waits], { until })
      await waitAllTasksBlocked()
      expect(running).toBe(2)
      scope.cancel('enough')
      await expect(racing).rejects.toBe(scope.reason)
      expect(running).toBe(0)
    })
  }
})

onBoth('a racer that cancels itself counts as one that failed', async () => {
  const quits = async () =>
    await cancelScope(async () => await checkpoint()).then(() => Promise.reject(new Error('quit')))
  const cancelsItself = async (task: { cancel(reason: string): void }) => {
    task.cancel('myself')
    await checkpoint()
  }
  await expect(race([cancelsItself])).rejects.toThrow('myself')
  const error = (await race([cancelsItself, quits], { until: 'fulfilled' }).catch(thrown)) as TaskGroupError
  expect(error.errors.map((one) => (one as Error).message).toSorted()).toEqual(['myself', 'quit'])
  const stopped = race([
    async (task) => {
      task.parent!.cancel('all of it')
      await checkpoint()
    },
  ])
  await expect(stopped).rejects.toThrow('all of it')
})

test('leaves nobody running wherever it is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      let running = 0
      const racer = (waits: number) => async () => {
        running += 1
        try {
          for (let at = 0; at < waits; at++) await checkpoint()
          return waits
        } finally {
          running -= 1
        }
      }
      const won = await victim(async () => await race([racer(3), racer(1), racer(2)]))
      expect([undefined, 1, 2, 3]).toContain(won)
      expect(running).toBe(0)
    },
    { seeds: 20 },
  )
})

test('refuses a race without racers, and racers that are no functions', async () => {
  await expect(race([])).rejects.toThrow(RangeError)
  await expect(race(5 as never)).rejects.toThrow('fns is not iterable')
  await expect(race([Promise.resolve(1)] as never)).rejects.toThrow('fns[0] is not a function')
  await expect(race([async function* () {}] as never)).rejects.toThrow('generator')
  await expect(race([checkpoint], { until: 'first' as never })).rejects.toThrow('until is "first"')
  await expect(race([checkpoint], { untill: 'settled' } as never)).rejects.toThrow('did you mean "until"?')
})
