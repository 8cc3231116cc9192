/** Double start: something that is opened when it is first used is opened by each of those who come while it opens. */
import { equal } from 'node:assert/strict'
import { checkpoint, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class Database {
  opened = 0
  #handle: object | undefined
  #opening: Promise<object> | undefined
  readonly #once: boolean

  constructor(once: boolean) {
    this.#once = once
  }

  async handle(): Promise<object> {
    if (this.#once) return await (this.#opening ??= this.#open())
    return (this.#handle ??= await this.#open())
  }

  async #open(): Promise<object> {
    this.opened += 1
    await checkpoint()
    return {}
  }
}

async function scenario(once: boolean): Promise<void> {
  const database = new Database(once)
  await taskGroup((group) => {
    group.spawn(async () => await database.handle())
    group.spawn(async () => {
      // Reads its settings first.
      await checkpoint()
      await checkpoint()
      await database.handle()
    })
  })
  equal(database.opened, 1)
}

export const race: Race = {
  name: 'double start',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
