/** Blocks for tests. */
import { createHash } from 'node:crypto'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'

/** The version 1 raw CID of some bytes. */
export function cidOf(bytes: Uint8Array): CID {
  return CID.createV1(rawCode, create(0x12, createHash('sha256').update(bytes).digest()))
}

/** A block of a size whose bytes follow from a number. */
export function blockOf(number: number, size = 100): { readonly cid: CID; readonly bytes: Buffer } {
  const text = `block ${number} `
  const bytes = Buffer.from(
    text.repeat(Math.ceil(size / text.length) || 1).slice(0, Math.max(size, text.length)),
  )
  return { cid: cidOf(bytes), bytes }
}

/** The same block under its version 0 CID. */
export function v0Of({ multihash }: CID): CID {
  return CID.createV0(create(0x12, multihash.digest))
}
