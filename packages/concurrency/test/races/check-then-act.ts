/** Check, then act, with a wait between them: two users register the same name. */
import { equal } from 'node:assert/strict'
import { checkpoint, createSemaphore, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

async function scenario(locked: boolean): Promise<void> {
  const lock = createSemaphore(locked ? 1 : 9)
  const taken = new Map<string, number>()
  const register = async (name: string, user: number): Promise<boolean> => {
    using _permit = await lock.acquire()
    if (taken.has(name)) return false
    // Writes it to a log.
    await checkpoint()
    taken.set(name, user)
    return true
  }
  const owners: number[] = []
  await taskGroup((group) => {
    for (const user of [1, 2]) {
      group.spawn(async () => {
        for (let at = 0; at < user * 2; at++) await checkpoint()
        if (await register('ada', user)) owners.push(user)
      })
    }
  })
  equal(owners.length, 1)
}

export const race: Race = {
  name: 'check then act across a wait',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
