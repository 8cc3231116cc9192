/** A reply comes after its request was given up, and answers the next request that got the same number. */
import { equal } from 'node:assert/strict'
import { checkpoint, moveOnAfter, sleep, suspend, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class Client {
  readonly #pending = new Map<number, (answer: string) => void>()
  readonly #reusesNumbers: boolean
  #last = 0

  constructor(reusesNumbers: boolean) {
    this.#reusesNumbers = reusesNumbers
  }

  async ask(question: string, send: (id: number, question: string) => void): Promise<string> {
    let id = this.#reusesNumbers ? 1 : (this.#last += 1)
    while (this.#pending.has(id)) id += 1
    return await suspend<string>((resume) => {
      this.#pending.set(id, (answer) => {
        this.#pending.delete(id)
        resume.resolve(answer)
      })
      send(id, question)
      return () => void this.#pending.delete(id)
    })
  }

  answered(id: number, answer: string): void {
    this.#pending.get(id)?.(answer)
  }
}

async function scenario(reusesNumbers: boolean): Promise<void> {
  const client = new Client(reusesNumbers)
  await taskGroup(async (group) => {
    const send = (id: number, question: string) => {
      group.spawn(async () => {
        await sleep(10)
        await checkpoint()
        client.answered(id, `answer to ${question}`)
      })
    }
    const first = await moveOnAfter(10, async () => await client.ask('one', send))
    if (first !== undefined) equal(first, 'answer to one')
    equal(await client.ask('two', send), 'answer to two')
  })
}

export const race: Race = {
  name: 'late reply to a reused number',
  wrong: async () => await scenario(true),
  right: async () => await scenario(false),
}
