/** The hash functions and codecs that this node knows: verify a block, decode it, find its links. */
import { hash } from 'node:crypto'
import { digestOf, matches as matchesMultihash } from '@ipfs-kit/blocks'
import * as dagCbor from '@ipld/dag-cbor'
import * as dagJson from '@ipld/dag-json'
import * as dagPb from '@ipld/dag-pb'
import { createUnsafe } from 'multiformats/block'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create as createDigest, Digest } from 'multiformats/hashes/digest'
import { IpfsError } from './errors.ts'
import type { DagCodec } from './ipfs.ts'

interface Codec {
  readonly name: string
  readonly code: number
  encode(value: any): Uint8Array
  decode(bytes: Uint8Array): unknown
}

const codecs = new Map<number, Codec>([dagPb, raw, dagCbor, dagJson].map((codec) => [codec.code, codec]))
const codecsByName: Readonly<Record<DagCodec, Codec>> = {
  'dag-pb': dagPb,
  raw,
  'dag-cbor': dagCbor,
  'dag-json': dagJson,
}

const sha256 = 0x12
const sha512 = 0x13
const identity = 0x00

const sha256Bytes = 32
const digestHead = Uint8Array.of(sha256, sha256Bytes)
/** Of version 1. */
const cidHead = Uint8Array.of(1, dagPb.code)

/** Whether a CID holds its content itself (identity hash). */
export function isInline(cid: CID): boolean {
  return cid.multihash.code === identity
}

/** The sha2-256 multihash of a block. */
export async function hashBlock(bytes: Uint8Array): Promise<CID['multihash']> {
  return createDigest(sha256, await digestOf(bytes))
}

/** The same at once, on this thread: for blocks of files, which have 1 MiB at most. */
export function hashNow(bytes: Uint8Array): CID['multihash'] {
  return createDigest(sha256, hash('sha256', bytes, 'buffer'))
}

/**
 * The CID of a dag-pb block, hashed at once, for who stores the block and forgets the CID: its bytes are in memory that others have
 * their own in. That takes a third of the time.
 */
export function passingCidOfNode(block: Uint8Array, version: 0 | 1): CID {
  const from = version === 0 ? 0 : cidHead.length
  const bytes = Buffer.allocUnsafe(from + digestHead.length + sha256Bytes)
  if (version === 1) bytes.set(cidHead)
  bytes.set(digestHead, from)
  bytes.write(hash('sha256', block, 'binary'), from + digestHead.length, 'binary')
  return passingCid(bytes, version, dagPb.code)
}

/** A CID with a sha2-256 on bytes that are its own as long as they are not changed. */
export function passingCid(bytes: Uint8Array, version: 0 | 1, code: number): CID {
  const multihash = version === 0 ? bytes : bytes.subarray(cidHead.length)
  const digest = new Digest(sha256, sha256Bytes, multihash.subarray(digestHead.length), multihash)
  return new CID(version, code, digest, bytes)
}

/** The CID of a block under a codec: version 1, sha2-256. */
export async function cidOf(codec: DagCodec, bytes: Uint8Array): Promise<CID> {
  return CID.createV1(codecsByName[codec].code, await hashBlock(bytes))
}

/** @throws IpfsError IPFS_UNKNOWN_HASH for a CID whose bytes could not be verified */
export function checkHash(cid: CID): void {
  if ([identity, sha256, sha512].includes(cid.multihash.code)) return
  const code = cid.multihash.code.toString(16)
  throw new IpfsError('IPFS_UNKNOWN_HASH', `The hash function 0x${code} of ${cid} is not known here`)
}

/**
 * Whether bytes hash to the CID.
 *
 * @throws IpfsError IPFS_UNKNOWN_HASH
 */
export async function matches(cid: CID, bytes: Uint8Array): Promise<boolean> {
  checkHash(cid)
  return matchesMultihash(cid.multihash.bytes, bytes)
}

/**
 * The value that a block holds, in the IPLD data model.
 *
 * @throws IpfsError IPFS_UNKNOWN_CODEC, IPFS_INVALID_NODE
 */
export function decodeBlock(cid: CID, bytes: Uint8Array): unknown {
  const codec = codecOf(cid)
  try {
    return codec.decode(bytes)
  } catch (cause) {
    throw new IpfsError('IPFS_INVALID_NODE', `${cid} does not decode as ${codec.name}: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** The bytes of a value. @throws IpfsError IPFS_INVALID_NODE when the codec cannot hold it */
export function encodeValue(name: DagCodec, value: unknown): Uint8Array {
  try {
    return codecsByName[name].encode(value)
  } catch (cause) {
    throw new IpfsError('IPFS_INVALID_NODE', `The value cannot be encoded as ${name}: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** The value of bytes in a named codec. @throws IpfsError IPFS_INVALID_NODE */
export function decodeValue(name: DagCodec, bytes: Uint8Array): unknown {
  try {
    return codecsByName[name].decode(bytes)
  } catch (cause) {
    throw new IpfsError('IPFS_INVALID_NODE', `The bytes do not decode as ${name}: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** Whether a block of this CID cannot have links, so that it need not be read to be walked. */
export function isLeaf(cid: CID): boolean {
  return cid.code === raw.code
}

/**
 * The CIDs that a block links to, in the order of the block, repeated where they repeat.
 *
 * @throws IpfsError IPFS_UNKNOWN_CODEC, IPFS_INVALID_NODE
 */
export function linksOf(cid: CID, bytes: Uint8Array): CID[] {
  if (isLeaf(cid)) return []
  const value = decodeBlock(cid, bytes)
  if (cid.code === dagPb.code) return (value as dagPb.PBNode).Links.map((link) => link.Hash)
  try {
    const block = createUnsafe({ bytes, cid, value, codec: codecOf(cid) })
    return Array.from(block.links(), ([, link]) => link)
  } catch (cause) {
    throw new IpfsError('IPFS_INVALID_NODE', `The links of ${cid} cannot be read: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** The same, for those who can do without: none where they cannot be read. */
export function linksIfKnown(cid: CID, bytes: Uint8Array): CID[] {
  try {
    return linksOf(cid, bytes)
  } catch (error) {
    if (error instanceof IpfsError) return []
    throw error
  }
}

function codecOf(cid: CID): Codec {
  const codec = codecs.get(cid.code)
  if (codec === undefined) {
    throw new IpfsError(
      'IPFS_UNKNOWN_CODEC',
      `The codec 0x${cid.code.toString(16)} of ${cid} is not known here`,
    )
  }
  return codec
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
