/** What a walk has visited: CIDs by the tag of their multihash and their codec, in 11 to 21 bytes each. */
import { randomBytes } from 'node:crypto'
import type { CID } from 'multiformats/cid'
import { createTagger, seedBytes, type Tagger } from './tags.ts'
import { createWalkSet } from './walk-set.ts'

/** A set of CIDs. The version does not count. The codec does: the same bytes have other links under another one. */
export interface Visited {
  readonly size: number
  /** Bytes of memory that it takes. */
  readonly bytes: number
  /** Adds a CID. False if it was there. */
  add(cid: CID): boolean
  has(cid: CID): boolean
}

/**
 * An empty set. It holds 64 bits of a keyed hash of each CID, so one of n CIDs is taken for another with a probability of
 * n² / 2^65: 3 in 10^10 for 100,000.
 *
 * @param tagger - default: one with a random seed
 */
export function createVisited(tagger: Tagger = createTagger(randomBytes(seedBytes))): Visited {
  const set = createWalkSet()
  return {
    get size() {
      return set.size
    },
    get bytes() {
      return set.bytes
    },
    add(cid) {
      tagger.block(cid.multihash.bytes)
      return set.add(tagger.high, withCodec(tagger.low, cid.code))
    },
    has(cid) {
      tagger.block(cid.multihash.bytes)
      return set.has(tagger.high, withCodec(tagger.low, cid.code))
    },
  }
}

function withCodec(low: number, codec: number): number {
  return (low ^ Math.imul(codec, 0x9e37_79b1)) >>> 0
}
