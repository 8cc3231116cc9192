/**
 * ARC: N. Megiddo and D. S. Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST '03, figure 4. What was asked
 * for once is in T1, what was asked for again in T2, and the hashes of what each of them lost are in B1 and B2. A hit in B1
 * says that T1 is too small, one in B2 that T2 is: `p` is the share of T1.
 *
 * With bytes the lists are measured by their bytes, `p` is a number of bytes, and it learns in steps of the entry that was
 * met again. For entries of one size that is the paper to the letter. Nothing is throttled: what does not fit is not
 * admitted.
 */
import { GhostTable } from './ghost-table.ts'
import { grown, Links } from './links.ts'
import {
  lastFirst,
  type Limits,
  type Policy,
  type PolicyOrder,
  type PolicyState,
  type PolicyStats,
} from './policy.ts'

/** The policy ARC. In stats: entries in `t1`, `t2`, `b1`, `b2`, the target `p`, `ghostHits`. */
export const arc: Policy = Object.freeze({
  name: 'arc',
  hasGhosts: true,
  create: (limits: Limits): PolicyState => new Arc(limits),
})

/** Heads of the lists. In the links of slots they are T1 and T2, in those of ghosts B1 and B2. */
const once = 0
const again = 1
const heads = 2
/** What {@link Arc.meet} found. */
type Met = 'new' | 'b1' | 'b2'

class Arc implements PolicyState {
  #limits: Limits
  /** The size of the cache, by weight: `c` of the paper. */
  #capacity: number
  #p = 0
  readonly #slots = new Links(heads)
  /** The list of each slot. */
  #lists = new Uint8Array(0)
  #hashes = new Uint32Array(0)
  /** Weights of slots and ghosts, if they are bytes. */
  #weights: Float64Array | undefined
  #ghostWeights: Float64Array | undefined
  readonly #table: GhostTable
  readonly #ghosts = new Links(heads)
  #ghostLists = new Uint8Array(0)
  /** Weight and number of T1, T2, B1, B2. */
  readonly #weight = new Float64Array(2)
  readonly #count = new Int32Array(2)
  readonly #ghostWeight = new Float64Array(2)
  readonly #ghostCount = new Int32Array(2)
  #met: Met = 'new'
  #incoming = 1
  #ghostHits = 0

  constructor(limits: Limits) {
    this.#limits = limits
    this.#capacity = limits.maxBytes ?? limits.maxEntries
    this.#table = new GhostTable(0)
    if (limits.maxBytes !== undefined) {
      this.#weights = new Float64Array(0)
      this.#ghostWeights = new Float64Array(0)
    }
    this.#makeHeads()
  }

  touch(slot: number): void {
    const node = slot + heads
    this.#slots.unlink(node)
    if (this.#lists[slot] === once) this.#move(slot)
    this.#slots.pushFront(again, node)
  }

  meet(hash: number, weight: number): void {
    this.#incoming = weight
    const ghost = this.#table.find(hash)
    if (ghost === -1) {
      this.#met = 'new'
      this.#trim(weight)
      return
    }
    this.#ghostHits += 1
    const b1 = this.#ghostWeight[once]!
    const b2 = this.#ghostWeight[again]!
    if (this.#ghostLists[ghost] === once) {
      this.#met = 'b1'
      this.#p = Math.min(this.#capacity, this.#p + Math.max(1, b2 / b1) * weight)
    } else {
      this.#met = 'b2'
      this.#p = Math.max(0, this.#p - Math.max(1, b1 / b2) * weight)
    }
    this.#dropGhost(ghost)
  }

  evict(): number {
    const t1 = this.#weight[once]!
    const n1 = this.#count[once]!
    const n2 = this.#count[again]!
    const isAtP = this.#met === 'b2' && t1 === this.#p
    const fromOnce = n2 === 0 || (n1 > 0 && (t1 > this.#p || isAtP))
    // A T1 that alone is as large as the cache leaves no ghost.
    const isAlone =
      this.#met === 'new' && this.#ghostCount[once] === 0 && t1 + this.#incoming > this.#capacity
    const list = isAlone && n1 > 0 ? once : fromOnce ? once : again
    const slot = this.#slots.back(list) - heads
    const weight = this.#weightOf(slot)
    this.#slots.unlink(slot + heads)
    this.#weight[list]! -= weight
    this.#count[list]! -= 1
    if (!(isAlone && list === once)) this.#addGhost(list, this.#hashes[slot]!, weight)
    return slot
  }

  insert(slot: number, hash: number, weight: number): void {
    const list = this.#met === 'new' ? once : again
    this.#lists[slot] = list
    this.#hashes[slot] = hash
    if (this.#weights !== undefined) this.#weights[slot] = weight
    this.#weight[list]! += weight
    this.#count[list]! += 1
    this.#slots.pushFront(list, slot + heads)
  }

  reweigh(slot: number, weight: number): void {
    if (this.#weights === undefined) return
    this.#weight[this.#lists[slot]!]! += weight - this.#weights[slot]!
    this.#weights[slot] = weight
  }

  remove(slot: number): void {
    const list = this.#lists[slot]!
    this.#slots.unlink(slot + heads)
    this.#weight[list]! -= this.#weightOf(slot)
    this.#count[list]! -= 1
  }

  clear(): void {
    this.#makeHeads()
    this.#table.clear()
    this.#weight.fill(0)
    this.#count.fill(0)
    this.#ghostWeight.fill(0)
    this.#ghostCount.fill(0)
    this.#p = 0
  }

  grow(slots: number): void {
    this.#slots.grow(slots + heads)
    this.#lists = grown(this.#lists, slots)
    this.#hashes = grown(this.#hashes, slots)
    if (this.#weights !== undefined) this.#weights = grown(this.#weights, slots)
  }

  resize(limits: Limits): void {
    this.#limits = limits
    this.#capacity = limits.maxBytes ?? limits.maxEntries
    this.#p = Math.min(this.#p, this.#capacity)
    while (this.#table.size > limits.maxEntries) this.#dropOldestGhost()
    this.#met = 'new'
    this.#incoming = 0
    this.#trim(0)
  }

  stats(): PolicyStats {
    return {
      t1: this.#count[once]!,
      t2: this.#count[again]!,
      b1: this.#ghostCount[once]!,
      b2: this.#ghostCount[again]!,
      p: this.#p,
      ghostHits: this.#ghostHits,
    }
  }

  save(entryOf: (slot: number) => number): PolicyOrder {
    const slotsOf = (head: number): number[] => this.#slots.nodesOf(head).map((node) => entryOf(node - heads))
    const ghostsOf = (head: number): number[] =>
      this.#ghosts
        .nodesOf(head)
        .flatMap((node) => [this.#table.hashOf(node - heads), this.#ghostWeights?.[node - heads] ?? 1])
    return { p: this.#p, t1: slotsOf(once), t2: slotsOf(again), b1: ghostsOf(once), b2: ghostsOf(again) }
  }

  restore(order: PolicyOrder, slots: readonly (number | undefined)[]): void {
    for (const entry of lastFirst(order, 't1')) {
      const slot = slots[entry]
      if (slot === undefined) continue
      this.#slots.unlink(slot + heads)
      this.#slots.pushFront(once, slot + heads)
    }
    for (const entry of lastFirst(order, 't2')) {
      const slot = slots[entry]
      if (slot !== undefined) this.touch(slot)
    }
    for (const [list, name] of ['b1', 'b2'].entries()) {
      const pairs = lastFirst(order, name)
      for (let at = 0; at + 1 < pairs.length; at += 2)
        this.#addGhost(list, pairs[at + 1]!, this.#ghostWeights === undefined ? 1 : Math.max(1, pairs[at]!))
    }
    this.#p = Math.min(this.#capacity, Math.max(0, Number(order.p) || 0))
    this.#trim(0)
  }

  /** Case IV: L1 is never larger than the cache, all four lists never than two caches. */
  #trim(incoming: number): void {
    const weight = this.#weight
    const ghosts = this.#ghostWeight
    while (this.#ghostCount[once]! > 0 && weight[once]! + ghosts[once]! + incoming > this.#capacity) {
      this.#dropGhost(this.#ghosts.back(once) - heads)
    }
    // What T1 is too large by leaves no ghost.
    const l1 = Math.min(this.#capacity, weight[once]! + ghosts[once]! + incoming)
    while (this.#ghostCount[again]! > 0 && l1 + weight[again]! + ghosts[again]! > 2 * this.#capacity) {
      this.#dropGhost(this.#ghosts.back(again) - heads)
    }
  }

  /** An entry of T1 is one of T2 from here on. */
  #move(slot: number): void {
    const weight = this.#weightOf(slot)
    this.#lists[slot] = again
    this.#weight[once]! -= weight
    this.#weight[again]! += weight
    this.#count[once]! -= 1
    this.#count[again]! += 1
  }

  #weightOf(slot: number): number {
    return this.#weights === undefined ? 1 : this.#weights[slot]!
  }

  #addGhost(list: number, hash: number, weight: number): void {
    const table = this.#table
    if (table.size >= this.#limits.maxEntries) this.#dropOldestGhost()
    if (table.size === table.capacity) this.#growGhosts()
    const ghost = table.add(hash)
    this.#ghostLists[ghost] = list
    if (this.#ghostWeights !== undefined) this.#ghostWeights[ghost] = weight
    this.#ghostWeight[list]! += weight
    this.#ghostCount[list]! += 1
    this.#ghosts.pushFront(list, ghost + heads)
  }

  #dropGhost(ghost: number): void {
    const list = this.#ghostLists[ghost]!
    this.#ghosts.unlink(ghost + heads)
    this.#ghostWeight[list]! -= this.#ghostWeights === undefined ? 1 : this.#ghostWeights[ghost]!
    this.#ghostCount[list]! -= 1
    this.#table.remove(ghost)
  }

  #dropOldestGhost(): void {
    const list = this.#ghostCount[once]! > this.#ghostCount[again]! ? once : again
    this.#dropGhost(this.#ghosts.back(list) - heads)
  }

  #growGhosts(): void {
    const ghosts = Math.min(this.#limits.maxEntries, Math.max(64, this.#table.capacity * 2))
    this.#table.grow(ghosts)
    this.#ghosts.grow(ghosts + heads)
    this.#ghostLists = grown(this.#ghostLists, ghosts)
    if (this.#ghostWeights !== undefined) this.#ghostWeights = grown(this.#ghostWeights, ghosts)
  }

  #makeHeads(): void {
    for (const head of [once, again]) {
      this.#slots.makeHead(head)
      this.#ghosts.makeHead(head)
    }
  }
}
