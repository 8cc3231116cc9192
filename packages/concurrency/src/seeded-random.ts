/** A small seeded generator (xoshiro128**, seeded by splitmix32; Blackman and Vigna 2018). Not for secrets. */
export class SeededRandom {
  #a: number
  #b: number
  #c: number
  #d: number

  /** The same `seed` and `stream` give the same numbers. */
  constructor(seed: number, stream = 0) {
    // Seeds above 32 bits count in full: their upper half stirs the lower one.
    let state = (seed ^ Math.imul(Math.floor(seed / 2 ** 32) + stream, 0x9e3779b1)) | 0
    const next = () => {
      state = (state + 0x9e3779b9) | 0
      let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
      return (word ^ (word >>> 15)) >>> 0
    }
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next()
  }

  /** The next 32 bits. */
  next(): number {
    const word = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = rotate(this.#d, 11)
    return word
  }

  /** A whole number from 0 up to and without `bound`. */
  below(bound: number): number {
    return Math.floor((this.next() / 2 ** 32) * bound)
  }

  /** A number from 0 up to and without 1, with 53 random bits. */
  fraction(): number {
    return ((this.next() >>> 5) * 2 ** 26 + (this.next() >>> 6)) / 2 ** 53
  }
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}
