/** Stale fill: a value that was read before an invalidation is put into the cache after it. */
import { equal } from 'node:assert/strict'
import { checkpoint, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

class Cache {
  readonly #values = new Map<string, number>()
  readonly #load: (key: string) => Promise<number>
  readonly #countsGenerations: boolean
  #generation = 0

  constructor(load: (key: string) => Promise<number>, countsGenerations: boolean) {
    this.#load = load
    this.#countsGenerations = countsGenerations
  }

  async get(key: string): Promise<number> {
    const cached = this.#values.get(key)
    if (cached !== undefined) return cached
    const generation = this.#generation
    const value = await this.#load(key)
    if (!this.#countsGenerations || generation === this.#generation) this.#values.set(key, value)
    return value
  }

  invalidate(key: string): void {
    this.#values.delete(key)
    this.#generation += 1
  }
}

async function scenario(countsGenerations: boolean): Promise<void> {
  let stored = 1
  const load = async () => {
    await checkpoint()
    const value = stored
    // The answer travels.
    await checkpoint()
    return value
  }
  const cache = new Cache(load, countsGenerations)
  await taskGroup((group) => {
    group.spawn(async () => void (await cache.get('key')))
    group.spawn(async () => {
      await checkpoint()
      await checkpoint()
      stored = 2
      cache.invalidate('key')
    })
  })
  equal(await cache.get('key'), 2)
}

export const race: Race = {
  name: 'stale fill after an invalidation',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
