/**
 * LIRS: S. Jiang and X. Zhang, "LIRS: An Efficient Low Inter-reference Recency Set Replacement Policy", SIGMETRICS '02. What
 * is asked for again soon, however long it has been here, is in the set LIR and stays; what is not (HIR) goes in the order
 * of a queue `q`, and only what comes back while the stack `s` still knows it takes the place of the LIR entry that was not
 * asked for longest.
 *
 * Two things are not in the paper. A tenth of the entries are HIR instead of a hundredth, which costs little where LIRS is
 * strong and mends it where plain recency wins; and ghosts are at most three for four entries. With bytes there is such a
 * cache for each power of two of sizes, and the entry to go is the one of their candidates with the lowest priority of GDSF
 * (L. Cherkasova, "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy", HP Labs 1998): the
 * clock when it was last asked for, plus how often that was by its size. Entries of one size make that plain LIRS.
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

/** The policy LIRS. In stats: entries in `lir` and `hir`, `ghosts`, `ghostHits`. */
export const lirs: Policy = Object.freeze({
  name: 'lirs',
  hasGhosts: true,
  create: (limits: Limits): PolicyState => new Lirs(limits),
})

/** Share of the entries of a class that are HIR. */
const hirShare = 0.1
/** Ghosts for each entry. */
const ghostShare = 0.75
/** How often an entry was asked for is counted up to here. */
const maxCount = 15

/** Classes of sizes: the powers of two up to 2^53. Each has a head in both links: of its stack, and of its queue. */
const classes = 54
/** Among the links of the queues: ghosts in the order in which they became that. */
const fifo = classes
const heads = classes + 1

/** States of a node. A ghost is known by its number. */
const lir = 1
const hirInStack = 2
const hir = 3

class Lirs implements PolicyState {
  #limits: Limits
  readonly #stack = new Links(heads)
  readonly #queue = new Links(heads)
  /** Slots that there is room for. Their nodes follow the heads, and those of the ghosts follow them. */
  #slots = 0
  #states = new Uint8Array(0)
  #hashes = new Uint32Array(0)
  readonly #table = new GhostTable(0)
  /** With bytes, of each slot; those of ghosts are not needed, but their class is. */
  #sizes: Sizes | undefined
  /** Of each class. */
  readonly #count = new Int32Array(classes)
  readonly #lirCount = new Int32Array(classes)
  /** Entries. */
  #size = 0
  /** What is new may be LIR as long as nothing had to go. */
  #filling = true
  /** The ghost that {@link meet} found is LIR when it comes in. */
  #metGhost = false
  #ghostHits = 0

  constructor(limits: Limits) {
    this.#limits = limits
    if (limits.maxBytes !== undefined) this.#sizes = new Sizes()
    this.#makeHeads()
  }

  touch(slot: number): void {
    const node = heads + slot
    const sizes = this.#sizes
    const group = sizes === undefined ? 0 : sizes.touch(slot)
    const state = this.#states[slot]
    if (state === lir) {
      this.#stack.unlink(node)
      this.#stack.pushFront(group, node)
      this.#prune(group)
    } else if (state === hirInStack) {
      this.#stack.unlink(node)
      this.#queue.unlink(node)
      this.#makeLir(slot, group)
    } else {
      this.#states[slot] = hirInStack
      this.#stack.pushFront(group, node)
      this.#queue.unlink(node)
      this.#queue.pushFront(group, node)
    }
  }

  meet(hash: number): void {
    const ghost = this.#table.find(hash)
    this.#metGhost = ghost !== -1
    if (ghost === -1) return
    this.#ghostHits += 1
    this.#dropGhost(ghost)
  }

  evict(): number {
    this.#filling = false
    const group = this.#sizes === undefined ? 0 : this.#lowest(this.#sizes)
    const node = this.#queue.back(group)
    const slot = node - heads
    this.#queue.unlink(node)
    this.#count[group]! -= 1
    this.#size -= 1
    if (this.#states[slot] === hirInStack) this.#makeGhost(node, this.#hashes[slot]!)
    this.#balance(group)
    return slot
  }

  insert(slot: number, hash: number, weight: number): void {
    const group = this.#sizes === undefined ? 0 : this.#sizes.add(slot, weight, this.#metGhost)
    this.#hashes[slot] = hash
    this.#count[group]! += 1
    this.#size += 1
    const mayBeLir = this.#filling && this.#lirCount[group]! < this.#maxLir(group)
    if (this.#metGhost || mayBeLir) this.#makeLir(slot, group)
    else this.#makeHir(slot, group)
  }

  reweigh(slot: number, weight: number): void {
    const sizes = this.#sizes
    if (sizes === undefined || !sizes.changesClass(slot, weight)) return sizes?.set(slot, weight)
    const isLir = this.#states[slot] === lir
    this.remove(slot)
    sizes.set(slot, weight)
    const group = sizes.classOf(slot)
    this.#count[group]! += 1
    this.#size += 1
    if (isLir) this.#makeLir(slot, group)
    else this.#makeHir(slot, group)
  }

  remove(slot: number): void {
    const node = heads + slot
    const group = this.#sizes === undefined ? 0 : this.#sizes.classOf(slot)
    const state = this.#states[slot]
    if (state !== lir) this.#queue.unlink(node)
    if (state !== hir) this.#stack.unlink(node)
    if (state === lir) this.#lirCount[group]! -= 1
    this.#count[group]! -= 1
    this.#size -= 1
    this.#prune(group)
    this.#balance(group)
  }

  clear(): void {
    this.#makeHeads()
    this.#table.clear()
    this.#count.fill(0)
    this.#lirCount.fill(0)
    this.#size = 0
    this.#filling = true
  }

  grow(slots: number): void {
    this.#stack.open(heads + this.#slots, slots - this.#slots)
    this.#queue.open(heads + this.#slots, slots - this.#slots)
    this.#slots = slots
    this.#states = grown(this.#states, slots)
    this.#hashes = grown(this.#hashes, slots)
    this.#sizes?.grow(slots)
  }

  resize(limits: Limits): void {
    this.#limits = limits
    this.#filling = true
    this.#metGhost = false
    while (this.#table.size > this.#maxGhosts()) this.#dropOldestGhost()
  }

  stats(): PolicyStats {
    let lirs = 0
    for (const count of this.#lirCount) lirs += count
    return { lir: lirs, hir: this.#size - lirs, ghosts: this.#table.size, ghostHits: this.#ghostHits }
  }

  save(entryOf: (slot: number) => number): PolicyOrder {
    const order: Record<string, number | readonly number[]> = { filling: Number(this.#filling) }
    const firstGhost = heads + this.#slots
    for (let group = 0; group < classes; group += 1) {
      if (this.#count[group] === 0) continue
      // Ghosts are in the stack as well: below zero, by their place among them.
      order[`s${group}`] = this.#stack
        .nodesOf(group)
        .map((node) => (node < firstGhost ? entryOf(node - heads) : -1 - (node - firstGhost)))
      order[`q${group}`] = this.#queue.nodesOf(group).map((node) => entryOf(node - heads))
    }
    const ghosts = this.#queue.nodesOf(fifo).map((node) => node - firstGhost)
    order.ghosts = ghosts.flatMap((ghost) => [ghost, this.#table.hashOf(ghost)])
    return order
  }

  restore(order: PolicyOrder, slots: readonly (number | undefined)[]): void {
    this.#makeHeads()
    this.#lirCount.fill(0)
    // Oldest first, each to the front.
    const ghosts = new Map<number, number>()
    const pairs = lastFirst(order, 'ghosts')
    for (let at = Math.max(0, pairs.length - 2 * this.#maxGhosts()); at + 1 < pairs.length; at += 2) {
      const ghost = this.#newGhost(pairs[at]!)
      this.#queue.pushFront(fifo, ghost)
      ghosts.set(pairs[at + 1]!, ghost)
    }
    const inQueue = new Set<number>()
    const inStack = new Set<number>()
    const isOf = (group: number, slot: number | undefined): slot is number =>
      slot !== undefined && (this.#sizes?.classOf(slot) ?? 0) === group
    for (let group = 0; group < classes; group += 1) {
      for (const entry of lastFirst(order, `q${group}`)) {
        const slot = slots[entry]
        if (!isOf(group, slot) || inQueue.has(slot)) continue
        inQueue.add(slot)
        this.#states[slot] = hir
        this.#queue.pushFront(group, heads + slot)
      }
      for (const entry of lastFirst(order, `s${group}`)) {
        const ghost = entry < 0 ? ghosts.get(-1 - entry) : undefined
        if (ghost !== undefined) {
          ghosts.delete(-1 - entry)
          this.#stack.pushFront(group, ghost)
          continue
        }
        const slot = slots[entry]
        if (!isOf(group, slot) || inStack.has(slot)) continue
        inStack.add(slot)
        this.#states[slot] = inQueue.has(slot) ? hirInStack : lir
        if (!inQueue.has(slot)) this.#lirCount[group]! += 1
        this.#stack.pushFront(group, heads + slot)
      }
    }
    // An order that does not name all of them was not made here.
    for (const slot of slots) {
      if (slot === undefined || inQueue.has(slot) || inStack.has(slot)) continue
      this.#makeHir(slot, this.#sizes?.classOf(slot) ?? 0)
    }
    for (const ghost of ghosts.values()) this.#stack.pushFront(0, ghost)
    for (let group = 0; group < classes; group += 1) {
      this.#prune(group)
      this.#balance(group)
    }
    this.#filling = order.filling === 1
  }

  /** The class whose candidate has the lowest priority. */
  #lowest(sizes: Sizes): number {
    let lowest = 0
    let priority = Number.POSITIVE_INFINITY
    for (let group = 0; group < classes; group += 1) {
      if (this.#count[group] === 0) continue
      const candidate = sizes.priorityOf(this.#queue.back(group) - heads)
      if (candidate >= priority) continue
      priority = candidate
      lowest = group
    }
    sizes.advance(priority)
    return lowest
  }

  /** LIR entries that a class may have: at least one of its entries is HIR. */
  #maxLir(group: number): number {
    const count = this.#count[group]!
    return count - Math.max(1, Math.round(count * hirShare))
  }

  /** An entry that is in no list. */
  #makeLir(slot: number, group: number): void {
    this.#states[slot] = lir
    this.#lirCount[group]! += 1
    this.#stack.pushFront(group, heads + slot)
    this.#balance(group)
    this.#prune(group)
  }

  /** An entry that is in no list. */
  #makeHir(slot: number, group: number): void {
    this.#states[slot] = hirInStack
    this.#stack.pushFront(group, heads + slot)
    this.#queue.pushFront(group, heads + slot)
  }

  /** What LIR entries are too many become HIR, those first that were not asked for longest. */
  #balance(group: number): void {
    const most = Math.max(0, this.#maxLir(group))
    while (this.#lirCount[group]! > most) {
      this.#prune(group)
      const node = this.#stack.back(group)
      this.#stack.unlink(node)
      this.#states[node - heads] = hir
      this.#lirCount[group]! -= 1
      this.#queue.pushFront(group, node)
      this.#prune(group)
    }
  }

  /** At the back of a stack is a LIR entry: what is behind it says nothing. */
  #prune(group: number): void {
    const stack = this.#stack
    const states = this.#states
    const firstGhost = heads + this.#slots
    for (;;) {
      const node = stack.back(group)
      if (node === group) return
      if (node >= firstGhost) {
        this.#dropGhost(node - firstGhost)
        continue
      }
      if (states[node - heads] === lir) return
      stack.unlink(node)
      states[node - heads] = hir
    }
  }

  #maxGhosts(): number {
    return Math.ceil(this.#size * ghostShare)
  }

  /** A node of the stack becomes that of a ghost. */
  #makeGhost(node: number, hash: number): void {
    while (this.#table.size > 0 && this.#table.size >= this.#maxGhosts()) this.#dropOldestGhost()
    const ghost = this.#newGhost(hash)
    this.#stack.substitute(node, ghost)
    this.#queue.pushFront(fifo, ghost)
  }

  /** A ghost's node. */
  #newGhost(hash: number): number {
    if (this.#table.size === this.#table.capacity) this.#growGhosts()
    return heads + this.#slots + this.#table.add(hash)
  }

  #dropGhost(ghost: number): void {
    const node = heads + this.#slots + ghost
    this.#stack.unlink(node)
    this.#queue.unlink(node)
    this.#table.remove(ghost)
  }

  #dropOldestGhost(): void {
    this.#dropGhost(this.#queue.back(fifo) - heads - this.#slots)
  }

  #growGhosts(): void {
    const { capacity } = this.#table
    const most = Math.ceil(this.#limits.maxEntries * ghostShare) + 1
    const ghosts = Math.min(most, Math.max(64, capacity * 2))
    this.#table.grow(ghosts)
    this.#stack.grow(heads + this.#slots + ghosts)
    this.#queue.grow(heads + this.#slots + ghosts)
  }

  #makeHeads(): void {
    for (let head = 0; head < heads; head += 1) {
      this.#stack.makeHead(head)
      this.#queue.makeHead(head)
    }
  }
}

/** What the choice between sizes needs to know of each slot. */
class Sizes {
  #bytes = new Float64Array(0)
  /** The clock when it was last asked for. */
  #ages = new Float64Array(0)
  #counts = new Uint8Array(0)
  /** The priority of what went last. */
  #clock = 0

  classOf(slot: number): number {
    return classFor(this.#bytes[slot]!)
  }

  changesClass(slot: number, bytes: number): boolean {
    return this.classOf(slot) !== classFor(bytes)
  }

  set(slot: number, bytes: number): void {
    this.#bytes[slot] = bytes
  }

  /** An entry comes in. Its class. */
  add(slot: number, bytes: number, wasGhost: boolean): number {
    this.#bytes[slot] = bytes
    this.#ages[slot] = this.#clock
    this.#counts[slot] = wasGhost ? 2 : 1
    return classFor(bytes)
  }

  /** It was asked for. Its class. */
  touch(slot: number): number {
    this.#ages[slot] = this.#clock
    if (this.#counts[slot]! < maxCount) this.#counts[slot]! += 1
    return this.classOf(slot)
  }

  priorityOf(slot: number): number {
    return this.#ages[slot]! + this.#counts[slot]! / Math.max(1, this.#bytes[slot]!)
  }

  /** Something with this priority goes. */
  advance(priority: number): void {
    if (priority > this.#clock) this.#clock = priority
  }

  grow(slots: number): void {
    this.#bytes = grown(this.#bytes, slots)
    this.#ages = grown(this.#ages, slots)
    this.#counts = grown(this.#counts, slots)
  }
}

function classFor(bytes: number): number {
  return bytes < 2 ** 31 ? 31 - Math.clz32(bytes | 1) : Math.floor(Math.log2(bytes))
}
