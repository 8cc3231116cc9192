import {
  cancelScope,
  channel,
  checkpoint,
  createLock,
  createSemaphore,
  failAfter,
  sleep,
  taskGroup,
  TimeoutError,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test, { seeds: 20 })

/** Loops that take no notice of their cancellation. Each is one round. */
const rounds: Record<string, () => Promise<unknown>> = {
  'waits again and again': () => sleep(1),
  'waits for something that is free': async () => {
    using _permit = await createSemaphore(1).acquire()
  },
  'opens a new scope each time': () => failAfter(1000, () => checkpoint()),
  'opens a group and tasks each time': () => taskGroup((group) => void group.spawn(() => checkpoint())),
}

for (const [name, round] of Object.entries(rounds)) {
  test(`a cancelled loop that catches everything and ${name} does not stop the event loop`, async () => {
    let stop = false
    setTimeout(() => (stop = true), 2)
    let turns = 0
    await cancelScope(async (scope) => {
      scope.cancel()
      while (!stop) {
        // Far more than a few milliseconds of it.
        if ((turns += 1) > 50_000) throw new Error('the event loop had no turn')
        await round().catch(() => undefined)
      }
    })
    expect(stop).toBe(true)
  })
}

onBoth('a cancelled loop that catches everything lets the other tasks go on', async () => {
  let stop = false
  await taskGroup((group) => {
    group.spawn(async (task) => {
      await cancelScope(async (scope) => {
        scope.cancel()
        for (let spins = 0; !stop; spins++) {
          if (spins > 50_000) throw new Error('the other task had no turn')
          await sleep(1).catch(() => undefined)
        }
      })
      expect(task.cancelled).toBe(false)
    })
    group.spawn(async () => {
      for (let at = 0; at < 5; at++) await checkpoint()
      stop = true
    })
  })
  expect(stop).toBe(true)
})

test('tasks that spawn tasks without end leave turns to what else was queued', async () => {
  let spawned = 0
  let stop = false
  await taskGroup(async (group) => {
    const again = (): void => {
      spawned += 1
      if (spawned > 100_000) throw new Error('nothing else had a turn')
      if (!stop) group.spawn(again)
    }
    again()
    for (let at = 0; at < 100; at++) await Promise.resolve()
    stop = true
  })
  expect(spawned).toBeGreaterThan(10)
})

/** Tasks that never wait for the host: each wait is settled as soon as it is asked for. */
const busy: Record<string, () => Promise<unknown>> = {
  'acquires what is free': async () => {
    const semaphore = createSemaphore(1)
    for (;;) {
      using _permit = await semaphore.acquire()
    }
  },
  'hands values to each other over a channel': () => {
    const [sender, receiver] = channel<number>(1)
    return taskGroup((group) => {
      group.spawn(async () => {
        for (;;) await sender.send(1)
      })
      group.spawn(async () => {
        for (;;) await receiver.receive()
      })
    })
  },
  'hands a lock to each other': () => {
    const lock = createLock()
    return taskGroup((group) => {
      for (let at = 0; at < 3; at++) {
        group.spawn(async () => {
          for (;;) {
            using _permit = await lock.acquire()
          }
        })
      }
    })
  },
}

for (const [name, work] of Object.entries(busy)) {
  test(`work that ${name} for ever is reached by its deadline`, async () => {
    await expect(failAfter(5, work)).rejects.toBeInstanceOf(TimeoutError)
  })
}

test('waiters go on in the order in which they were served, also over a turn of the event loop', async () => {
  const order: number[] = []
  const semaphore = createSemaphore(1)
  await taskGroup((group) => {
    for (let at = 0; at < 5000; at++) {
      group.spawn(async () => {
        using _permit = await semaphore.acquire()
        order.push(at)
      })
    }
  })
  expect(order).toEqual(Array.from({ length: 5000 }, (_, at) => at))
})
