/** Blocks for stores that are made to crash: leaves, and lists of links. */
import { hash } from 'node:crypto'
import { random } from '@ipfs-kit/concurrency'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'

const rawCode = 0x55
/** Codec of the interior blocks here: their payload is a list of CIDs. */
export const listCode = 0x300_001

/** A block of the world. */
export interface Block {
  /** {@link keyOf} its CID. */
  readonly key: string
  readonly cid: CID
  readonly bytes: Uint8Array
}

export function blockOf(bytes: Uint8Array, code = rawCode): Block {
  const cid = CID.createV1(code, createDigest(0x12, hash('sha256', bytes, 'buffer')))
  return { key: keyOf(cid), cid, bytes }
}

/** A block of a size, unlike those with other numbers if it has 4 bytes or more. */
export function numbered(number: number, size: number): Block {
  const bytes = Buffer.alloc(size, number & 255)
  if (size >= 4) bytes.writeUInt32LE(number, 0)
  return blockOf(bytes)
}

/** An interior block. Its first bytes make it unlike others with the same links. */
export function listOf(cids: readonly CID[], nonce: number): Block {
  const parts = cids.map((cid) => Buffer.concat([Buffer.from([cid.bytes.length]), cid.bytes]))
  return blockOf(Buffer.concat([Buffer.from([nonce & 255, nonce >> 8]), ...parts]), listCode)
}

export function linksOf(_cid: CID, bytes: Uint8Array): CID[] {
  const cids: CID[] = []
  for (let at = 2; at < bytes.length; at += 1 + bytes[at]!) {
    cids.push(CID.decode(bytes.subarray(at + 1, at + 1 + bytes[at]!)))
  }
  return cids
}

/** A whole number below a limit, by the seed of the run. */
export function whole(limit: number): number {
  return Math.floor(random() * limit)
}

/** By which blocks are one for the store: the multihash. */
export function keyOf(cid: CID): string {
  const { buffer, byteOffset, byteLength } = cid.multihash.bytes
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}
