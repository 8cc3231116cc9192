/** ABA: the head of a free list is the same as before, and what came behind it is not. */
import { equal } from 'node:assert/strict'
import { checkpoint, taskGroup } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

/** Slots 0, 1, 2; each knows the next free one. */
class FreeList {
  #head: number | undefined = 0
  #version = 0
  readonly #next: (number | undefined)[] = [1, 2, undefined]
  readonly #versioned: boolean

  constructor(versioned: boolean) {
    this.#versioned = versioned
  }

  async pop(): Promise<number | undefined> {
    for (;;) {
      const [head, version] = [this.#head, this.#version]
      if (head === undefined) return undefined
      const next = this.#next[head]
      // Reads the header of the slot.
      await checkpoint()
      if (this.#head !== head || (this.#versioned && this.#version !== version)) continue
      this.#head = next
      this.#version += 1
      return head
    }
  }

  push(slot: number): void {
    this.#next[slot] = this.#head
    this.#head = slot
    this.#version += 1
  }
}

async function scenario(versioned: boolean): Promise<void> {
  const list = new FreeList(versioned)
  const held: number[] = []
  await taskGroup((group) => {
    group.spawn(async () => {
      const slot = await list.pop()
      if (slot !== undefined) held.push(slot)
    })
    group.spawn(async () => {
      const first = await list.pop()
      const second = await list.pop()
      if (second !== undefined) held.push(second)
      if (first !== undefined) list.push(first)
    })
  })
  for (let slot = await list.pop(); slot !== undefined; slot = await list.pop()) held.push(slot)
  equal(held.length, new Set(held).size, `a slot is held twice: ${held.join()}`)
}

export const race: Race = {
  name: 'ABA on a free list',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
