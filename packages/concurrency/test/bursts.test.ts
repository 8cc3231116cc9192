import { channel, checkpoint, createSemaphore, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { onDeno } from './runtime.ts'

const onBoth = forEachBackend(test, { seeds: 1 })

onBoth('cancelling more tasks than one turn serves ends every one of them', async () => {
  const tasks = 20_000
  let ended = 0
  await taskGroup(async (group) => {
    for (let at = 0; at < tasks; at++) {
      group.spawn(async () => {
        try {
          await sleep(60_000)
        } finally {
          ended += 1
        }
      })
    }
    await checkpoint()
    group.cancel()
  })
  expect(ended).toBe(tasks)
})

onBoth('tasks of a burst begin in the order in which they were spawned', async () => {
  const tasks = 20_000
  const begun: number[] = []
  await taskGroup((group) => {
    for (let at = 0; at < tasks; at++) group.spawn(() => void begun.push(at))
  })
  expect(begun).toHaveLength(tasks)
  // In the simulator the seed chooses.
  if (!begun.every((task, at) => task === at)) expect(new Set(begun).size).toBe(tasks)
})

onBoth(
  'a value that was given to a waiting receiver is not lost when the receiver is cancelled then',
  async () => {
    const [send, receive] = channel<number>(1)
    await taskGroup(async (group) => {
      const receiver = group.spawn(() => receive.receive())
      while (receive.stats().receiving === 0) await checkpoint()
      expect(send.trySend(7)).toBe(true)
      receiver.cancel()
      expect(await receiver).toBe(7)
    })
  },
)

// Deno's collector is not at hand there.
test.skipIf(onDeno)('waits that are over do not keep those that come after them', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void
  const heap = (): number => process.memoryUsage().heapUsed
  const semaphore = createSemaphore(1)
  const turns = (count: number) =>
    taskGroup((group) => {
      for (let worker = 0; worker < 10; worker++) {
        group.spawn(async () => {
          for (let turn = 0; turn < count; turn++) {
            const permit = await semaphore.acquire()
            permit.release()
          }
        })
      }
    })
  await turns(100)
  await taskGroup(async (group) => {
    const permit = await semaphore.acquire()
    for (let worker = 0; worker < 10; worker++) {
      group.spawn(async () => {
        const mine = await semaphore.acquire()
        mine.release()
      })
    }
    while (semaphore.stats().waiting < 10) await checkpoint()
    // What waits now grows old: the collector looks at it again only when it collects everything.
    collect()
    collect()
    const before = heap()
    const after = turns(5000)
    while (semaphore.stats().waiting < 20) await checkpoint()
    permit.release()
    await after
    collect({ type: 'minor' })
    collect({ type: 'minor' })
    expect((heap() - before) / 2 ** 20).toBeLessThan(1)
  })
})
