/** What is remembered of keys: how hot each is, and since when it is where. */
import { random } from '@ipfs-kit/concurrency'

/** How a value came into a tier. */
export interface Place {
  /**
   * `put`: by a put. `promoted`: by a read that found it further down. `demoted`: by a sweep that took it out further up.
   * `found`: it was there when it was first read.
   */
  readonly reason: 'put' | 'promoted' | 'demoted' | 'found'
  readonly sinceMs: number
}

/** One key. */
export interface KnownKey {
  readonly key: string
  /** Reads since it is remembered. */
  hits: number
  /** The count of reads and puts that halves in each half life, as of `atMs`. */
  heat: number
  atMs: number
  /** Of each tier. */
  readonly places: (Place | undefined)[]
  /** Where it is in the table; -1 when it has been forgotten. */
  slot: number
}

/** How many are looked at when one has to go. */
const sample = 8

/** Bounded: for a new key the coldest of a few goes, as in Redis. */
export class KnownKeys {
  readonly halfLifeMs: number
  readonly now: () => number
  readonly #maxKeys: number
  readonly #decay: number
  readonly #byKey = new Map<string, KnownKey>()
  readonly #slots: KnownKey[] = []

  constructor(options: {
    readonly maxKeys: number
    readonly halfLifeMs: number
    readonly now: () => number
  }) {
    this.#maxKeys = options.maxKeys
    this.halfLifeMs = options.halfLifeMs
    this.now = options.now
    this.#decay = -Math.LN2 / options.halfLifeMs
  }

  get size(): number {
    return this.#slots.length
  }

  get(key: string): KnownKey | undefined {
    return this.#byKey.get(key)
  }

  /** The entry of a key, remembered from here on. */
  of(key: string): KnownKey {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const made: KnownKey = { key, hits: 0, heat: 0, atMs: this.now(), places: [], slot: -1 }
    this.#add(made)
    return made
  }

  /** A read. An entry that was forgotten while a cache held it is remembered again. */
  hit(known: KnownKey): void {
    this.warm(known)
    known.hits += 1
    if (known.slot === -1) this.#add(known)
  }

  warm(known: KnownKey): void {
    const time = this.now()
    const goneMs = time - known.atMs
    // A clock that goes back takes no heat away, and none is given for the time until it is there again.
    known.heat = (goneMs > 0 ? known.heat * Math.exp(goneMs * this.#decay) : known.heat) + 1
    known.atMs = time
  }

  /** The heat of an entry at this moment. */
  heatOf(known: KnownKey): number {
    return known.heat * Math.exp(Math.max(0, this.now() - known.atMs) * this.#decay)
  }

  place(key: string, tier: number, reason: Place['reason']): void {
    const known = this.of(key)
    if (reason === 'found' && known.places[tier] !== undefined) return
    known.places[tier] = { reason, sinceMs: this.now() }
  }

  unplace(key: string, tier: number): void {
    const known = this.#byKey.get(key)
    if (known !== undefined) known.places[tier] = undefined
  }

  #add(known: KnownKey): void {
    const former = this.#byKey.get(known.key)
    if (former !== undefined) this.#remove(former)
    if (this.#slots.length >= this.#maxKeys) this.#remove(this.#coldest())
    known.slot = this.#slots.length
    this.#slots.push(known)
    this.#byKey.set(known.key, known)
  }

  #remove(known: KnownKey): void {
    const last = this.#slots.pop()!
    if (last !== known) {
      this.#slots[known.slot] = last
      last.slot = known.slot
    }
    known.slot = -1
    this.#byKey.delete(known.key)
  }

  #coldest(): KnownKey {
    let coldest = this.#slots[Math.floor(random() * this.#slots.length)]!
    for (let looked = 1; looked < sample; looked += 1) {
      const other = this.#slots[Math.floor(random() * this.#slots.length)]!
      if (this.heatOf(other) < this.heatOf(coldest)) coldest = other
    }
    return coldest
  }
}
