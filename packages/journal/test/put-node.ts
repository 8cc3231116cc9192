/** Nodes as somebody else may make them. */
import { createHash } from 'node:crypto'
import type { Blocks } from '@ipfs-kit/blocks'
import { code as dagPbCode, encode, prepare, type PBLink } from '@ipld/dag-pb'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'

/** Stores a dag-pb node with these bytes as its data. */
export async function putNode(
  blocks: Blocks,
  data: readonly number[],
  links: readonly PBLink[] = [],
): Promise<CID> {
  const block = encode(prepare({ Data: Uint8Array.from(data), Links: [...links] }))
  const cid = CID.createV1(dagPbCode, createDigest(0x12, createHash('sha256').update(block).digest()))
  using lease = blocks.lease()
  await lease.put(cid, block)
  await lease.flush()
  return cid
}
