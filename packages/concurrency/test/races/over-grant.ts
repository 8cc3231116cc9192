/**
 * Over-grant: a limiter counts a slot as free when it wakes the next in line, so that whoever comes before that one goes on gets
 * it as well.
 */
import { ok } from 'node:assert/strict'
import { checkpoint, suspend, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class Limiter {
  #used = 0
  readonly #waiting: (() => void)[] = []
  readonly #handsOver: boolean

  constructor(handsOver: boolean) {
    this.#handsOver = handsOver
  }

  async acquire(): Promise<void> {
    if (this.#used === 0) {
      this.#used += 1
      return
    }
    await suspend<void>((resume) => {
      this.#waiting.push(() => resume.resolve())
      return () => undefined
    })
    if (!this.#handsOver) this.#used += 1
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined || !this.#handsOver) this.#used -= 1
    next?.()
  }
}

async function scenario(handsOver: boolean): Promise<void> {
  const limiter = new Limiter(handsOver)
  let inside = 0
  await taskGroup((group) => {
    for (let worker = 0; worker < 3; worker++) {
      group.spawn(async () => {
        await limiter.acquire()
        inside += 1
        ok(inside <= 1, `${inside} inside at once`)
        await checkpoint()
        inside -= 1
        limiter.release()
      })
    }
  })
}

export const race: Race = {
  name: 'over-grant',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
