import assert from 'node:assert/strict'
import { channel, moveOnAfter, now, random, sim, sleep, taskGroup, withBackend } from '@ipfs-kit/concurrency'

// Browsers have no async context: there every wait and every group is told its scope. It works everywhere.
async function work(): Promise<number[] | undefined> {
  return await moveOnAfter(1000, (limit) =>
    taskGroup(
      async (group) => {
        const [send, receive] = channel<number>(2)
        group.spawn(async (task) => {
          for (let value = 0; value < 3; value++) {
            await sleep(1, { scope: task })
            await send.send(value, { scope: task })
          }
        })
        const got: number[] = []
        while (got.length < 3) got.push(await receive.receive({ scope: group }))
        return got
      },
      { scope: limit },
    ),
  )
}
assert.deepEqual(await work(), [0, 1, 2])

// The simulator is told in the same way.
const elapsed = await withBackend(
  async (scope) => {
    await sleep(random({ scope }) * 1000, { scope })
    return now({ scope })
  },
  { backend: sim(7) },
)
assert(elapsed > 0 && elapsed <= 1000)
