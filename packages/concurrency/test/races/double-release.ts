/** Double release: a lease ends by its user or by its time, and what ends it waits before it notes that it has ended. */
import { equal } from 'node:assert/strict'
import { checkpoint, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class Pool {
  readonly free = ['connection']
  readonly #notesFirst: boolean

  constructor(notesFirst: boolean) {
    this.#notesFirst = notesFirst
  }

  lease(): { end(): Promise<void> } {
    const connection = this.free.pop()!
    let ended = false
    return {
      end: async () => {
        if (ended) return
        if (this.#notesFirst) ended = true
        // Rolls back what is open.
        await checkpoint()
        ended = true
        this.free.push(connection)
      },
    }
  }
}

async function scenario(notesFirst: boolean): Promise<void> {
  const pool = new Pool(notesFirst)
  const lease = pool.lease()
  await taskGroup((group) => {
    group.spawn(async function user() {
      await checkpoint()
      await checkpoint()
      await lease.end()
    })
    group.spawn(async function reaper() {
      await lease.end()
    })
  })
  equal(pool.free.length, 1)
}

export const race: Race = {
  name: 'double release',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
