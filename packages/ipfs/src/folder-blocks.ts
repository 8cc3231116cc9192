/** The blocks of folders: a plain UnixFS folder is one dag-pb node, a large one a HAMT of them. */
import { DirSharded } from 'ipfs-unixfs-importer/utils'
import type { CID } from 'multiformats/cid'
import type { AddWrites } from './add-writes.ts'
import { hashBlock } from './codecs.ts'
import { nodeCid } from './file-layout.ts'
import type { FolderLinks } from './folder-links.ts'
import { linksOf, type Folder } from './folder-tree.ts'
import type { CidProfile } from './ipfs.ts'
import { plainFolder } from './plain-folder.ts'

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
    const { block, dagBytes } = plainFolder([...linksOf(folder)], this.#links)
    const cid = nodeCid(await hashBlock(block), this.#profile)
    return { cid, dagBytes, over: (await this.#writes.put(cid, block)).over }
  }

  async #sharded(folder: Folder): Promise<BuiltFolder> {
    const cidVersion = this.#profile === 'unixfs-v1-2025' ? 1 : 0
    const shape = { root: false, dir: true, path: '', dirty: true, flat: false }
    const hamt = new DirSharded(shape, { cidVersion })
    const links = this.#links
    for (const [name, link] of linksOf(folder)) {
      // Its CID becomes an object only when the node that links to it is written.
      await hamt.put(name, {
        get cid() {
          return links.cid(link)
        },
        get size() {
          return BigInt(links.size(link))
        },
      })
      await this.#pause()
    }
    const store = {
      put: async (cid: CID, block: Uint8Array): Promise<CID> => {
        await this.#writes.put(cid, block)
        await this.#pause()
        return cid
      },
    }
    let root: BuiltFolder | undefined
    for await (const { cid, size } of hamt.flush(store)) root = { cid, dagBytes: Number(size) }
    await this.#writes.stored()
    if (root === undefined) throw new TypeError('A HAMT folder came out without a root')
    return root
  }
}
