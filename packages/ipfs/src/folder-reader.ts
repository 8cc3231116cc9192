/** Reads the entries of a UnixFS folder, plain or HAMT; the exporter follows a HAMT that lies about its parts without end. */
import type { CID } from 'multiformats/cid'
import type { BlockLinks } from './block-links.ts'
import type { GetBlock } from './file-reader.ts'
import { invalidHamt, openFolder, openShard, type Shard, type Slot } from './folder-node.ts'
import { hashOfName, positionAt } from './hamt-hash.ts'
import type { DirectoryEntry } from './ipfs.ts'

/** Options of {@link readFolder}. */
export interface ReadFolderOptions {
  /**
   * Begins behind the entry of this name, which need not be there any more: its place in the order tells. A folder that was
   * plain and has become a HAMT since, or the other way round, has another order. Default: begins with the first entry.
   */
  readonly after?: string
  /** Is told of a part of a HAMT that cannot be read, and why: true passes it by with all that is below. Default: the reading fails. */
  readonly skip?: (part: CID, error: unknown) => boolean
}

/**
 * Yields the entries in the order of the DAG: of a plain folder that of its block, which is by the bytes of the names; of a HAMT
 * that of the hashes of the names. A HAMT's shards are read as they are come to, those before `after` not at all. Memory: the
 * links of one block at each level of a HAMT, and the CID of each of its parts that was read.
 *
 * @throws IpfsError what `get` throws; IPFS_NOT_A_DIRECTORY; IPFS_INVALID_NODE when a part of a HAMT is none, appears twice,
 * or has a link that has no place
 */
export async function* readFolder(
  root: CID,
  get: GetBlock,
  { after, skip = () => false }: ReadFolderOptions = {},
): AsyncGenerator<DirectoryEntry, void, undefined> {
  const { links, shard } = await openFolder(root, get)
  if (shard === undefined) {
    for (const at of after === undefined ? numbersFrom(links, 0) : numbersBehind(links, after)) {
      const { cid, dagBytes } = links.link(at)
      yield { name: links.name(at), cid, size: dagBytes }
    }
    return
  }
  const behind = after === undefined ? undefined : await hashOfName(after)
  const parts = new Set([root.toString()])
  const open = [{ slots: slotsFrom(shard, 0, behind), path: behind }]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { value: slot, done } = top.slots.next()
    if (done === true) {
      open.pop()
      continue
    }
    const depth = open.length - 1
    // Only what has the position of the name to begin behind can lie before it.
    const path =
      top.path !== undefined && positionAt(top.path, depth, shard.bits) === slot.position
        ? top.path
        : undefined
    const { cid, dagBytes } = slot.link
    if (slot.name !== undefined) {
      if (path !== undefined && Buffer.compare(await hashOfName(slot.name), path) <= 0) continue
      yield { name: slot.name, cid, size: dagBytes }
      continue
    }
    // The place of a name follows from its hash, so that a part cannot be in two places; one that is could be a bomb.
    if (parts.has(cid.toString()) || open.length === shard.levels) throw invalidHamt(root, cid)
    parts.add(cid.toString())
    let inner: Shard
    try {
      inner = await openShard(root, cid, shard.bits, get)
    } catch (error) {
      if (skip(cid, error)) continue
      throw error
    }
    open.push({ slots: slotsFrom(inner, open.length, path), path })
  }
}

function slotsFrom(shard: Shard, depth: number, path: Uint8Array | undefined): Iterator<Slot, undefined> {
  return shard.slots(path === undefined ? 0 : positionAt(path, depth, shard.bits))
}

function* numbersFrom({ count }: BlockLinks, first: number): Generator<number, void, undefined> {
  for (let at = first; at < count; at += 1) yield at
}

function* numbersBehind(links: BlockLinks, after: string): Generator<number, void, undefined> {
  const found = links.find(after)
  if (found !== -1) return yield* numbersFrom(links, found + 1)
  const bytes = Buffer.from(after)
  for (const at of numbersFrom(links, 0)) if (Buffer.compare(Buffer.from(links.name(at)), bytes) > 0) yield at
}
