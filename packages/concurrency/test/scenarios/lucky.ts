/** Passes under every seed, and on the native backend. */
import { equal } from 'node:assert/strict'
import { checkpoint, createSemaphore, taskGroup } from '@ipfs-kit/concurrency'

export default async function lucky(): Promise<void> {
  const lock = createSemaphore(1)
  let counter = 0
  await taskGroup((group) => {
    for (let at = 0; at < 3; at++) {
      group.spawn(async () => {
        using _permit = await lock.acquire()
        const seen = counter
        await checkpoint()
        counter = seen + 1
      })
    }
  })
  equal(counter, 3)
}
