/** Single flight: several callers share one load, which runs in the scope of the first and dies with it. */
import { equal } from 'node:assert/strict'
import { checkpoint, createOwner, run, taskGroup, type Owner } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class SingleFlight {
  #flight: PromiseLike<string> | undefined
  readonly #owner: Owner | undefined

  constructor(owner: Owner | undefined) {
    this.#owner = owner
  }

  async get(): Promise<string> {
    this.#flight ??=
      this.#owner === undefined ? this.#load() : this.#owner.spawn(async () => await this.#load())
    return await run(this.#flight)
  }

  async #load(): Promise<string> {
    for (let block = 0; block < 3; block++) await checkpoint()
    return 'value'
  }
}

async function scenario(owned: boolean): Promise<void> {
  await using owner = createOwner()
  const flight = new SingleFlight(owned ? owner : undefined)
  await taskGroup((group) => {
    const first = group.spawn(async () => await flight.get())
    group.spawn(async () => equal(await flight.get(), 'value'))
    group.spawn(async () => {
      for (let at = 0; at < 4; at++) await checkpoint()
      first.cancel()
    })
  })
}

export const race: Race = {
  name: 'single flight dies with its first caller',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
