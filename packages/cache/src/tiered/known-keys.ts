/** What is remembered of keys: how hot each is, and since when it is where. */
import { random } from '@ipfs-kit/concurrency'

/** How a value came into a tier. */
export interface Place {
  /**
   * `put`: by a put. `promoted`: by a read that found it further down. `demoted`: by a sweep that took it out further up.
   * `moved`: by a call that named the tier. `found`: it was there when it was first read.
   */
  readonly reason: 'put' | 'promoted' | 'demoted' | 'moved' | 'found'
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
  readonly table: KnownKeys
}

/** How many are looked at when one has to go. */
const sample = 8
/** Ticks in a half life: within one, heat loses a hundredth. */
const ticksInHalfLife = 64
/** Reads from memory between two looks at the clock, which costs as much as such a read. */
const readsBetweenLooks = 16

/** Bounded: for a new key the coldest of a few goes, as in Redis. */
export class KnownKeys {
  readonly halfLifeMs: number
  readonly now: () => number
  readonly #maxKeys: number
  readonly #decay: number
  readonly #byKey = new Map<string, KnownKey>()
  readonly #slots: KnownKey[] = []
  readonly #tickMs: number
  #tick = 0
  #readsUntilLook = 0

  constructor(options: {
    readonly maxKeys: number
    readonly halfLifeMs: number
    readonly now: () => number
  }) {
    this.#maxKeys = options.maxKeys
    this.halfLifeMs = options.halfLifeMs
    this.now = options.now
    this.#decay = -Math.LN2 / options.halfLifeMs
    this.#tickMs = options.halfLifeMs / ticksInHalfLife
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
    const made: KnownKey = {
      ...{ key, hits: 0, heat: 0, atMs: this.now(), places: [], slot: -1 },
      table: this,
    }
    this.#remember(made)
    return made
  }

  /** A read. */
  hit(known: KnownKey): void {
    this.warm(known)
    known.hits += 1
  }

  /** A read or a put. */
  warm(known: KnownKey): void {
    const time = this.now()
    this.#add(known, 1, time)
    // A clock that goes back takes no heat away, and none is lost until it is there again.
    known.atMs = time
  }

  /**
   * The tick of a read from memory, which is to cost next to nothing: the clock is looked at for one in 16 of them, and the
   * others are taken for as late as the last.
   */
  tick(): number {
    this.#readsUntilLook -= 1
    if (this.#readsUntilLook < 0) {
      this.#readsUntilLook = readsBetweenLooks - 1
      this.#tick = Math.floor(Math.max(0, this.now()) / this.#tickMs)
    }
    return this.#tick
  }

  /** Reads in a tick. An entry that was forgotten meanwhile is remembered again. */
  hitMany(known: KnownKey, reads: number, tick: number): void {
    this.#add(known, reads, tick * this.#tickMs)
    known.hits += reads
    if (known.slot === -1) this.#remember(known)
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

  /** A tier is empty. */
  unplaceAll(tier: number): void {
    for (const known of this.#slots) known.places[tier] = undefined
  }

  #add(known: KnownKey, count: number, time: number): void {
    const goneMs = time - known.atMs
    if (goneMs > 0) {
      known.heat *= Math.exp(goneMs * this.#decay)
      known.atMs = time
    }
    known.heat += count
  }

  #remember(known: KnownKey): void {
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
