/**
 * A HAMT folder that is being changed: a trie of shards by the hashes of the names, of which those are in memory that were
 * come to. Its shape follows from its names alone: two names part at the first position where their hashes differ, and a shard
 * that is left with one entry gives it to the shard above it. So it does not matter in which order it came about.
 */
import type { CID } from 'multiformats/cid'
import { hashNow } from './codecs.ts'
import { IpfsError } from './errors.ts'
import { nodeCid } from './file-layout.ts'
import type { GetBlock } from './file-reader.ts'
import { folderBlock, linkObjects } from './folder-block.ts'
import { fanout, shardData, type FolderData } from './folder-data.ts'
import type { FolderLink } from './folder-link.ts'
import { invalidHamt, openShard, type Shard as StoredShard } from './folder-node.ts'
import { hashBits, hashOfName } from './hamt-hash.ts'
import type { CidProfile } from './ipfs.ts'

/** An entry, at the first position that it shares with no other. */
interface Entry {
  readonly name: string
  readonly link: FolderLink
}

/** A shard that was not read. */
interface Unread {
  readonly part: FolderLink
}

/** A shard in memory. */
interface Shard {
  readonly slots: Map<number, Entry | Unread | Shard>
  /** What leads to it as long as nothing in it has changed. The root has none: it is always written. */
  stored: FolderLink | undefined
}

/** The HAMT that is changed. */
export interface HamtBase {
  readonly cid: CID
  readonly shard: StoredShard
  readonly get: GetBlock
}

/** What the label of a link begins with, by its position. */
const prefixes = Array.from({ length: fanout }, (_, at) => at.toString(16).toUpperCase().padStart(2, '0'))

/** What an entry counts. */
export type SizeOf = (name: string, link: FolderLink) => number

/** Bits of a position. */
export const positionBits = Math.log2(fanout)
const levels = hashBits / positionBits
/** A shard that is not the root has at least so many entries below it, or it would not be there. */
const leastEntries = 2

/** The entries of a folder. */
export class Hamt {
  readonly #base: HamtBase | undefined
  readonly #root: Shard

  /** Without a base it is empty. The base has the fanout of {@link positionBits}. */
  constructor(base?: HamtBase) {
    this.#base = base
    this.#root =
      base === undefined ? { slots: new Map(), stored: undefined } : inMemory(base.shard, undefined)
  }

  /**
   * Sets an entry, or removes it, and reads the shards on the way to it.
   *
   * @returns what was there
   * @throws IpfsError what `get` throws; IPFS_INVALID_NODE when a part of the base is none, or the hashes of two names are equal
   */
  async set(name: string, link: FolderLink | undefined): Promise<FolderLink | undefined> {
    return this.#set(this.#root, 0, await hashOfName(name), name, link)
  }

  /**
   * Whether the entries count more. Reads shards, those near the root first, and no more than it takes to know. For one that
   * was not read it counts the least that may be in it.
   *
   * @param least - what an entry counts at least
   */
  async countsMoreThan(limit: number, sizeOf: SizeOf, least: number): Promise<boolean> {
    let size = 0
    const unread: { readonly shard: Shard; readonly position: number; readonly depth: number }[] = []
    const count = (shard: Shard, depth: number): void => {
      for (const [position, slot] of shard.slots) {
        if ('slots' in slot) count(slot, depth + 1)
        else if ('part' in slot) {
          size += leastEntries * least
          unread.push({ shard, position, depth })
        } else size += sizeOf(slot.name, slot.link)
      }
    }
    count(this.#root, 0)
    unread.sort((left, right) => left.depth - right.depth)
    // What is read adds its own parts at the end.
    for (const { shard, position, depth } of unread) {
      if (size > limit) break
      size -= leastEntries * least
      count(await this.#load(shard, position, shard.slots.get(position) as Unread, depth), depth + 1)
    }
    return size > limit
  }

  /** The entries in memory: all of them, where {@link countsMoreThan} has said no. */
  *entries(): Generator<readonly [name: string, link: FolderLink], void, undefined> {
    const open = [this.#root]
    for (let shard = open.pop(); shard !== undefined; shard = open.pop()) {
      for (const slot of shard.slots.values()) {
        if ('slots' in slot) open.push(slot)
        else if ('name' in slot) yield [slot.name, slot.link]
      }
    }
  }

  /** Puts the shards that have changed, and the root. Gives the link to it. */
  async store(
    data: FolderData,
    profile: CidProfile,
    put: (cid: CID, block: Uint8Array) => Promise<unknown>,
  ): Promise<FolderLink> {
    const storeShard = async (shard: Shard): Promise<FolderLink> => {
      if (shard.stored !== undefined) return shard.stored
      const positions = Uint16Array.from(shard.slots.keys()).sort()
      const named: [string, FolderLink][] = []
      for (const position of positions) {
        const slot = shard.slots.get(position)!
        const prefix = prefixes[position]!
        if ('slots' in slot) named.push([prefix, await storeShard(slot)])
        else named.push('part' in slot ? [prefix, slot.part] : [prefix + slot.name, slot.link])
      }
      const unixfs = shard === this.#root ? data.shard(positions) : shardData(positions)
      const { block, dagBytes } = folderBlock(named, linkObjects, unixfs)
      const cid = nodeCid(hashNow(block), profile)
      await put(cid, block)
      return { cid, dagBytes }
    }
    return storeShard(this.#root)
  }

  async #set(
    shard: Shard,
    depth: number,
    hash: Uint8Array,
    name: string,
    link: FolderLink | undefined,
  ): Promise<FolderLink | undefined> {
    const position = hash[depth]!
    const found = shard.slots.get(position)
    const slot =
      found !== undefined && 'part' in found ? await this.#load(shard, position, found, depth) : found
    if (slot !== undefined && 'slots' in slot) {
      const before = await this.#set(slot, depth + 1, hash, name, link)
      if (slot.stored === undefined) changed(shard, position, slot)
      return before
    }
    if (slot === undefined || slot.name === name) {
      if (isSame(slot?.link, link)) return link
      if (link === undefined) shard.slots.delete(position)
      else shard.slots.set(position, { name, link })
      shard.stored = undefined
      return slot?.link
    }
    if (link === undefined) return undefined
    const inner: Shard = { slots: new Map([[await this.#next(slot, depth, hash), slot]]), stored: undefined }
    shard.slots.set(position, inner)
    shard.stored = undefined
    return this.#set(inner, depth + 1, hash, name, link)
  }

  /** The position one level deeper of an entry that is where a name shall go. */
  async #next(slot: Entry, depth: number, hash: Uint8Array): Promise<number> {
    const own = await hashOfName(slot.name)
    const common = depth + 1
    if (Buffer.compare(own.subarray(0, common), hash.subarray(0, common)) !== 0) {
      throw new IpfsError(
        'IPFS_INVALID_NODE',
        `The HAMT folder ${this.#base?.cid} has ${JSON.stringify(slot.name)} where it does not belong`,
      )
    }
    if (common === levels) {
      throw new IpfsError(
        'IPFS_INVALID_NODE',
        `A HAMT folder cannot hold ${JSON.stringify(slot.name)} and another name with the same hash`,
      )
    }
    return own[common]!
  }

  async #load(shard: Shard, position: number, { part }: Unread, depth: number): Promise<Shard> {
    // Only a base has shards that were not read.
    const { cid, get } = this.#base!
    if (depth + 1 === levels) throw invalidHamt(cid, part.cid)
    const loaded = inMemory(await openShard(cid, part.cid, positionBits, get), part)
    shard.slots.set(position, loaded)
    return loaded
  }
}

function inMemory(shard: StoredShard, stored: FolderLink | undefined): Shard {
  const slots: Shard['slots'] = new Map()
  for (const { position, name, link } of shard.slots())
    slots.set(position, name === undefined ? { part: link } : { name, link })
  return { slots, stored }
}

/** Notes that a shard has changed, in the one above it. What has one entry left, or none, is no shard any more. */
function changed(parent: Shard, position: number, shard: Shard): void {
  parent.stored = undefined
  if (shard.slots.size > 1) return
  const [last] = shard.slots.values()
  if (last === undefined) parent.slots.delete(position)
  else if ('name' in last) parent.slots.set(position, last)
}

function isSame(left: FolderLink | undefined, right: FolderLink | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  return left.dagBytes === right.dagBytes && left.cid.equals(right.cid)
}
