/** LRU: what was not asked for longest goes. The scale that the other policies are measured on. */
import { Links } from './links.ts'
import { lastFirst, type Policy, type PolicyOrder, type PolicyState, type PolicyStats } from './policy.ts'

/** The policy LRU. */
export const lru: Policy = Object.freeze({
  name: 'lru',
  ghostShare: 0,
  create: (): PolicyState => new Lru(),
})

const head = 0
const heads = 1

class Lru implements PolicyState {
  readonly #links = new Links(heads)

  constructor() {
    this.#links.makeHead(head)
  }

  touch(slot: number): void {
    this.#links.moveFront(head, slot + heads)
  }

  meet(): void {}

  evict(): number {
    const node = this.#links.back(head)
    this.#links.unlink(node)
    return ~(node - heads)
  }

  insert(slot: number): void {
    this.#links.pushFront(head, slot + heads)
  }

  reweigh(): void {}

  remove(slot: number): void {
    this.#links.unlink(slot + heads)
  }

  dropGhosts(): void {}

  clear(): void {
    this.#links.makeHead(head)
  }

  grow(slots: number): void {
    this.#links.grow(slots + heads)
  }

  resize(): void {}

  stats(): PolicyStats {
    return {}
  }

  save(entryOf: (slot: number) => number): PolicyOrder {
    return { order: this.#links.nodesOf(head).map((node) => entryOf(node - heads)) }
  }

  restore(order: PolicyOrder, slots: readonly (number | undefined)[]): void {
    for (const entry of lastFirst(order, 'order')) {
      const slot = slots[entry]
      if (slot !== undefined) this.touch(slot)
    }
  }
}
