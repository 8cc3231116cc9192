/**
 * A HAMT folder that is being changed: a trie of shards by the hashes of the names, of which those are in memory that were
 * come to. Its shape follows from its names alone: two names part at the first position where their hashes differ, and a shard
 * that is left with one entry gives it to the shard above it. So it does not matter in which order it came about.
 */
import type { CID } from 'multiformats/cid'
import { passingCidOf } from './block-links.ts'
import { hashBlock, passingCidOfNode } from './codecs.ts'
import { IpfsError } from './errors.ts'
import { nodeCid } from './file-layout.ts'
import type { GetBlock } from './file-reader.ts'
import { fanout, shardData, type FolderData } from './folder-data.ts'
import type { FolderLink } from './folder-link.ts'
import { type Entry, invalidHamt, openShard, type Part, type Shard as StoredShard } from './folder-node.ts'
import { hashBits, hashOfName } from './hamt-hash.ts'
import { HamtShard, type Slot } from './hamt-shard.ts'
import type { CidProfile } from './ipfs.ts'

/** The HAMT that is changed. */
export interface HamtBase {
  readonly cid: CID
  readonly shard: StoredShard
  readonly get: GetBlock
}

/** What an entry counts. */
export type SizeOf = (name: string, link: FolderLink) => number

/** Puts a block. Gives what to wait for before the next one, if there is anything. */
export type PutShard = (cid: CID, block: Uint8Array) => Promise<void> | undefined

/** A shard that was not read, where it is. */
interface Unread {
  readonly shard: HamtShard
  readonly position: number
  readonly slot: Part
  readonly depth: number
}

/** Bits of a position. */
export const positionBits = Math.log2(fanout)
const levels = hashBits / positionBits
/** A shard that is not the root has at least so many entries below it, or it would not be there. */
const leastEntries = 2

/** The entries of a folder. */
export class Hamt {
  readonly #base: HamtBase | undefined
  readonly #root: HamtShard

  /** Without a base it is empty. The base has the fanout of {@link positionBits}. */
  constructor(base?: HamtBase) {
    this.#base = base
    this.#root = new HamtShard(base?.shard, undefined)
  }

  /**
   * Sets an entry, or removes it, and reads the shards on the way to it.
   *
   * @param hash - of the name, if it is known
   * @returns what was there
   * @throws IpfsError what `get` throws; IPFS_INVALID_NODE when a part of the base is none, or the hashes of two names are equal
   */
  async set(name: string, link: FolderLink | undefined, hash?: Uint8Array): Promise<FolderLink | undefined> {
    hash ??= await hashOfName(name)
    // The shards on the way, the root first.
    const way = [this.#root]
    for (;;) {
      const shard = way.at(-1)!
      const position = hash[way.length - 1]!
      const slot = shard.at(position)
      if (slot instanceof HamtShard) way.push(slot)
      else if (isUnread(slot)) way.push(await this.#load(shard, position, slot, way.length))
      else if (slot === undefined || slot.name === name || link === undefined) {
        const before = slot?.name === name ? slot.link : undefined
        if (!isSame(before, link)) change(way, hash, link && { name, link })
        return before
      } else way.push(await this.#split(way, hash, slot))
    }
  }

  /**
   * Whether the entries count more. Reads shards, those near the root first, and no more than it takes to know. For one that
   * was not read it counts the least that may be in it.
   *
   * @param least - what an entry counts at least
   */
  async countsMoreThan(limit: number, sizeOf: SizeOf, least: number): Promise<boolean> {
    const unread: Unread[] = []
    let size = countAtLeast(this.#root, sizeOf, least, { depth: 1, unread })
    unread.sort((left, right) => left.depth - right.depth)
    // What is read adds its own parts at the end.
    for (const { shard, position, slot, depth } of unread) {
      if (size > limit) break
      const loaded = await this.#load(shard, position, slot, depth)
      size += countAtLeast(loaded, sizeOf, least, { depth: depth + 1, unread }) - leastEntries * least
    }
    return size > limit
  }

  /** What the entries count at least whose hashes begin with a byte. Reads nothing. Parameters are those of {@link countsMoreThan}. */
  countsAtLeast(position: number, sizeOf: SizeOf, least: number): number {
    const slot = this.#root.at(position)
    return slot instanceof HamtShard ? countAtLeast(slot, sizeOf, least) : 0
  }

  /** The entries in memory: all of them, where {@link countsMoreThan} has said no. */
  *entries(): Generator<readonly [name: string, link: FolderLink], void, undefined> {
    const open = [this.#root]
    for (let shard = open.pop(); shard !== undefined; shard = open.pop()) {
      for (const [, slot] of shard.slots()) {
        if (slot instanceof HamtShard) open.push(slot)
        else if (!isUnread(slot)) yield [slot.name, slot.link]
      }
    }
  }

  /** Puts the shards that have changed, and the root. Gives the link to it. */
  async store(data: FolderData, profile: CidProfile, put: PutShard): Promise<FolderLink> {
    await storeInner(this.#root, profile, put)
    const { block, dagBytes } = this.#root.encode((positions) => data.shard(positions))
    const cid = nodeCid(await hashBlock(block), profile)
    await put(cid, block)
    return { cid, dagBytes }
  }

  /** Puts the shards that have changed of the entries whose hashes begin with a byte, and forgets them: none of these changes any more. */
  async storeBelow(position: number, profile: CidProfile, put: PutShard): Promise<void> {
    const slot = this.#root.at(position)
    if (!(slot instanceof HamtShard)) return
    this.#root.set(position, { link: (slot.stored ??= await storeShard(slot, profile, put)) })
  }

  /** Puts a shard in the place of an entry that has the position of another name, and moves the entry there. */
  async #split(way: readonly HamtShard[], hash: Uint8Array, slot: Entry): Promise<HamtShard> {
    const own = await hashOfName(slot.name)
    const common = way.length
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
    const inner = new HamtShard(undefined, undefined)
    inner.set(own[common]!, slot)
    way.at(-1)!.set(hash[common - 1]!, inner)
    return inner
  }

  /** Reads the shard at a position of one that is so deep, the root being at 1. */
  async #load(shard: HamtShard, position: number, { link }: Part, depth: number): Promise<HamtShard> {
    // Only a base has shards that were not read.
    const { cid, get } = this.#base!
    if (depth === levels) throw invalidHamt(cid, link.cid)
    const loaded = new HamtShard(await openShard(cid, passingCidOf(link), positionBits, get), link)
    shard.set(position, loaded)
    return loaded
  }
}

/** Puts a shard, and those below it that have changed. */
async function storeShard(shard: HamtShard, profile: CidProfile, put: PutShard): Promise<FolderLink> {
  await storeInner(shard, profile, put)
  const { block, dagBytes } = shard.encode(shardData)
  const cid = passingCidOfNode(block, profile === 'unixfs-v0-2015' ? 0 : 1)
  const waiting = put(cid, block)
  if (waiting !== undefined) await waiting
  return { cid, dagBytes }
}

async function storeInner(shard: HamtShard, profile: CidProfile, put: PutShard): Promise<void> {
  for (const inner of shard.inner()) inner.stored ??= await storeShard(inner, profile, put)
}

/** What the entries below a shard count at least; `found` is told of the shards that were not read. */
function countAtLeast(
  shard: HamtShard,
  sizeOf: SizeOf,
  least: number,
  found?: { readonly depth: number; readonly unread: Unread[] },
): number {
  let size = 0
  for (const [position, slot] of shard.slots()) {
    if (slot instanceof HamtShard) {
      size += countAtLeast(slot, sizeOf, least, found && { ...found, depth: found.depth + 1 })
    } else if (isUnread(slot)) {
      size += leastEntries * least
      found?.unread.push({ shard, position, slot, depth: found.depth })
    } else size += sizeOf(slot.name, slot.link)
  }
  return size
}

/** Sets what is at the end of a way. A shard on it that has one entry left, or none, is no shard any more, but for the root. */
function change(way: readonly HamtShard[], hash: Uint8Array, entry: Entry | undefined): void {
  let slot: Slot | undefined = entry
  for (let depth = way.length - 1; depth >= 0; depth -= 1) {
    const shard = way[depth]!
    const position = hash[depth]!
    if (shard.at(position) !== slot) shard.set(position, slot)
    shard.stored = undefined
    slot = remainderOf(shard)
  }
}

/** What a shard is for the one above it. */
function remainderOf(shard: HamtShard): Slot | undefined {
  if (shard.size > 1) return shard
  const [last] = shard.slots()
  if (last === undefined) return undefined
  const [, slot] = last
  return slot instanceof HamtShard || isUnread(slot) ? shard : slot
}

function isUnread(slot: Entry | Part | undefined): slot is Part {
  return slot !== undefined && slot.name === undefined
}

function isSame(left: FolderLink | undefined, right: FolderLink | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  return left.dagBytes === right.dagBytes && left.cid.equals(right.cid)
}
