import { cancelScope, checkpoint, sleep, taskGroup, withBackend, sim } from '@ipfs-kit/concurrency'
import { forEachBackend, sequencer, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test, { mode: 'both' })

onBoth('lets tasks go on in the order of their positions', async () => {
  const seq = sequencer()
  const log: number[] = []
  await taskGroup((group) => {
    for (const position of [3, 1, 4, 0, 2]) {
      group.spawn(async () => {
        if (position % 2 === 0) await checkpoint()
        await seq(position)
        log.push(position)
      })
    }
  })
  expect(log).toEqual([0, 1, 2, 3, 4])
})

onBoth('a task with several positions takes turns with another', async () => {
  const seq = sequencer()
  const log: string[] = []
  await taskGroup((group) => {
    group.spawn(async () => {
      await seq(0)
      log.push('a')
      await seq(2)
      log.push('c')
    })
    group.spawn(async () => {
      await seq(1)
      log.push('b')
      await seq(3)
      log.push('d')
    })
  })
  expect(log.join('')).toBe('abcd')
})

onBoth('a position whose wait is cancelled can be asked for again', async () => {
  const seq = sequencer()
  const log: string[] = []
  await taskGroup(async (group) => {
    group.spawn(async () => {
      await seq(2)
      log.push('after')
    })
    await cancelScope(async (scope) => {
      scope.cancel()
      await seq(1)
    })
    await seq(0)
    await seq(1)
    log.push('before')
  })
  expect(log).toEqual(['before', 'after'])
})

test('a position is asked for once, and is a whole number', async () => {
  const seq = sequencer()
  await seq(0)
  await expect(seq(0)).rejects.toThrow(RangeError)
  await expect(seq(-1)).rejects.toThrow(RangeError)
  await expect(seq(0.5)).rejects.toThrow(RangeError)
})

test('a position that nobody takes is a deadlock with its number in the tree', async () => {
  const run = withBackend(async () => await sequencer()(1), { backend: sim(1) })
  await expect(run).rejects.toMatchObject({
    code: 'CONCURRENCY_SIM_DEADLOCK',
    message: expect.stringContaining('sequencer 1') as string,
  })
})

onBoth('waitAllTasksBlocked goes on when every other task waits', async () => {
  let steps = 0
  await taskGroup(async (group) => {
    group.spawn(async () => {
      for (let at = 0; at < 20; at++) {
        await checkpoint()
        steps += 1
      }
      await sleep(Infinity)
    })
    await waitAllTasksBlocked()
    expect(steps).toBe(20)
    group.cancel()
  })
})

onBoth('waitAllTasksBlocked counts a sleep as a wait', async () => {
  let woke = false
  await taskGroup(async (group) => {
    group.spawn(async () => {
      await sleep(1_000_000)
      woke = true
    })
    await waitAllTasksBlocked()
    expect(woke).toBe(false)
    group.cancel()
  })
})

onBoth('waitAllTasksBlocked is cancelled as any other wait', async (scope) => {
  await cancelScope(async (inner) => {
    await taskGroup(async (group) => {
      group.spawn(async () => {
        await checkpoint()
        inner.cancel()
        for (;;) await checkpoint()
      })
      await expect(waitAllTasksBlocked()).rejects.toMatchObject({ name: 'AbortError' })
    })
  })
  const signal = AbortSignal.abort(new Error('given'))
  await expect(waitAllTasksBlocked({ scope, signal })).rejects.toThrow('given')
})
