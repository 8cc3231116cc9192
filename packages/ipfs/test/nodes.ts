/** Hand-made DAGs: nodes that no importer writes. */
import type { Ipfs } from '@ipfs-kit/ipfs'
import { encode, prepare, type PBLink } from '@ipld/dag-pb'
import { UnixFS, type UnixFSOptions } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { createHash } from 'node:crypto'

export interface NodeShape {
  readonly type?: NonNullable<UnixFSOptions['type']>
  readonly data?: Uint8Array
  readonly blockSizes?: readonly (number | bigint)[]
  readonly links?: readonly { readonly cid: CID; readonly name?: string; readonly size?: number }[]
  readonly fanout?: bigint
  readonly mtime?: { readonly secs: bigint }
  readonly mode?: number
}

/** The bytes of a UnixFS node as described, whether that makes sense or not. */
export function nodeBytes({
  type = 'file',
  data,
  blockSizes = [],
  links = [],
  fanout,
  mtime,
  mode,
}: NodeShape): Uint8Array {
  const unixfs = new UnixFS({
    type,
    ...(data === undefined ? {} : { data }),
    blockSizes: blockSizes.map(BigInt),
    ...(fanout === undefined ? {} : { fanout, hashType: 0x22n }),
    ...(mtime === undefined ? {} : { mtime }),
    ...(mode === undefined ? {} : { mode }),
  })
  const pbLinks = links.map(({ cid, name = '', size = 0 }): PBLink => ({
    Hash: cid,
    Name: name,
    Tsize: size,
  }))
  return encode(prepare({ Data: unixfs.marshal(), Links: pbLinks }))
}

/** Stores a UnixFS node as described. */
export async function putNode(ipfs: Ipfs, shape: NodeShape): Promise<CID> {
  return ipfs.blocks.put(nodeBytes(shape), { codec: 'dag-pb' })
}

/** A CID of sha2-256; of a block that is not stored unless its bytes are. */
export function cidOf(bytes: Uint8Array, codec = 0x55): CID {
  return CID.createV1(codec, create(0x12, createHash('sha256').update(bytes).digest()))
}

/** The CID of a block that is nowhere. */
export const absent = cidOf(new TextEncoder().encode('this block was never stored'))

/** A chain of so many nodes, each linking twice to the next, down to one leaf: 2^levels paths. */
export async function chainOfDoubleLinks(
  ipfs: Ipfs,
  levels: number,
  shape: (child: CID) => NodeShape,
  leaf: CID,
) {
  let cid = leaf
  for (let level = 0; level < levels; level += 1) cid = await putNode(ipfs, shape(cid))
  return cid
}
