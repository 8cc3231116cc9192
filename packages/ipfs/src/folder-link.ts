/** What a folder says of one of its entries. */
import type { CID } from 'multiformats/cid'

/** A link of a folder. */
export interface FolderLink {
  readonly cid: CID
  /** Bytes of all blocks of its DAG as the link states them (Tsize); 0 where it does not. Only the word of who wrote it. */
  readonly dagBytes: number
}

/** A link as an object of its own, which can be kept without the block that it comes from. */
export function ownLink({ cid, dagBytes }: FolderLink): FolderLink {
  return { cid, dagBytes }
}
