/** Cancel in the handshake: a permit is handed to a waiter that is cancelled before it goes on, and that drops it. */
import { equal } from 'node:assert/strict'
import { checkpoint, suspend, taskGroup, throwIfCancelled } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class Permits {
  free = 0
  readonly #waiting: (() => void)[] = []
  readonly #givesBack: boolean

  constructor(givesBack: boolean) {
    this.#givesBack = givesBack
  }

  async acquire(): Promise<void> {
    if (this.free > 0) {
      this.free -= 1
      return
    }
    await suspend<void>((resume) => {
      const go = () => resume.resolve()
      this.#waiting.push(go)
      return () => void this.#waiting.splice(this.#waiting.indexOf(go), 1)
    })
    // Holds it now, and may have been cancelled meanwhile.
    try {
      throwIfCancelled()
    } catch (reason) {
      if (this.#givesBack) this.release()
      throw reason
    }
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.free += 1
    else next()
  }
}

async function scenario(givesBack: boolean): Promise<void> {
  const permits = new Permits(givesBack)
  await taskGroup((group) => {
    const waiter = group.spawn(async () => {
      await permits.acquire()
      permits.release()
    })
    group.spawn(async () => {
      await checkpoint()
      permits.release()
    })
    group.spawn(async () => {
      await checkpoint()
      waiter.cancel()
    })
  })
  equal(permits.free, 1)
}

export const race: Race = {
  name: 'cancel in the handshake',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
