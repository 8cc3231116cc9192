/** What a replacement policy is to the cache: it orders slots, and says which one goes. */
import type { KeyTable } from './key-table.ts'

/** What a cache may hold. */
export interface Limits {
  readonly maxEntries: number
  /** `undefined`: each entry weighs 1, and `maxEntries` is the limit of the weight. */
  readonly maxBytes: number | undefined
}

/** Numbers of a policy at this moment; see each policy for its own. */
export type PolicyStats = Readonly<Record<string, number>>

/** The order that a policy keeps, with entries as numbers of {@link CacheSnapshot.entries}. It is JSON. */
export type PolicyOrder = Readonly<Record<string, number | readonly number[]>>

/** A replacement policy: a name, and how the state of one cache is made. */
export interface Policy {
  readonly name: string
  /** Ghosts that it has at most for each entry that the cache may hold, 0 to 1. */
  readonly ghostShare: number
  /**
   * @param limits - those of the cache
   * @param slots - where ghosts are given back
   */
  create(limits: Limits, slots: Ghosts): PolicyState
}

/** What a policy needs of the table of keys: its ghosts are slots of it. */
export type Ghosts = Pick<KeyTable<unknown>, 'add' | 'release' | 'hashOf'>

/**
 * The state of a policy for one cache. The cache calls `touch` for a hit, and for what is new `meet`, then `evict` until
 * there is room, then `insert`.
 */
export interface PolicyState {
  /** A resident entry was asked for, or given a new value. */
  touch(slot: number): void
  /** A key comes in that is not resident. `ghost` is its slot if it was evicted not long ago, or -1; `insert` gets it next. */
  meet(ghost: number, weight: number): void
  /** Takes an entry out to make room. There is one. Its slot, which is a ghost now; `~slot` if it leaves none. */
  evict(): number
  /** The key of the last `meet` is resident from here on. */
  insert(slot: number, weight: number): void
  /** The weight of a resident entry changes. */
  reweigh(slot: number, weight: number): void
  /** An entry was deleted: it leaves no ghost. */
  remove(slot: number): void
  /** Gives all ghosts back. */
  dropGhosts(): void
  clear(): void
  /** There will be slots up to this number. */
  grow(slots: number): void
  /** Other limits. The cache evicts afterwards until they hold. */
  resize(limits: Limits): void
  stats(): PolicyStats
  /** @param entryOf - the number of a slot in the snapshot */
  save(entryOf: (slot: number) => number): PolicyOrder
  /**
   * Takes an order up. All entries are inserted already, as new ones, and there is room for all ghosts.
   *
   * @param slots - of each entry; `undefined` if it did not come back
   */
  restore(order: PolicyOrder, slots: readonly (number | undefined)[]): void
}

/** A list of an order, its last entry first; empty if there is none. */
export function lastFirst(order: PolicyOrder, name: string): readonly number[] {
  const list = order[name]
  return Array.isArray(list) ? list.toReversed() : []
}
