/** What blocks of a tree link to. */
import { code as dagPbCode, decode } from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'

export function linksOf(cid: CID, bytes: Uint8Array): CID[] {
  return cid.code === dagPbCode ? decode(bytes).Links.map(({ Hash }) => Hash) : []
}
