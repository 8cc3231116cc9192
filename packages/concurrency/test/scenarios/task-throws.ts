/** Fails under every seed, by a task in a group in a group whose error has a cause. */
import { checkpoint, taskGroup } from '@ipfs-kit/concurrency'

export default async function taskThrows(): Promise<void> {
  await taskGroup(async (outer) => {
    outer.spawn(async () => {
      await taskGroup((inner) => {
        inner.spawn(ranAhead, { name: 'runner' })
      })
    })
  })
}

async function ranAhead(): Promise<never> {
  await checkpoint()
  throw new RangeError('fast ran ahead', { cause: 'a bad start' })
}
