/** A cancelled waiter of a condition stays in the queue until it goes on, and a notify that comes before that is spent on it. */
import { equal } from 'node:assert/strict'
import { checkpoint, sleep, suspend, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class Condition {
  #waiting: (() => void)[] = []
  readonly #leavesAtOnce: boolean

  constructor(leavesAtOnce: boolean) {
    this.#leavesAtOnce = leavesAtOnce
  }

  async wait(): Promise<void> {
    let mine: (() => void) | undefined
    const leave = () => {
      this.#waiting = this.#waiting.filter((go) => go !== mine)
    }
    try {
      await suspend<void>((resume) => {
        mine = () => resume.resolve()
        this.#waiting.push(mine)
        return () => {
          if (this.#leavesAtOnce) leave()
        }
      })
    } finally {
      leave()
    }
  }

  notify(): void {
    this.#waiting.shift()?.()
  }
}

async function scenario(leavesAtOnce: boolean): Promise<void> {
  const condition = new Condition(leavesAtOnce)
  let jobs = 0
  await taskGroup(async (group) => {
    const take = async () => {
      while (jobs === 0) await condition.wait()
      jobs -= 1
    }
    const impatient = group.spawn(take)
    group.spawn(take)
    group.spawn(async () => {
      for (let at = 0; at < 4; at++) await checkpoint()
      impatient.cancel()
    })
    for (let at = 0; at < 5; at++) await checkpoint()
    jobs += 1
    condition.notify()
    // By then everything that can go on has.
    await sleep(1)
    equal(jobs, 0)
    group.cancel()
  })
}

export const race: Race = {
  name: 'cancelled condition waiter eats a notify',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
