/**
 * ARC: N. Megiddo and D. S. Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST '03, figure 4. What was asked
 * for once is in T1, what was asked for again in T2, and the hashes of what each of them lost are in B1 and B2. A hit in B1
 * says that T1 is too small, one in B2 that T2 is: `p` is the share of T1.
 *
 * With bytes the lists are measured by their bytes, `p` is a number of bytes, and it learns in steps of the entry that was
 * met again. For entries of one size that is the paper to the letter. Nothing is throttled: what does not fit is not
 * admitted.
 */
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

/** The policy ARC. In stats: entries in `t1`, `t2`, `b1`, `b2`, the target `p`, `ghostHits`. */
export const arc: Policy = Object.freeze({
  name: 'arc',
  ghostShare: 1,
  create: (limits: Limits, slots: Ghosts): PolicyState => new Arc(limits, slots),
})

/** The lists, which are their own heads. A ghost is in the list of the one that lost it, + 2. */
const t1 = 0
const t2 = 1
const b1 = 2
const b2 = 3
const heads = 4

/** Hits wait until a list is looked at, or there are so many: moved one after the other they take less time than each by itself. */
const mostWaiting = 128

class Arc implements PolicyState {
  #limits: Limits
  readonly #slots: Ghosts
  /** The size of the cache, by weight: `c` of the paper. */
  #capacity: number
  #p = 0
  readonly #links = new Links(heads)
  /** The list of each slot. */
  #lists = new Uint8Array(0)
  /** Of each slot, if they are bytes. */
  #weights: Float64Array | undefined
  /** Of each list: entries, and their weight if that is bytes. */
  readonly #counts = new Int32Array(heads)
  readonly #bytes = new Float64Array(heads)
  /** Where the ghost was that is met, or `t1` for what is new. */
  #met = t1
  #incoming = 0
  #ghostHits = 0
  /** What was asked for since the lists were put in order, oldest first. */
  readonly #asked = new Int32Array(mostWaiting)
  #waiting = 0

  constructor(limits: Limits, slots: Ghosts) {
    this.#limits = limits
    this.#slots = slots
    this.#capacity = limits.maxBytes ?? limits.maxEntries
    if (limits.maxBytes !== undefined) this.#weights = new Float64Array(0)
    this.#makeHeads()
  }

  touch(slot: number): void {
    this.#asked[this.#waiting] = slot
    this.#waiting += 1
    if (this.#waiting === mostWaiting) this.#settle()
  }

  meet(ghost: number, weight: number): void {
    this.#settle()
    this.#incoming = weight
    if (ghost === -1) {
      this.#met = t1
      this.#trim(weight)
      return
    }
    this.#ghostHits += 1
    const [w1, w2] = [this.#weightOf(b1), this.#weightOf(b2)]
    this.#met = this.#lists[ghost]!
    if (this.#met === b1) this.#p = Math.min(this.#capacity, this.#p + stepOf(w2, w1) * weight)
    else this.#p = Math.max(0, this.#p - stepOf(w1, w2) * weight)
    this.#links.unlink(ghost + heads)
    this.#leave(this.#met, ghost)
  }

  evict(): number {
    this.#settle()
    const weight = this.#weightOf(t1)
    // A T1 that alone is as large as the cache leaves no ghost.
    const isAlone =
      this.#met === t1 &&
      this.#counts[t1]! > 0 &&
      this.#counts[b1] === 0 &&
      weight + this.#incoming > this.#capacity
    const isAbove = weight > this.#p || (this.#met === b2 && weight === this.#p)
    const from = isAlone || this.#counts[t2] === 0 || (this.#counts[t1]! > 0 && isAbove) ? t1 : t2
    const node = this.#links.back(from)
    const slot = node - heads
    this.#links.unlink(node)
    this.#leave(from, slot)
    if (isAlone) return ~slot
    this.#addGhost(slot, from + 2)
    return slot
  }

  insert(slot: number, weight: number): void {
    if (this.#weights !== undefined) this.#weights[slot] = weight
    const list = this.#met === t1 ? t1 : t2
    this.#enter(list, slot)
    this.#links.pushFront(list, slot + heads)
    // What is evicted before the next one is met makes room for nothing new: a value grows, or a limit falls.
    this.#met = t1
    this.#incoming = 0
  }

  reweigh(slot: number, weight: number): void {
    this.#settle()
    if (this.#weights === undefined) return
    this.#bytes[this.#lists[slot]!]! += weight - this.#weights[slot]!
    this.#weights[slot] = weight
  }

  remove(slot: number): void {
    this.#settle()
    this.#links.unlink(slot + heads)
    this.#leave(this.#lists[slot]!, slot)
  }

  dropGhosts(): void {
    for (const list of [b1, b2]) while (this.#counts[list]! > 0) this.#dropOldest(list)
  }

  clear(): void {
    this.#waiting = 0
    this.#makeHeads()
    this.#counts.fill(0)
    this.#bytes.fill(0)
    this.#p = 0
  }

  grow(slots: number): void {
    this.#links.grow(slots + heads)
    this.#lists = grown(this.#lists, slots)
    if (this.#weights !== undefined) this.#weights = grown(this.#weights, slots)
  }

  resize(limits: Limits): void {
    this.#settle()
    this.#limits = limits
    this.#capacity = limits.maxBytes ?? limits.maxEntries
    this.#p = Math.min(this.#p, this.#capacity)
    while (this.#counts[b1]! + this.#counts[b2]! > limits.maxEntries) this.#dropOldestGhost()
    this.#trim(0)
  }

  stats(): PolicyStats {
    this.#settle()
    const [n1, n2, m1, m2] = this.#counts as unknown as [number, number, number, number]
    return { t1: n1, t2: n2, b1: m1, b2: m2, p: this.#p, ghostHits: this.#ghostHits }
  }

  save(entryOf: (slot: number) => number): PolicyOrder {
    this.#settle()
    const entriesOf = (list: number): number[] =>
      this.#links.nodesOf(list).map((node) => entryOf(node - heads))
    const ghostsOf = (list: number): number[] =>
      this.#links
        .nodesOf(list)
        .flatMap((node) => [this.#slots.hashOf(node - heads), this.#weights?.[node - heads] ?? 1])
    return { p: this.#p, t1: entriesOf(t1), t2: entriesOf(t2), b1: ghostsOf(b1), b2: ghostsOf(b2) }
  }

  restore(order: PolicyOrder, slots: readonly (number | undefined)[]): void {
    for (const entry of lastFirst(order, 't1')) {
      const slot = slots[entry]
      if (slot === undefined) continue
      this.#links.unlink(slot + heads)
      this.#links.pushFront(t1, slot + heads)
    }
    for (const entry of lastFirst(order, 't2')) {
      const slot = slots[entry]
      if (slot !== undefined) this.touch(slot)
    }
    this.#settle()
    for (const [list, name] of [
      [b1, 'b1'],
      [b2, 'b2'],
    ] as const) {
      const pairs = lastFirst(order, name)
      for (let at = Math.max(0, pairs.length - 2 * this.#limits.maxEntries); at + 1 < pairs.length; at += 2) {
        const ghost = this.#slots.add(pairs[at + 1]! >>> 0)
        if (this.#weights !== undefined) this.#weights[ghost] = weightIn(pairs[at]!, this.#capacity)
        this.#addGhost(ghost, list)
      }
    }
    this.#p = Math.min(this.#capacity, Math.max(0, Number(order.p) || 0))
    this.#trim(0)
  }

  /** Moves what was asked for. */
  #settle(): void {
    const asked = this.#asked
    const lists = this.#lists
    const waiting = this.#waiting
    this.#waiting = 0
    for (let at = 0; at < waiting; at += 1) {
      const slot = asked[at]!
      if (lists[slot] !== t2) {
        this.#leave(t1, slot)
        this.#enter(t2, slot)
      }
      this.#links.moveFront(t2, slot + heads)
    }
  }

  /** Case IV: L1 is never larger than the cache, all four lists never than two caches. */
  #trim(incoming: number): void {
    while (this.#counts[b1]! > 0 && this.#weightOf(t1) + this.#weightOf(b1) + incoming > this.#capacity)
      this.#dropOldest(b1)
    if (this.#counts[b2] === 0) return
    // What T1 is too large by leaves no ghost.
    const l1 = Math.min(this.#capacity, this.#weightOf(t1) + this.#weightOf(b1) + incoming)
    while (this.#counts[b2]! > 0 && l1 + this.#weightOf(t2) + this.#weightOf(b2) > 2 * this.#capacity)
      this.#dropOldest(b2)
  }

  /** The weight of a list. */
  #weightOf(list: number): number {
    return this.#weights === undefined ? this.#counts[list]! : this.#bytes[list]!
  }

  #enter(list: number, slot: number): void {
    this.#lists[slot] = list
    this.#counts[list]! += 1
    if (this.#weights !== undefined) this.#bytes[list]! += this.#weights[slot]!
  }

  #leave(list: number, slot: number): void {
    this.#counts[list]! -= 1
    if (this.#weights !== undefined) this.#bytes[list]! -= this.#weights[slot]!
  }

  /** A slot that is in no list. */
  #addGhost(slot: number, list: number): void {
    if (this.#counts[b1]! + this.#counts[b2]! >= this.#limits.maxEntries) this.#dropOldestGhost()
    this.#enter(list, slot)
    this.#links.pushFront(list, slot + heads)
  }

  #dropOldestGhost(): void {
    this.#dropOldest(this.#counts[b1]! > this.#counts[b2]! ? b1 : b2)
  }

  #dropOldest(list: number): void {
    const node = this.#links.back(list)
    this.#links.unlink(node)
    this.#leave(list, node - heads)
    this.#slots.release(node - heads)
  }

  #makeHeads(): void {
    for (let head = 0; head < heads; head += 1) this.#links.makeHead(head)
  }
}

/** How much faster `p` moves for the list of fewer ghosts. All of them together may weigh nothing. */
function stepOf(other: number, own: number): number {
  return Math.max(1, other / Math.max(1, own))
}

/** The weight of a ghost in a snapshot: bytes that the cache could have had. */
function weightIn(bytes: number, capacity: number): number {
  return Math.min(capacity, Math.max(0, Math.trunc(bytes)))
}
