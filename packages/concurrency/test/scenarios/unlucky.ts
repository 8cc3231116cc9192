/** Fails under some seeds, and always on the native backend: two increments of one counter, read and written with a wait between. */
import { equal } from 'node:assert/strict'
import { checkpoint, taskGroup } from '@ipfs-kit/concurrency'

export default async function unlucky(): Promise<void> {
  let counter = 0
  await taskGroup((group) => {
    for (const name of ['one', 'two']) {
      group.spawn(
        async () => {
          await checkpoint()
          const seen = counter
          await checkpoint()
          counter = seen + 1
        },
        { name },
      )
    }
  })
  equal(counter, 2, 'an increment was lost')
}
