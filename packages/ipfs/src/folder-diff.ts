/** Finds what two UnixFS folders, plain or HAMT, have different. */
import type { CID } from 'multiformats/cid'
import { entriesIn } from './block-links.ts'
import type { GetBlock } from './file-reader.ts'
import { type FolderLink, ownLink } from './folder-link.ts'
import { lookUp } from './folder-lookup.ts'
import {
  type Entry,
  invalidHamt,
  openFolder,
  openShard,
  type FolderNode,
  type Part,
  type Shard,
} from './folder-node.ts'
import { readFolder } from './folder-reader.ts'
import { hashOfName, positionAt } from './hamt-hash.ts'

/** An entry that only one of two folders has, or that is another one in each. */
export interface FolderDifference {
  readonly name: string
  readonly before?: FolderLink
  readonly after?: FolderLink
}

/**
 * Yields the entries that differ, in no order that can be relied on. Of two HAMTs shards that are the same are not read. Memory: a
 * plain folder, or the links of one shard of each at each level, and the CID of each shard that was read.
 *
 * @param before - CID of a folder; `undefined` is an empty one; so for `after`
 * @throws IpfsError what `get` throws; IPFS_NOT_A_DIRECTORY; IPFS_INVALID_NODE when a part of a HAMT is none, or appears twice
 */
export async function* diffFolders(
  before: CID | undefined,
  after: CID | undefined,
  get: GetBlock,
): AsyncGenerator<FolderDifference, void, undefined> {
  if (before?.equals(after)) return
  const left = before && { cid: before, ...(await openFolder(before, get)) }
  const right = after && { cid: after, ...(await openFolder(after, get)) }
  if (left?.shard === undefined) yield* diffPlain(left, right, get)
  else if (right?.shard === undefined) {
    for await (const one of diffPlain(right, left, get)) yield difference(one.name, one.after, one.before)
  } else if (left.shard.bits === right.shard.bits) yield* diffHamts(part(left), part(right), get)
  else yield* diffByName(left.cid, right.cid, get)
}

/** A folder that was opened. */
interface OpenedFolder extends FolderNode {
  readonly cid: CID
}

function difference(
  name: string,
  before: FolderLink | undefined,
  after: FolderLink | undefined,
): FolderDifference {
  return {
    name,
    ...(before === undefined ? {} : { before: ownLink(before) }),
    ...(after === undefined ? {} : { after: ownLink(after) }),
  }
}

/** From a plain folder to any. */
async function* diffPlain(
  before: OpenedFolder | undefined,
  after: OpenedFolder | undefined,
  get: GetBlock,
): AsyncGenerator<FolderDifference, void, undefined> {
  const gone = new Map(before === undefined ? [] : entriesIn(before.links))
  if (after !== undefined) {
    for await (const { name, cid, size } of readFolder(after.cid, get)) {
      const link = gone.get(name)
      gone.delete(name)
      if (!cid.equals(link?.cid)) yield difference(name, link, { cid, dagBytes: size })
    }
  }
  for (const [name, link] of gone) yield difference(name, link, undefined)
}

/** HAMTs whose shards have not the same width. */
async function* diffByName(
  before: CID,
  after: CID,
  get: GetBlock,
): AsyncGenerator<FolderDifference, void, undefined> {
  for await (const { name, cid, size } of readFolder(before, get)) {
    const now = await lookUp(after, name, get)
    if (!cid.equals(now?.cid)) yield difference(name, { cid, dagBytes: size }, now)
  }
  for await (const { name, cid, size } of readFolder(after, get)) {
    const was = await lookUp(before, name, get)
    if (was === undefined) yield difference(name, undefined, { cid, dagBytes: size })
  }
}

/** What lies at one position: an entry, or a shard with more of them; absent where the position is free. */
type Content = Entry | Part | undefined

/** One of two HAMTs. */
interface Hamt {
  readonly cid: CID
  readonly shard: Shard
  /** The place of a name follows from its hash, so that no part can be in two places. */
  readonly parts: Set<string>
}

function part({ cid, shard }: OpenedFolder): Hamt {
  return { cid, shard: shard!, parts: new Set([cid.toString()]) }
}

async function* diffHamts(
  before: Hamt,
  after: Hamt,
  get: GetBlock,
): AsyncGenerator<FolderDifference, void, undefined> {
  const open = pairs(contentsOf(before.shard), contentsOf(after.shard), 1)
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const { left, right, depth } = pair
    if (left?.link.cid.equals(right?.link.cid) && left.name === right?.name) continue
    if (isShard(left) || isShard(right)) {
      const inner = await below(before, left, depth, get)
      open.push(...pairs(inner, await below(after, right, depth, get), depth + 1))
    } else if (left?.name === right?.name) yield difference(left!.name!, left!.link, right!.link)
    else {
      if (left !== undefined) yield difference(left.name!, left.link, undefined)
      if (right !== undefined) yield difference(right.name!, undefined, right.link)
    }
  }
}

interface Pair {
  readonly left: Content
  readonly right: Content
  /** Of the shards below. */
  readonly depth: number
}

type Contents = ReadonlyMap<number, Content>

/** The last first, as a stack wants them. */
function pairs(left: Contents, right: Contents, depth: number): Pair[] {
  const positions = [...new Set([...left.keys(), ...right.keys()])].toSorted((one, other) => other - one)
  return positions.map((position) => ({ left: left.get(position), right: right.get(position), depth }))
}

function isShard(content: Content): boolean {
  return content !== undefined && content.name === undefined
}

/** What lies below, if it is a shard; an entry as if it were in one by itself. */
async function below(hamt: Hamt, content: Content, depth: number, get: GetBlock): Promise<Contents> {
  const { cid: root, parts } = hamt
  const { bits, levels } = hamt.shard
  if (content === undefined) return new Map()
  if (depth === levels) throw invalidHamt(root, content.link.cid)
  if (content.name !== undefined) {
    return new Map([[positionAt(await hashOfName(content.name), depth, bits), content]])
  }
  const { cid } = content.link
  if (parts.has(cid.toString())) throw invalidHamt(root, cid)
  parts.add(cid.toString())
  return contentsOf(await openShard(root, cid, bits, get))
}

function contentsOf(shard: Shard): Contents {
  const contents = new Map<number, Content>()
  for (const slot of shard.slots()) contents.set(slot.position, slot)
  return contents
}
