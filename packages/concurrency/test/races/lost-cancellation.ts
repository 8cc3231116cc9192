/** Lost cancellation: two restarts overlap, the second cancels what the first has not begun yet, and two jobs run. */
import { ok } from 'node:assert/strict'
import { checkpoint, sleep, taskGroup, type Task, type TaskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class Service {
  running = 0
  #job: Task<void> | undefined
  readonly #group: TaskGroup
  readonly #cancelsLast: boolean

  constructor(group: TaskGroup, cancelsLast: boolean) {
    this.#group = group
    this.#cancelsLast = cancelsLast
  }

  async restart(): Promise<void> {
    if (!this.#cancelsLast) this.#job?.cancel()
    // Reads the new settings.
    await checkpoint()
    if (this.#cancelsLast) this.#job?.cancel()
    this.#job = this.#group.spawn(async () => {
      this.running += 1
      try {
        await sleep(Infinity)
      } finally {
        this.running -= 1
      }
    })
  }
}

async function scenario(cancelsLast: boolean): Promise<void> {
  await taskGroup(async (group) => {
    const service = new Service(group, cancelsLast)
    await taskGroup((operators) => {
      for (const pause of [1, 3]) {
        operators.spawn(async () => {
          for (let at = 0; at < pause; at++) await checkpoint()
          await service.restart()
        })
      }
    })
    await sleep(1)
    ok(service.running <= 1, `${service.running} jobs run`)
    group.cancel()
  })
}

export const race: Race = {
  name: 'lost cancellation',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
