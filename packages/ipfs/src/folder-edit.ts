/** Changes entries of a UnixFS folder, plain or HAMT. What comes out depends on the entries alone, and not on how they came. */
import type { CID } from 'multiformats/cid'
import { entriesIn } from './block-links.ts'
import { hashBlock } from './codecs.ts'
import { checkNewName } from './content-path.ts'
import { IpfsError } from './errors.ts'
import { nodeCid } from './file-layout.ts'
import type { GetBlock } from './file-reader.ts'
import { folderBlock, linkObjects } from './folder-block.ts'
import { FolderData } from './folder-data.ts'
import type { FolderLink } from './folder-link.ts'
import { openFolder, type FolderNode } from './folder-node.ts'
import { readFolder } from './folder-reader.ts'
import { emptyFolderSize, linkSize, shardAboveBytes } from './folder-size.ts'
import { hashOfName } from './hamt-hash.ts'
import { Hamt, positionBits } from './hamt.ts'
import type { CidProfile } from './ipfs.ts'
import type { MetadataChange } from './metadata.ts'
import { createPause } from './pause.ts'
import { WriteBursts } from './write-bursts.ts'

/** What {@link editFolder} works with. */
export interface EditFolderOptions extends MetadataChange {
  readonly get: GetBlock
  /** Stores a block. Up to 256 run at once, in no order. */
  readonly put: (cid: CID, block: Uint8Array) => Promise<unknown>
  /** Called between entries that change in a HAMT, and between blocks that are written; what it gives is waited for. Default: nothing is. */
  readonly step?: () => Promise<void> | undefined
  /** Of the nodes that are written; those that are kept stay what they are. Also tells how large a plain folder can be. */
  readonly profile: CidProfile
}

/** The entries that change, by name. `undefined` removes; a name that is not there is not missed. */
export type FolderChanges = ReadonlyMap<string, FolderLink | undefined>

/** From so many on a HAMT is changed part by part. */
const manyChanges = 256

interface HashedChange {
  readonly name: string
  readonly link: FolderLink | undefined
  readonly hash: Uint8Array
}

/**
 * Gives the folder that a base becomes by changes. It has the CID that a folder gets that is built anew of all entries in the
 * same profile, mode and time: one whose entries are too many for a block of 256 KiB is a HAMT, any other a plain folder. (An
 * add does not count folders in folders for that, as the importer does not.)
 *
 * Of a HAMT it reads the shards on the way to the changes, and writes those that have changed. A base that is a HAMT is taken to
 * be too large for a plain folder: only when the changes make it smaller its size is looked at, by reading shards until it is
 * certainly too large: about a hundred at most unless it is near the limit, and all of them if it is below. A HAMT of another
 * fanout than 256 is read whole and built anew.
 *
 * @param base - CID of the folder; `undefined` is an empty one
 * @throws IpfsError what `get` and `put` throw; IPFS_NOT_A_DIRECTORY; IPFS_INVALID_PATH for a name that no entry can have;
 * IPFS_INVALID_NODE when a part of a HAMT is none, a folder has a name twice, or the hashes of two names in a HAMT are equal
 * @throws RangeError for metadata that UnixFS cannot hold
 */
export async function editFolder(
  base: CID | undefined,
  changes: FolderChanges,
  { get, put, step, profile, ...metadata }: EditFolderOptions,
): Promise<FolderLink> {
  for (const [name, link] of changes) if (link !== undefined) checkNewName(name)
  const node = base === undefined ? undefined : await openFolder(base, get)
  const data = new FolderData(node?.data, metadata)
  const writes = new WriteBursts()
  const pause = createPause()
  const turn = (): Promise<void> | undefined => step?.() ?? pause()
  const store = (cid: CID, block: Uint8Array): Promise<void> | undefined =>
    writes.add(() => put(cid, block)) ?? turn()
  const read: GetBlock = async (cid, signal) => {
    await pause()
    return get(cid, signal)
  }
  try {
    const edited = await edit()
    await writes.end()
    return edited
  } finally {
    await writes.settle()
  }

  async function edit(): Promise<FolderLink> {
    if (base === undefined || node?.shard?.bits !== positionBits) {
      const entries = base === undefined ? new Map<string, FolderLink>() : await entriesOf(base, node, get)
      for (const [name, link] of changes) {
        if (link === undefined) entries.delete(name)
        else entries.set(name, link)
      }
      return plainOrHamt(entries)
    }
    const { shard } = node
    const hamt = new Hamt({ cid: base, shard, get: read })
    const before = new FolderData(node.data, {})
    const limit = shardAboveBytes - emptySize(data)
    // An inline CID of nothing has 4 bytes.
    const least = linkSize(profile, 'a', 4, 0)
    let grown = emptySize(data) - emptySize(before)
    // What the entries count at least that change no more.
    let counted = 0
    for (const [position, those] of await byFirstPosition()) {
      for (const { name, link, hash } of those) {
        const replaced = await hamt.set(name, link, hash)
        grown += sizeOf(name, link) - sizeOf(name, replaced)
        const paused = turn()
        if (paused !== undefined) await paused
      }
      if (changes.size < manyChanges) continue
      // As soon as it is certain to stay a HAMT, what is done leaves memory.
      if (counted <= limit) counted += hamt.countsAtLeast(position, sizeOf, least)
      if (counted > limit) await hamt.storeBelow(position, profile, store)
    }
    if (counted > limit || grown >= 0 || (await hamt.countsMoreThan(limit, sizeOf, least)))
      return hamt.store(data, profile, store)
    return plain(unique(base, hamt.entries()))
  }

  /** The changes by the first bytes of the hashes of their names. */
  async function byFirstPosition(): Promise<Map<number, HashedChange[]>> {
    const byPosition = new Map<number, HashedChange[]>()
    for (const [name, link] of changes) {
      const hash = await hashOfName(name)
      const those = byPosition.get(hash[0]!)
      if (those === undefined) byPosition.set(hash[0]!, [{ name, link, hash }])
      else those.push({ name, link, hash })
      const paused = pause()
      if (paused !== undefined) await paused
    }
    return byPosition
  }

  async function plainOrHamt(entries: ReadonlyMap<string, FolderLink>): Promise<FolderLink> {
    let size = emptySize(data)
    for (const [name, link] of entries) size += sizeOf(name, link)
    if (size <= shardAboveBytes) return plain(entries)
    const hamt = new Hamt()
    for (const [name, link] of entries) {
      await hamt.set(name, link)
      await turn()
    }
    return hamt.store(data, profile, store)
  }

  async function plain(entries: ReadonlyMap<string, FolderLink>): Promise<FolderLink> {
    const { block, dagBytes } = folderBlock([...entries], linkObjects, data.plain())
    const cid = nodeCid(await hashBlock(block), profile)
    await store(cid, block)
    return { cid, dagBytes }
  }

  function sizeOf(name: string, link: FolderLink | undefined): number {
    return link === undefined ? 0 : linkSize(profile, name, link.cid.byteLength, link.dagBytes)
  }

  function emptySize(of: FolderData): number {
    return emptyFolderSize(profile, of.plain().length)
  }
}

async function entriesOf(
  cid: CID,
  folder: FolderNode | undefined,
  get: GetBlock,
): Promise<Map<string, FolderLink>> {
  if (folder?.shard === undefined) {
    return unique(cid, folder === undefined ? [] : entriesIn(folder.links))
  }
  const entries: (readonly [string, FolderLink])[] = []
  for await (const { name, cid: entry, size } of readFolder(cid, get))
    entries.push([name, { cid: entry, dagBytes: size }])
  return unique(cid, entries)
}

/** The entries by name. @throws IpfsError IPFS_INVALID_NODE when one would be lost */
function unique(cid: CID, entries: Iterable<readonly [string, FolderLink]>): Map<string, FolderLink> {
  const byName = new Map<string, FolderLink>()
  for (const [name, link] of entries) {
    if (byName.has(name)) {
      throw new IpfsError(
        'IPFS_INVALID_NODE',
        `The folder ${cid} has two entries named ${JSON.stringify(name)}`,
      )
    }
    byName.set(name, link)
  }
  return byName
}
