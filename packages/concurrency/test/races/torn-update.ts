/** Torn update: two values that belong together are written with a wait between them, and read in between. */
import { equal } from 'node:assert/strict'
import { checkpoint, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

async function scenario(atOnce: boolean): Promise<void> {
  const index = { head: 'a', length: 1, names: new Map([['a', 1]]) }
  const append = async (name: string) => {
    const length = index.length + 1
    if (atOnce) {
      await checkpoint()
      index.names.set(name, length)
      index.length = length
    } else {
      index.length = length
      // Writes the record.
      await checkpoint()
      index.names.set(name, length)
    }
  }
  await taskGroup((group) => {
    group.spawn(async () => {
      for (const name of ['b', 'c']) await append(name)
    })
    group.spawn(async () => {
      await checkpoint()
      equal(index.names.size, index.length)
    })
  })
}

export const race: Race = {
  name: 'torn two-step update',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
