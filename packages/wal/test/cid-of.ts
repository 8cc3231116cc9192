/** CIDs for tests. */
import { createHash } from 'node:crypto'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'

/** The CID of a text as a raw block. */
export function cidOf(text: string): string {
  return CID.createV1(0x55, create(0x12, createHash('sha256').update(text).digest())).toString()
}
