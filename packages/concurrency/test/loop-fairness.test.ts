import { cancelScope, checkpoint, createSemaphore, failAfter, sleep, taskGroup } from '@ipfs-kit/concurrency'
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
