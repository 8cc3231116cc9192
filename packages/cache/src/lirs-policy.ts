/**
 * LIRS: S. Jiang and X. Zhang, "LIRS: An Efficient Low Inter-reference Recency Set Replacement Policy", SIGMETRICS '02. What
 * is asked for again soon, however long it has been here, is LIR and stays. What is not is HIR and goes in the order of a
 * queue, unless it is asked for again within the time in which each LIR entry was: then it takes the place of the one that
 * was not asked for longest.
 *
 * The paper keeps a stack to know that time. Here each slot has a time, counted in requests for what is not LIR, which says
 * the same: in the stack is what is newer than the oldest LIR entry. And a hit of a LIR entry only notes that there was one;
 * it gets its time and place when the end of its ring is looked at, as in a clock (S. Jiang, F. Chen, X. Zhang, "CLOCK-Pro",
 * USENIX ATC '05).
 *
 * A tenth of the entries are HIR instead of a hundredth, which costs little where LIRS is strong and mends it where plain
 * recency wins; and there are at most three ghosts for four entries. With bytes there is such a cache for each power of two
 * of sizes, and the entry to go is the one of their candidates with the lowest priority of GDSF (L. Cherkasova, "Improving
 * WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy", HP Labs 1998): the clock when it was last asked
 * for, plus how often that was by its size. Entries of one size make that plain LIRS.
 */
import { GhostList } from './ghost-list.ts'
import { grown, Links } from './links.ts'
import { classOf, SizePriorities } from './size-priorities.ts'
import {
  lastFirst,
  type Ghosts,
  type Limits,
  type Policy,
  type PolicyOrder,
  type PolicyState,
  type PolicyStats,
} from './policy.ts'

/** The policy LIRS. In stats: entries in `lir` and `hir`, `ghosts`, `ghostHits`. */
export const lirs: Policy = Object.freeze({
  name: 'lirs',
  ghostShare: 0.75,
  create: (limits: Limits, slots: Ghosts): PolicyState => new Lirs(limits, slots),
})

/** Share of the entries of a class that are HIR. */
const hirShare = 0.1

/** Classes of sizes: the powers of two up to 2^53. */
const classes = 54
/** The heads of lists: of the queue of each class, and of the ghosts, newest first. LIR entries are in rings without a head. */
const hirHead = 0
const ghostHead = classes
const heads = classes + 1
const nobody = -1

/** States of a slot. */
const hir = 0
const lir = 1
/** LIR, and asked for since its list was put in order. */
const lirAsked = 2

class Lirs implements PolicyState {
  readonly #links = new Links(heads)
  #states = new Uint8Array(0)
  /** When each slot was asked for last: 32 bits of a count of requests for what is not LIR. */
  #times = new Int32Array(0)
  #now = 0
  /** Of each class the LIR entry that has its place longest; the newest is behind it. */
  readonly #hands = new Int32Array(classes).fill(nobody)
  /** With bytes. */
  readonly #sizes: SizePriorities | undefined
  /** Of each class. */
  readonly #count = new Int32Array(classes)
  readonly #lirCount = new Int32Array(classes)
  #size = 0
  readonly #ghosts: GhostList
  /** What is new may be LIR as long as nothing had to go. */
  #filling = true
  /** What comes in next was asked for recently. */
  #isRecent = false

  constructor(limits: Limits, slots: Ghosts) {
    this.#ghosts = new GhostList(this.#links, ghostHead, heads, slots)
    this.#sizes = limits.maxBytes === undefined ? undefined : new SizePriorities()
    this.#makeHeads()
  }

  touch(slot: number): void {
    if (this.#states[slot] === hir || this.#sizes !== undefined) this.#touchListed(slot)
    else this.#states[slot] = lirAsked
  }

  meet(ghost: number, weight: number): void {
    this.#isRecent = false
    if (ghost === -1) return
    this.#ghosts.meet(ghost)
    const group = this.#sizes === undefined ? 0 : classOf(weight)
    this.#isRecent = this.#isNewer(this.#times[ghost]!, group)
  }

  evict(): number {
    this.#filling = false
    const group = this.#sizes === undefined ? 0 : this.#lowest(this.#sizes)
    const slot = this.#links.back(hirHead + group) - heads
    this.#links.unlink(heads + slot)
    this.#count[group]! -= 1
    this.#size -= 1
    const isRecent = this.#isNewer(this.#times[slot]!, group)
    this.#balance(group)
    if (!isRecent) return ~slot
    this.#ghosts.add(slot, this.#mostGhosts())
    return slot
  }

  insert(slot: number, weight: number): void {
    const group = this.#sizes === undefined ? 0 : this.#sizes.add(slot, weight, this.#isRecent)
    this.#times[slot] = this.#now = (this.#now + 1) | 0
    this.#count[group]! += 1
    this.#size += 1
    if (this.#isRecent || (this.#filling && this.#lirCount[group]! < this.#mostLir(group)))
      this.#makeLir(slot, group)
    else this.#makeHir(slot, group)
  }

  reweigh(slot: number, weight: number): void {
    const sizes = this.#sizes
    if (sizes === undefined) return
    if (classOf(weight) === sizes.classOf(slot)) return sizes.set(slot, weight)
    const wasLir = this.#states[slot] !== hir
    this.remove(slot)
    sizes.set(slot, weight)
    const group = sizes.classOf(slot)
    this.#count[group]! += 1
    this.#size += 1
    if (wasLir) this.#makeLir(slot, group)
    else this.#makeHir(slot, group)
  }

  remove(slot: number): void {
    const group = this.#sizes === undefined ? 0 : this.#sizes.classOf(slot)
    if (this.#states[slot] === hir) this.#links.unlink(heads + slot)
    else this.#leaveRing(heads + slot, group)
    this.#count[group]! -= 1
    this.#size -= 1
    this.#balance(group)
  }

  dropGhosts(): void {
    this.#ghosts.trim(0)
  }

  clear(): void {
    this.#makeHeads()
    this.#hands.fill(nobody)
    this.#count.fill(0)
    this.#lirCount.fill(0)
    this.#size = 0
    this.#ghosts.clear()
    this.#filling = true
  }

  grow(slots: number): void {
    this.#links.grow(heads + slots)
    this.#states = grown(this.#states, slots)
    this.#times = grown(this.#times, slots)
    this.#sizes?.grow(slots)
  }

  resize(): void {
    this.#filling = true
    this.#isRecent = false
  }

  stats(): PolicyStats {
    let lirs = 0
    for (const count of this.#lirCount) lirs += count
    return { lir: lirs, hir: this.#size - lirs, ghosts: this.#ghosts.size, ghostHits: this.#ghosts.hits }
  }

  save(entryOf: (slot: number) => number): PolicyOrder {
    const order: Record<string, number | readonly number[]> = {
      filling: Number(this.#filling),
      now: this.#now,
    }
    for (let group = 0; group < classes; group += 1) {
      if (this.#count[group] === 0) continue
      const hand = this.#hands[group]!
      const lists = {
        lir: hand === nobody ? [] : [...this.#links.nodesOf(hand), hand],
        hir: this.#links.nodesOf(hirHead + group),
      }
      for (const [name, nodes] of Object.entries(lists)) {
        order[`${name}${group}`] = nodes.flatMap((node) => {
          const slot = node - heads
          return [entryOf(slot), this.#states[slot]!, this.#times[slot]!, this.#sizes?.countOf(slot) ?? 0]
        })
      }
    }
    order.ghosts = this.#ghosts.slots().flatMap((slot) => [this.#ghosts.hashOf(slot), this.#times[slot]!])
    return order
  }

  restore(order: PolicyOrder, slots: readonly (number | undefined)[]): void {
    const placed = new Set<number>()
    for (let group = 0; group < classes; group += 1) {
      for (const name of [`lir${group}`, `hir${group}`]) {
        // Last first: each entry's count, time, state and number.
        const fields = lastFirst(order, name)
        for (let at = 0; at + 3 < fields.length; at += 4) {
          const slot = slots[fields[at + 3]!]
          if (slot === undefined || placed.has(slot)) continue
          placed.add(slot)
          this.#place(slot, fields[at + 2]!, fields[at + 1]!)
          this.#sizes?.count(slot, fields[at]!)
        }
      }
    }
    const ghosts = lastFirst(order, 'ghosts')
    const most = this.#mostGhosts()
    for (let at = Math.max(0, ghosts.length - 2 * most); at + 1 < ghosts.length; at += 2)
      this.#times[this.#ghosts.addHash(ghosts[at + 1]!, most)] = ghosts[at]!
    for (let group = 0; group < classes; group += 1) this.#balance(group)
    this.#filling = order.filling === 1
    this.#now = Number(order.now) | 0
  }

  /** Puts an entry at the front of the list that a snapshot names. */
  #place(slot: number, state: number, time: number): void {
    const group = this.#sizes === undefined ? 0 : this.#sizes.classOf(slot)
    if (this.#states[slot] === hir) this.#links.unlink(heads + slot)
    else this.#leaveRing(heads + slot, group)
    this.#times[slot] = time
    if (state === lir || state === lirAsked) this.#enterRing(heads + slot, group)
    else this.#links.pushFront(hirHead + group, heads + slot)
    this.#states[slot] = state === lir || state === lirAsked ? state : hir
  }

  /** The class whose candidate has the lowest priority. */
  #lowest(sizes: SizePriorities): number {
    let lowest = 0
    let priority = Number.POSITIVE_INFINITY
    for (let group = 0; group < classes; group += 1) {
      if (this.#count[group] === 0) continue
      const candidate = sizes.priorityOf(this.#links.back(hirHead + group) - heads)
      if (candidate >= priority) continue
      priority = candidate
      lowest = group
    }
    sizes.advance(priority)
    return lowest
  }

  /** LIR entries that a class may have: at least one of its entries is HIR. */
  #mostLir(group: number): number {
    const count = this.#count[group]!
    return count - Math.max(1, Math.round(count * hirShare))
  }

  #touchListed(slot: number): void {
    const group = this.#sizes === undefined ? 0 : this.#sizes.touch(slot)
    if (this.#states[slot] !== hir) {
      this.#states[slot] = lirAsked
      return
    }
    const former = this.#times[slot]!
    this.#times[slot] = this.#now = (this.#now + 1) | 0
    this.#links.unlink(heads + slot)
    if (this.#isNewer(former, group)) this.#makeLir(slot, group)
    else this.#links.pushFront(hirHead + group, heads + slot)
  }

  /** Whether a time is after the last request for the LIR entry that was not asked for longest. */
  #isNewer(time: number, group: number): boolean {
    const node = this.#oldestLir(group)
    return node === nobody || ((time - this.#times[node - heads]!) | 0) > 0
  }

  /** The LIR entry that has its place longest, of those that were not asked for since; the others get a new place. */
  #oldestLir(group: number): number {
    let hand = this.#hands[group]!
    if (hand === nobody) return nobody
    const states = this.#states
    while (states[hand - heads] === lirAsked) {
      states[hand - heads] = lir
      this.#times[hand - heads] = this.#now
      hand = this.#links.back(hand)
    }
    this.#hands[group] = hand
    return hand
  }

  #enterRing(node: number, group: number): void {
    const hand = this.#hands[group]!
    if (hand === nobody) {
      this.#links.makeHead(node)
      this.#hands[group] = node
    } else this.#links.pushFront(hand, node)
    this.#lirCount[group]! += 1
  }

  #leaveRing(node: number, group: number): void {
    if (this.#hands[group] === node) {
      const next = this.#links.back(node)
      this.#hands[group] = next === node ? nobody : next
    }
    this.#links.unlink(node)
    this.#lirCount[group]! -= 1
  }

  /** An entry that is in no list. */
  #makeLir(slot: number, group: number): void {
    this.#states[slot] = lir
    this.#enterRing(heads + slot, group)
    this.#balance(group)
  }

  /** An entry that is in no list. */
  #makeHir(slot: number, group: number): void {
    this.#states[slot] = hir
    this.#links.pushFront(hirHead + group, heads + slot)
  }

  /** What LIR entries are too many become HIR, those first that were not asked for longest. */
  #balance(group: number): void {
    const most = this.#mostLir(group)
    while (this.#lirCount[group]! > 0 && this.#lirCount[group]! > most) {
      const node = this.#oldestLir(group)
      this.#leaveRing(node, group)
      this.#makeHir(node - heads, group)
    }
  }

  #mostGhosts(): number {
    return Math.ceil(this.#size * lirs.ghostShare)
  }

  #makeHeads(): void {
    for (let group = 0; group < classes; group += 1) this.#links.makeHead(hirHead + group)
  }
}
