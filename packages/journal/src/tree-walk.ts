/** Looks through the blocks of a tree, each once: whether they are there, and are what they should be. */
import { createVisited } from '@ipfs-kit/blocks'
import { describeNode, type GetBlock, IpfsError, readFolder, walkDag } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { JournalError } from './errors.ts'
import { type Names, pathOf } from './path.ts'
import { Folder } from './tree/folder.ts'
import type { TreeDamage, TreeVerified } from './versions.ts'

/** What to look through. */
export interface TreeWalkOptions {
  readonly get: GetBlock
  /** Only what leads to files: of these no more than tells that they are no folders. */
  readonly isShallow?: boolean
  readonly onProgress?: ((progress: TreeVerified) => void) | undefined
}

/** Of a file so many leaves are read at once. */
const leavesAtOnce = 8

/** What a name leads to: a folder in memory, or a block that may be one. */
interface Item {
  readonly names: Names
  readonly entry: Folder | { readonly cid: CID }
}

/**
 * Yields what is missing or damaged, and returns what it has looked through. What lies below a missing folder is not known. Memory:
 * 11 to 21 bytes for each block, and of each folder on the way what is in one block.
 */
export async function* walkTree(
  root: Folder,
  options: TreeWalkOptions,
): AsyncGenerator<TreeDamage, TreeVerified, undefined> {
  const walk = new TreeWalk(options)
  // By hand, not by recursion: folders may be nested deeper than calls may be.
  const open = [walk.itemsIn([], root)]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { done, value: item } = await top.next()
    if (done === true) open.pop()
    else {
      const folder = await walk.visit(item)
      if (folder !== undefined) open.push(walk.itemsIn(item.names, folder))
    }
    yield* walk.takeDamages()
  }
  walk.tell()
  return walk.verified
}

class TreeWalk {
  readonly #options: TreeWalkOptions
  readonly #seen = createVisited()
  readonly #damaged = createVisited()
  readonly #sum = { files: 0, folders: 0, blocks: 0, bytes: 0, missing: 0, invalid: 0 }
  #damages: TreeDamage[] = []

  constructor(options: TreeWalkOptions) {
    this.#options = options
  }

  get verified(): TreeVerified {
    return Object.freeze({ ...this.#sum })
  }

  takeDamages(): readonly TreeDamage[] {
    const damages = this.#damages
    this.#damages = []
    return damages
  }

  /** What is in a folder, as far as it can be read. */
  async *itemsIn(names: Names, folder: Folder): AsyncGenerator<Item, void, undefined> {
    this.#sum.folders += 1
    this.tell()
    const changed = new Map(folder.changed())
    for (const [name, { entry }] of changed) {
      if (entry !== undefined) yield { names: [...names, name], entry }
    }
    const { base } = folder
    if (base === undefined) return
    const skip = (part: CID, error: unknown): boolean => this.#isDamage(names, part, error)
    const get = (cid: CID) => this.#bytesOf(cid)
    try {
      for await (const { name, cid } of readFolder(base.cid, get, { skip })) {
        if (!changed.has(name)) yield { names: [...names, name], entry: { cid } }
      }
    } catch (error) {
      if (!this.#isDamage(names, base.cid, error)) throw error
    }
  }

  /** Looks at what an item is; gives the folder that it is. */
  async visit({ names, entry }: Item): Promise<Folder | undefined> {
    if (entry instanceof Folder) return entry
    const { cid } = entry
    if (this.#seen.has(cid)) return undefined
    if (cid.code === raw.code && this.#options.isShallow === true) {
      this.#sum.files += 1
      return undefined
    }
    try {
      const bytes = await this.#bytesOf(cid)
      const { kind, dagBytes } = describeNode(cid, bytes)
      if (kind === 'directory') return new Folder({ cid, dagBytes }, undefined)
      this.#sum.files += 1
      if (this.#options.isShallow !== true) await this.#content(names, cid, bytes)
    } catch (error) {
      if (!this.#isDamage(names, cid, error)) throw error
    }
    this.tell()
    return undefined
  }

  /** All blocks of a file, or of another DAG, whose root was read. */
  async #content(names: Names, root: CID, rootBytes: Uint8Array): Promise<void> {
    const read = async (cid: CID): Promise<Uint8Array | undefined> => {
      if (cid.equals(root)) return rootBytes
      if (this.#seen.has(cid)) return undefined
      try {
        return await this.#bytesOf(cid)
      } catch (error) {
        if (this.#isDamage(names, cid, error)) return undefined
        throw error
      }
    }
    const check = async (leaves: readonly CID[]): Promise<void> => {
      for (let from = 0; from < leaves.length; from += leavesAtOnce) {
        await allOf(leaves.slice(from, from + leavesAtOnce).map((cid) => read(cid)))
        this.tell()
      }
    }
    for await (const _ of walkDag(root, { get: read, check }));
  }

  async #bytesOf(cid: CID): Promise<Uint8Array> {
    const bytes = await this.#options.get(cid)
    if (this.#seen.add(cid)) {
      this.#sum.blocks += 1
      this.#sum.bytes += bytes.byteLength
    }
    return bytes
  }

  /** Notes what is wrong with a block; false if something else is wrong. */
  #isDamage(names: Names, cid: CID, error: unknown): boolean {
    const isMissing = error instanceof JournalError && error.code === 'JOURNAL_BLOCK_MISSING'
    if (!isMissing && !(error instanceof IpfsError)) return false
    // Folders may have shards in common.
    if (!this.#damaged.add(cid)) return true
    const problem = isMissing ? 'missing' : 'invalid'
    this.#seen.add(cid)
    this.#sum[problem] += 1
    this.#damages.push({ path: pathOf(names), cid, problem })
    return true
  }

  tell(): void {
    this.#options.onProgress?.(this.verified)
  }
}

/** When all have ended; the first failure if there is one. */
async function allOf(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === 'rejected') throw outcome.reason
  }
}
