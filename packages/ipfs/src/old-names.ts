/** Names of files in the store of homes of format 1. */
import { base32upper } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { decode as decodeDigest } from 'multiformats/hashes/digest'

const blockName = /^B[A-Z2-7]+\.data$/
/** Bytes of a digest by the code of its function: those that can be verified. */
const digestBytes: Readonly<Record<number, number>> = { 0x12: 32, 0x13: 64 }

/** Whether a block has a hash with which older versions stored blocks. */
export function mayBeOld({ multihash: { code, digest } }: CID): boolean {
  return digestBytes[code] === digest.length
}

/** The name of the file of a block. */
export function nameOf(cid: CID): string {
  return `${base32upper.encoder.encode(cid.multihash.bytes)}.data`
}

/** The shard of a name. */
export function shardOf(name: string): string {
  return name.slice(-'xx.data'.length, -'.data'.length)
}

/** The CID of a block by the name of its file; `undefined` for a file that is none of ours. */
export function cidOf(shard: string, name: string): CID | undefined {
  if (!blockName.test(name) || shardOf(name) !== shard) return undefined
  try {
    const digest = decodeDigest(base32upper.decoder.decode(name.slice(0, -'.data'.length)))
    const cid = CID.createV1(raw.code, digest)
    return mayBeOld(cid) && nameOf(cid) === name ? cid : undefined
  } catch {
    return undefined
  }
}
