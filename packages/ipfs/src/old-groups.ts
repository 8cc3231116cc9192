/** The blocks of the old store, some at a time. */
import type { BlocksError } from '@ipfs-kit/blocks'
import type { CID } from 'multiformats/cid'
import { type OldBlocks, orLeft } from './old-blocks.ts'

/** Files that are read or removed at once. */
export const filesAtOnce = 8

/** Some blocks; a shard that was read to its end is named after its last ones. */
export interface OldGroup {
  readonly cids: readonly CID[]
  readonly endOf?: string
}

/** Goes over all shards. Files that a process left half written are removed. What the disk refuses is told to `left`. */
export async function* oldGroups(
  old: OldBlocks,
  isWanted: (cid: CID) => boolean = () => true,
  left: (error: BlocksError) => void = () => {},
): AsyncGenerator<OldGroup, void, undefined> {
  for (const shard of old.shards) {
    const found = await orLeft(() => old.shard(shard), left)
    if (found === undefined) continue
    for (const path of found.leftovers) await orLeft(() => old.removeFile(path), left)
    const cids = found.cids.filter(isWanted)
    for (let at = 0; at < cids.length; at += filesAtOnce) yield { cids: cids.slice(at, at + filesAtOnce) }
    yield { cids: [], endOf: shard }
  }
}
