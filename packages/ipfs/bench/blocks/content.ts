/** Random content, made before any clock starts. */
import { createCipheriv, hash, randomFillSync } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create as createDigest } from 'multiformats/hashes/digest'

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

/** A block that matches its CID. */
export interface Block {
  readonly cid: CID
  readonly bytes: Uint8Array
}

/** The CID of a raw block. */
export function cidOf(bytes: Uint8Array): CID {
  return CID.createV1(raw.code, createDigest(0x12, hash('sha256', bytes, 'buffer')))
}

/** Blocks of random bytes, each of its own. */
export function randomBlocks(count: number, size: number): readonly Block[] {
  const bytes = randomFillSync(new Uint8Array(count * size))
  return Array.from({ length: count }, (_, at) => blockOf(bytes.subarray(at * size, (at + 1) * size)))
}

/** Small blocks by their number: the same number is the same block in every process. */
export function numberedBlocks(size: number): (number: number) => Block {
  const template = Buffer.alloc(size)
  for (let at = 0; at < size; at += 1) template[at] = (at * 131 + 17) & 0xff
  return (number) => {
    const bytes = new Uint8Array(template)
    new DataView(bytes.buffer).setFloat64(0, number)
    return blockOf(bytes)
  }
}

/**
 * Bytes that look random to take pieces from, the same for the same seed. Every piece is a copy, as from a socket, and no two
 * aligned stretches of the stream of pieces are alike: each turn through the pool begins at another byte.
 */
export class Pool {
  readonly #bytes: Uint8Array
  #turn = 0
  #at = 0

  constructor(seed = 1) {
    const key = hash('sha256', `pool ${seed}`, 'buffer').subarray(0, 16)
    const bytes = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(64 * MiB))
    // Not a Buffer, whose `slice` copies nothing.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** The next `size` bytes; at most 1 MiB. */
  take(size: number): Uint8Array {
    if (this.#at + size > this.#bytes.length) {
      this.#turn += 1
      this.#at = (this.#turn * 97) % MiB
    }
    const piece = this.#bytes.slice(this.#at, this.#at + size)
    this.#at += size
    return piece
  }

  /** So many bytes in pieces. */
  async *stream(total: number, piece: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = total; left > 0; left -= piece) yield this.take(Math.min(left, piece))
  }
}

/** The numbers below `count` in an order that a seed decides. */
export function shuffled(count: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, at) => at)
  const random = randomBelow(seed)
  for (let at = count - 1; at > 0; at -= 1) {
    const other = random(at + 1)
    const value = order[at]!
    order[at] = order[other]!
    order[other] = value
  }
  return order
}

/** Whole numbers below a limit, from a seed (Marsaglia's xorshift32). */
export function randomBelow(seed: number): (limit: number) => number {
  let state = (seed * 2654435761 + 1) >>> 0 || 1
  return (limit) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % limit
  }
}

function blockOf(bytes: Uint8Array): Block {
  return { cid: cidOf(bytes), bytes }
}
