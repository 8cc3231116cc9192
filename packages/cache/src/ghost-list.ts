/** The ghosts of a policy: slots of keys that were evicted, in a list of the policy's links, newest first. */
import type { Links } from './links.ts'
import type { Ghosts } from './policy.ts'

export class GhostList {
  readonly #links: Links
  readonly #head: number
  /** The node of slot 0. */
  readonly #firstNode: number
  readonly #slots: Ghosts
  size = 0
  /** Ghosts that were met, also before the last `clear`. */
  hits = 0

  constructor(links: Links, head: number, firstNode: number, slots: Ghosts) {
    this.#links = links
    this.#head = head
    this.#firstNode = firstNode
    this.#slots = slots
    links.makeHead(head)
  }

  /** A ghost leaves the list, because its key comes in again. */
  meet(slot: number): void {
    this.hits += 1
    this.size -= 1
    this.#links.unlink(this.#firstNode + slot)
  }

  /** A slot that is in no list becomes a ghost, in the place of the oldest one if there are `most`. */
  add(slot: number, most: number): void {
    while (this.size > 0 && this.size >= most) this.#dropOldest()
    this.size += 1
    this.#links.pushFront(this.#head, this.#firstNode + slot)
  }

  /** The same with a new slot, which it gives. */
  addHash(hash: number, most: number): number {
    const slot = this.#slots.add(hash >>> 0)
    this.add(slot, most)
    return slot
  }

  /** Gives the oldest ones back that are more than `most`. */
  trim(most: number): void {
    while (this.size > most) this.#dropOldest()
  }

  /** Forgets all of them; their slots are nobody's any more. */
  clear(): void {
    this.#links.makeHead(this.#head)
    this.size = 0
  }

  /** Newest first. */
  slots(): number[] {
    return this.#links.nodesOf(this.#head).map((node) => node - this.#firstNode)
  }

  hashOf(slot: number): number {
    return this.#slots.hashOf(slot)
  }

  #dropOldest(): void {
    const node = this.#links.back(this.#head)
    this.#links.unlink(node)
    this.size -= 1
    this.#slots.release(node - this.#firstNode)
  }
}
