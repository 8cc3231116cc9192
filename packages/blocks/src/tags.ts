/**
 * Tags: 64 bits of a keyed hash of a key, by which the index, the footers and the mark know it. Without the seed nobody
 * can find keys whose tags collide.
 *
 * The function is HalfSipHash-1-3 with 64 bits of output (Aumasson and Bernstein, https://github.com/veorq/SipHash,
 * halfsiphash.c), its initial state keyed with 128 bits in place of 64. Records start from another state than blocks.
 */

/** Bytes of a seed. */
export const seedBytes = 16

/** Computes tags. The fields hold the last tag, two unsigned 32-bit numbers: read them before the next call. */
export interface Tagger {
  readonly high: number
  readonly low: number
  /** The tag of a block. Key: its multihash. */
  block(key: Uint8Array): void
  /** The tag of a record. Key: UTF-8. */
  record(key: Uint8Array): void
}

/** A tagger with a secret seed. @throws RangeError unless the seed has 16 bytes */
export function createTagger(seed: Uint8Array): Tagger {
  if (seed.length !== seedBytes) throw new RangeError(`a seed has ${seedBytes} bytes, not ${seed.length}`)
  return new HalfSipTagger(seed)
}

const blockDomain = 0
const recordDomain = 0x7265_636f

class HalfSipTagger implements Tagger {
  high = 0
  low = 0
  /** The state to start from. An array, because 32-bit numbers in fields would be boxed. */
  readonly #start: Int32Array

  constructor(seed: Uint8Array) {
    const words = new DataView(seed.buffer, seed.byteOffset, seed.byteLength)
    this.#start = Int32Array.of(
      words.getInt32(0, true),
      words.getInt32(4, true) ^ 0xee,
      words.getInt32(8, true) ^ 0x6c79_6765,
      words.getInt32(12, true) ^ 0x7465_6462,
    )
  }

  block(key: Uint8Array): void {
    this.#hash(key, blockDomain)
  }

  record(key: Uint8Array): void {
    this.#hash(key, recordDomain)
  }

  /** One round for each word of the key, one for its tail and length, then three before each half of the tag. */
  #hash(key: Uint8Array, domain: number): void {
    const start = this.#start
    let v0 = start[0]!
    let v1 = start[1]!
    let v2 = start[2]! ^ domain
    let v3 = start[3]!
    let at = 0
    for (const end = key.length & ~3; at < end; at += 4) {
      const word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24)
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    let tail = key.length << 24
    for (let last = key.length - 1; last >= at; last--) tail |= key[last]! << ((last & 3) << 3)
    let high = 0
    v3 ^= tail
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= tail
    v2 ^= 0xee
    for (let round = 0; round < 6; round++) {
      if (round === 3) {
        high = v1 ^ v3
        v1 ^= 0xdd
      }
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    this.high = high >>> 0
    this.low = (v1 ^ v3) >>> 0
  }
}
