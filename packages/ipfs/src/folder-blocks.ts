/** The blocks of folders: a plain UnixFS folder is one dag-pb node, a large one a HAMT of them. */
import type { CID } from 'multiformats/cid'
import type { AddWrites } from './add-writes.ts'
import { hashBlock } from './codecs.ts'
import { nodeCid } from './file-layout.ts'
import { bareFolder, folderBlock } from './folder-block.ts'
import { FolderData } from './folder-data.ts'
import type { FolderLinks } from './folder-links.ts'
import { linksOf, type Folder } from './folder-tree.ts'
import { Hamt } from './hamt.ts'
import type { CidProfile } from './ipfs.ts'

/** A folder whose block may still be on its way. */
export interface BuiltFolder {
  readonly cid: CID
  /** Bytes of all its blocks. */
  readonly dagBytes: number
  /** Resolves when that is over; whether it was stored tell the writes. */
  readonly over?: Promise<void>
}

/** Stores folders of one add. */
export class FolderBlocks {
  readonly #profile: CidProfile
  readonly #links: FolderLinks
  readonly #writes: AddWrites
  readonly #pause: () => Promise<void> | undefined

  constructor(parts: {
    readonly profile: CidProfile
    readonly links: FolderLinks
    readonly writes: AddWrites
    /** Called between steps that do not wait. */
    readonly pause: () => Promise<void> | undefined
  }) {
    this.#profile = parts.profile
    this.#links = parts.links
    this.#writes = parts.writes
    this.#pause = parts.pause
  }

  /** Stores a folder whose entries are all there. */
  async store(folder: Folder): Promise<BuiltFolder> {
    if (folder.isSharded) return this.#sharded(folder)
    const { block, dagBytes } = folderBlock([...linksOf(folder)], this.#links, bareFolder)
    const cid = nodeCid(await hashBlock(block), this.#profile)
    return { cid, dagBytes, over: (await this.#writes.put(cid, block)).over }
  }

  async #sharded(folder: Folder): Promise<BuiltFolder> {
    const hamt = new Hamt()
    const links = this.#links
    for (const [name, link] of linksOf(folder)) {
      // Its CID becomes an object only when the shard that links to it is written.
      await hamt.set(name, {
        get cid() {
          return links.cid(link)
        },
        get dagBytes() {
          return links.size(link)
        },
      })
      await this.#pause()
    }
    const root = await hamt.store(new FolderData(undefined, {}), this.#profile, async (cid, block) => {
      await this.#writes.put(cid, block)
      await this.#pause()
    })
    await this.#writes.stored()
    return root
  }
}
