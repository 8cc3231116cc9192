/** Where a name lies in a HAMT folder: its hash tells the position in each shard on the way. */
import { murmur364 } from '@multiformats/murmur3'

/** Bits of a hash. A HAMT that is deeper than they reach cannot be read by others, nor by us. */
export const hashBits = 64

/** murmur3-x64-64 of a name, its most significant byte first. */
export async function hashOfName(name: string): Promise<Uint8Array> {
  // The hash is made before anybody else can use the same memory.
  const isShort = name.length * 3 <= scratch.length
  return await murmur364.encode(isShort ? scratch.subarray(0, scratch.write(name)) : Buffer.from(name))
}

/** For the bytes of names: memory of its own for each would cost as much as the hash. */
const scratch = Buffer.alloc(1024)

/** The position in the shard at a depth, the root being at 0, when that many bits of the hash are one position. */
export function positionAt(hash: Uint8Array, depth: number, bits: number): number {
  let position = 0
  for (let bit = depth * bits; bit < (depth + 1) * bits; bit += 1) {
    position = position * 2 + ((hash[bit >> 3]! >> (7 - (bit & 7))) & 1)
  }
  return position
}
