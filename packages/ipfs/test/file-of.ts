/** Files of one byte. */
import type { CidProfile, FolderLink } from '@ipfs-kit/ipfs/unixfs'
import { hashNow } from '../src/codecs.ts'
import { leafOf, leafPart } from '../src/file-layout.ts'

/** The link to a file of one byte. */
export function fileOf(byte: number, profile: CidProfile): FolderLink {
  const leaf = leafOf(Uint8Array.of(byte), profile)
  return leafPart(leaf, hashNow(leaf.block), profile)
}
