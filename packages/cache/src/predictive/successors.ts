/**
 * What came after a key the last times: one successor for each key, with a saturating counter of two bits as in branch
 * prediction. J. E. Smith, "A study of branch prediction strategies", ISCA 1981.
 */

/** Entries that a hash may be in. */
const ways = 4
/** Beside the confidence: asked for since the hand of its set came by. */
const recent = 0b100
const counter = 0b011
/** Characters of a key that is remembered at most, as many as keys of storage have bytes: otherwise keys decide on the memory. */
const longestKey = 1024
/** Of a successor that was seen once. */
const first = 1
const most = 3

/** A successor, and how often it was right: 0 to 3. */
export interface Successor {
  readonly key: string
  readonly confidence: number
}

/**
 * A table over hashes: each may be in one of four entries, so that finding takes constant time, and a full set gives up the
 * entry that was not asked for since its hand came by. Keys with equal hashes are one to it: that costs a wrong guess.
 */
export class Successors {
  readonly #sets: number
  readonly #hashes: Uint32Array
  /** The confidence of each, and whether it is recent. */
  readonly #states: Uint8Array
  readonly #keys: (string | undefined)[]
  readonly #hands: Uint8Array
  /** Entries in use. */
  size = 0

  constructor(maxKeys: number) {
    this.#sets = Math.floor(maxKeys / ways)
    this.#hashes = new Uint32Array(this.#sets * ways)
    this.#states = new Uint8Array(this.#sets * ways)
    this.#keys = Array.from({ length: this.#sets * ways })
    this.#hands = new Uint8Array(this.#sets)
  }

  /** What is expected after a key. */
  find(hash: number): Successor | undefined {
    const entry = this.#entryOf(hash)
    if (entry === none) return undefined
    return { key: this.#keys[entry]!, confidence: this.#states[entry]! & counter }
  }

  /** `key` came after the key with this hash. One that is too long to be remembered is no successor of any. */
  learn(hash: number, key: string): void {
    if (key.length > longestKey) return
    const entry = this.#entryOf(hash)
    if (entry === none) {
      this.#put(this.#room(hash), hash, key)
      return
    }
    const confidence = this.#states[entry]! & counter
    if (this.#keys[entry] === key) this.#states[entry] = recent | Math.min(confidence + 1, most)
    else if (confidence > 0) this.#states[entry] = recent | (confidence - 1)
    else this.#put(entry, hash, key)
  }

  #put(entry: number, hash: number, key: string): void {
    this.#hashes[entry] = hash
    this.#keys[entry] = key
    this.#states[entry] = first
  }

  #entryOf(hash: number): number {
    const from = this.#setOf(hash) * ways
    for (let entry = from; entry < from + ways; entry += 1) {
      if (this.#hashes[entry] === hash && this.#keys[entry] !== undefined) return entry
    }
    return none
  }

  /** A free entry of the set, or the one that the hand comes to first and that was not asked for lately. */
  #room(hash: number): number {
    const set = this.#setOf(hash)
    const from = set * ways
    for (let entry = from; entry < from + ways; entry += 1) {
      if (this.#keys[entry] !== undefined) continue
      this.size += 1
      return entry
    }
    for (;;) {
      const entry = from + this.#hands[set]!
      this.#hands[set] = (this.#hands[set]! + 1) % ways
      if ((this.#states[entry]! & recent) === 0) return entry
      this.#states[entry] = this.#states[entry]! & counter
    }
  }

  #setOf(hash: number): number {
    return Math.floor((hash / 2 ** 32) * this.#sets)
  }
}

const none = -1
