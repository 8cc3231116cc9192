import assert from 'node:assert/strict'
import test from 'node:test'
import { channel, createSemaphore, taskGroup } from '@ipfs-kit/concurrency'
import {
  cancelAtEveryStep,
  forEachBackend,
  sequencer,
  waitAllTasksBlocked,
} from '@ipfs-kit/concurrency/testing'

// `test` of vitest or of Deno serves as well.
const onBoth = forEachBackend(test, { seeds: 20 })

onBoth('hands permits out in the order of asking', async () => {
  const semaphore = createSemaphore(1)
  const order: number[] = []
  const turn = sequencer()
  await taskGroup(async (group) => {
    const held = await semaphore.acquire()
    for (const at of [0, 1, 2]) {
      group.spawn(async () => {
        await turn(at)
        using _permit = await semaphore.acquire()
        order.push(at)
      })
    }
    // Until every other task waits: no sleep that is long enough on most days.
    await waitAllTasksBlocked()
    assert.equal(semaphore.stats().waiting, 3)
    held.release()
  })
  assert.deepEqual(order, [0, 1, 2])
})

await test('a receiver that is cancelled at whatever step loses no value', async () => {
  const { cancellations } = await cancelAtEveryStep(async (victim) => {
    const [send, receive] = channel<number>(1)
    const got: number[] = []
    await taskGroup(async (group) => {
      group.spawn(async () => {
        for (const value of [1, 2, 3]) await send.send(value)
        send.close()
      })
      await victim(async () => {
        for await (const value of receive) got.push(value)
      })
      for await (const value of receive) got.push(value)
    })
    assert.deepEqual(got, [1, 2, 3])
  })
  assert(cancellations > 0)
})
