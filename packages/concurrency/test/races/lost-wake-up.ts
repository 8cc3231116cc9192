/** Lost wake-up: a task looks whether it has to wait, does something that waits, and then waits for what has happened already. */
import { checkpoint, suspend, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class Gate {
  #open = false
  readonly #waiting: (() => void)[] = []
  readonly #careful: boolean

  constructor(careful: boolean) {
    this.#careful = careful
  }

  open(): void {
    this.#open = true
    for (const go of this.#waiting.splice(0)) go()
  }

  async pass(): Promise<void> {
    if (this.#open) return
    // Notes that somebody waits: a wait between the look and the waiting.
    await checkpoint()
    await suspend<void>((resume) => {
      if (this.#careful && this.#open) resume.resolve()
      else this.#waiting.push(() => resume.resolve())
      return () => undefined
    })
  }
}

async function scenario(careful: boolean): Promise<void> {
  const gate = new Gate(careful)
  await taskGroup((group) => {
    group.spawn(async () => await gate.pass())
    group.spawn(async () => {
      await checkpoint()
      await checkpoint()
      gate.open()
    })
  })
}

export const race: Race = {
  name: 'lost wake-up',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
