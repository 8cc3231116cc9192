/** A list of listeners is changed while a broadcast waits for one of them, and the next one is left out. */
import { deepEqual } from 'node:assert/strict'
import { checkpoint, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

type Listener = (event: string) => Promise<void>

class Emitter {
  readonly #listeners: Listener[] = []
  readonly #copies: boolean

  constructor(copies: boolean) {
    this.#copies = copies
  }

  on(listener: Listener): () => void {
    this.#listeners.push(listener)
    return () => void this.#listeners.splice(this.#listeners.indexOf(listener), 1)
  }

  async emit(event: string): Promise<void> {
    const listeners = this.#copies ? [...this.#listeners] : this.#listeners
    for (const listener of listeners) await listener(event)
  }
}

async function scenario(copies: boolean): Promise<void> {
  const emitter = new Emitter(copies)
  const heard: string[] = []
  const off = emitter.on(async () => await checkpoint())
  emitter.on(async (event) => {
    await checkpoint()
    heard.push(event)
  })
  await taskGroup((group) => {
    group.spawn(async () => await emitter.emit('saved'))
    group.spawn(async () => {
      await checkpoint()
      off()
    })
  })
  deepEqual(heard, ['saved'])
}

export const race: Race = {
  name: 'list changed while it is iterated',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
