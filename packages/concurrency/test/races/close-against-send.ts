/** Close against send: a mailbox that is closed while a sender waits for room takes its value after the reader has left. */
import { deepEqual } from 'node:assert/strict'
import { checkpoint, suspend, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class Mailbox {
  #closed = false
  #value: number | undefined
  readonly #waiting: (() => void)[] = []
  readonly #looksAgain: boolean

  constructor(looksAgain: boolean) {
    this.#looksAgain = looksAgain
  }

  async send(value: number): Promise<boolean> {
    if (this.#closed) return false
    if (this.#value !== undefined) {
      await suspend<void>((resume) => {
        this.#waiting.push(() => resume.resolve())
        return () => undefined
      })
      if (this.#looksAgain && this.#closed) return false
    }
    this.#value = value
    return true
  }

  take(): number | undefined {
    const value = this.#value
    this.#value = undefined
    this.#waiting.shift()?.()
    return value
  }

  close(): void {
    this.#closed = true
    for (const go of this.#waiting.splice(0)) go()
  }
}

async function scenario(looksAgain: boolean): Promise<void> {
  const mailbox = new Mailbox(looksAgain)
  const accepted: number[] = []
  const taken: number[] = []
  await taskGroup((group) => {
    group.spawn(async function sender() {
      for (const value of [1, 2]) {
        if (await mailbox.send(value)) accepted.push(value)
      }
    })
    group.spawn(async function reader() {
      for (let looks = 0; looks < 2; looks++) {
        await checkpoint()
        const value = mailbox.take()
        if (value !== undefined) taken.push(value)
      }
      mailbox.close()
      const last = mailbox.take()
      if (last !== undefined) taken.push(last)
    })
  })
  deepEqual(taken, accepted)
}

export const race: Race = {
  name: 'close against send',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
