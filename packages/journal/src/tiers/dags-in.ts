/** What an entry of the tree is made of as it is now, and not as its blocks were written. */
import { type GetBlock, readFolder } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { storeFailure } from '../failure.ts'
import { type Entry, Folder } from '../tree/folder.ts'

/** A DAG, or of it only some blocks. */
export interface DagPart {
  readonly root: CID
  readonly within?: ReadonlySet<string>
}

/**
 * Yields the DAGs that an entry is made of. What has changed in a folder is in no block of it yet, and what its blocks have is there
 * no more: of such a folder those of its entries, and its shards. The entry must not change meanwhile.
 *
 * @throws JournalError JOURNAL_BLOCK_MISSING, JOURNAL_INVALID_DAG, JOURNAL_STORE_FAILED of a folder that has changed
 */
export async function* dagsIn(entry: Entry, get: GetBlock): AsyncGenerator<DagPart, void, undefined> {
  // By hand, not by recursion: folders may be nested deeper than calls may be.
  const open: Entry[] = [entry]
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    if (!(top instanceof Folder)) yield { root: top.cid }
    else if (!top.isChanged) yield { root: top.base!.cid }
    else {
      for (const [, { entry: inner }] of top.changed()) if (inner !== undefined) open.push(inner)
      yield* unchangedIn(top, get)
    }
  }
}

/** What the block of a folder has that is there still. */
async function* unchangedIn(folder: Folder, get: GetBlock): AsyncGenerator<DagPart, void, undefined> {
  const { base } = folder
  if (base === undefined) return
  const shards: CID[] = []
  const getShard: GetBlock = async (cid, signal) => {
    // The first one will be another when it is written.
    if (!cid.equals(base.cid)) shards.push(cid)
    return await get(cid, signal)
  }
  try {
    for await (const { name, cid } of readFolder(base.cid, getShard)) {
      if (folder.changeOf(name) === undefined) yield { root: cid }
    }
  } catch (cause) {
    throw storeFailure(cause, 'look through blocks')
  }
  for (const root of shards) yield { root, within: new Set([root.toString()]) }
}
