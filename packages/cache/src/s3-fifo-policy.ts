/**
 * S3-FIFO: J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, "FIFO queues are all you need for cache eviction", SOSP '23,
 * algorithm 1. What is new goes into a small queue, a tenth of the cache; what was asked for more than once while it was
 * there goes on to the main queue, the rest leaves a ghost. The main queue gives each entry as many rounds as it was asked
 * for, three at most. A hit writes one small number and moves nothing.
 */
import { GhostList } from './ghost-list.ts'
import { grown, Links } from './links.ts'
import {
  lastFirst,
  type Ghosts,
  type Limits,
  type Policy,
  type PolicyOrder,
  type PolicyState,
  type PolicyStats,
} from './policy.ts'

/** The policy S3-FIFO. In stats: entries in `small` and `main`, `ghosts`, `ghostHits`. */
export const s3Fifo: Policy = Object.freeze({
  name: 's3-fifo',
  ghostShare: 0.9,
  create: (limits: Limits, slots: Ghosts): PolicyState => new S3Fifo(limits, slots),
})

/** The heads of the two queues, and of the ghosts, newest first. */
const small = 0
const main = 1
const ghostHead = 2
const heads = 3
const smallShare = 0.1
/** Hits that are counted: two bits. */
const maxHits = 3

class S3Fifo implements PolicyState {
  #limits: Limits
  /** The share of the small queue, by weight. */
  #smallCapacity = 0
  readonly #queues = new Links(heads)
  /** The queue of each slot. */
  #inMain = new Uint8Array(0)
  #hits = new Uint8Array(0)
  #weights: Float64Array | undefined
  readonly #ghosts: GhostList
  readonly #weight = new Float64Array(2)
  readonly #count = new Int32Array(2)
  #metGhost = false

  constructor(limits: Limits, slots: Ghosts) {
    this.#limits = limits
    this.#ghosts = new GhostList(this.#queues, ghostHead, heads, slots)
    if (limits.maxBytes !== undefined) this.#weights = new Float64Array(0)
    this.#measure()
    this.#makeHeads()
  }

  touch(slot: number): void {
    if (this.#hits[slot]! < maxHits) this.#hits[slot]! += 1
  }

  meet(ghost: number): void {
    this.#metGhost = ghost !== -1
    if (this.#metGhost) this.#ghosts.meet(ghost)
  }

  evict(): number {
    for (;;) {
      const isSmall =
        this.#count[main] === 0 || (this.#count[small]! > 0 && this.#weight[small]! >= this.#smallCapacity)
      const queue = isSmall ? small : main
      const node = this.#queues.back(queue)
      const slot = node - heads
      const hits = this.#hits[slot]!
      this.#queues.unlink(node)
      if (isSmall && hits > 1) {
        this.#leave(small, slot)
        this.#enter(main, slot)
        this.#hits[slot] = 0
      } else if (!isSmall && hits > 0) {
        this.#hits[slot] = hits - 1
        this.#queues.pushFront(main, node)
      } else {
        this.#leave(queue, slot)
        if (!isSmall) return ~slot
        this.#ghosts.add(slot, this.#mostGhosts())
        return slot
      }
    }
  }

  insert(slot: number, weight: number): void {
    this.#hits[slot] = 0
    if (this.#weights !== undefined) this.#weights[slot] = weight
    this.#enter(this.#metGhost ? main : small, slot)
  }

  reweigh(slot: number, weight: number): void {
    if (this.#weights === undefined) return
    this.#weight[this.#inMain[slot]!]! += weight - this.#weights[slot]!
    this.#weights[slot] = weight
  }

  remove(slot: number): void {
    this.#queues.unlink(slot + heads)
    this.#leave(this.#inMain[slot]!, slot)
  }

  dropGhosts(): void {
    this.#ghosts.trim(0)
  }

  clear(): void {
    this.#makeHeads()
    this.#ghosts.clear()
    this.#weight.fill(0)
    this.#count.fill(0)
  }

  grow(slots: number): void {
    this.#queues.grow(slots + heads)
    this.#inMain = grown(this.#inMain, slots)
    this.#hits = grown(this.#hits, slots)
    if (this.#weights !== undefined) this.#weights = grown(this.#weights, slots)
  }

  resize(limits: Limits): void {
    this.#limits = limits
    this.#measure()
    this.#ghosts.trim(this.#mostGhosts())
  }

  stats(): PolicyStats {
    return {
      small: this.#count[small]!,
      main: this.#count[main]!,
      ghosts: this.#ghosts.size,
      ghostHits: this.#ghosts.hits,
    }
  }

  save(entryOf: (slot: number) => number): PolicyOrder {
    // Each entry with its hits.
    const slotsOf = (head: number): number[] =>
      this.#queues.nodesOf(head).flatMap((node) => [entryOf(node - heads), this.#hits[node - heads]!])
    return {
      small: slotsOf(small),
      main: slotsOf(main),
      ghosts: this.#ghosts.slots().map((slot) => this.#ghosts.hashOf(slot)),
    }
  }

  restore(order: PolicyOrder, slots: readonly (number | undefined)[]): void {
    for (const [queue, name] of ['small', 'main'].entries()) {
      const pairs = lastFirst(order, name)
      for (let at = 0; at + 1 < pairs.length; at += 2) {
        const slot = slots[pairs[at + 1]!]
        if (slot === undefined) continue
        this.remove(slot)
        this.#enter(queue, slot)
        this.#hits[slot] = Math.min(maxHits, Math.max(0, pairs[at]!))
      }
    }
    const most = this.#mostGhosts()
    for (const hash of lastFirst(order, 'ghosts').slice(-most)) this.#ghosts.addHash(hash, most)
  }

  #enter(queue: number, slot: number): void {
    this.#inMain[slot] = queue
    this.#weight[queue]! += this.#weightOf(slot)
    this.#count[queue]! += 1
    this.#queues.pushFront(queue, slot + heads)
  }

  #leave(queue: number, slot: number): void {
    this.#weight[queue]! -= this.#weightOf(slot)
    this.#count[queue]! -= 1
  }

  #weightOf(slot: number): number {
    return this.#weights === undefined ? 1 : this.#weights[slot]!
  }

  /** As many as the main queue has room for. */
  #mostGhosts(): number {
    return Math.max(1, Math.ceil((this.#count[small]! + this.#count[main]! + 1) * (1 - smallShare)))
  }

  #measure(): void {
    const capacity = this.#limits.maxBytes ?? this.#limits.maxEntries
    this.#smallCapacity = Math.max(1, Math.floor(capacity * smallShare))
  }

  #makeHeads(): void {
    this.#queues.makeHead(small)
    this.#queues.makeHead(main)
  }
}
