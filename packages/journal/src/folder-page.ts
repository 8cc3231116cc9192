/** A page of one folder: what its block has and what has changed, merged in the order of the block. */
import { type FolderOrder, type GetBlock, keyOf, orderOf, readFolder } from '@ipfs-kit/ipfs/unixfs'
import { storeFailure } from './failure.ts'
import type { Names } from './path.ts'
import { noFolder, notFound } from './plan.ts'
import { type Entry, Folder } from './tree/folder.ts'
import { isUnknown, type Tree } from './tree/tree.ts'

/**
 * Where a list of a folder goes on: behind a name in each order that it was read in. What is behind both is to come, in whatever
 * order the folder is by then: so nothing is missed, and nothing comes twice, when a plain folder becomes a HAMT or the other way
 * round.
 */
export type Behind = { readonly [Order in FolderOrder]?: string }

/** What a page of a folder begins with, and ends with. */
export interface PageRange {
  readonly behind: Behind
  /** Entries at most. */
  readonly limit: number
}

/** Some entries of a folder. */
export interface FolderPage {
  readonly entries: readonly { readonly name: string; readonly entry: Entry }[]
  readonly order: FolderOrder
  /** Whether others follow. */
  readonly isMore: boolean
}

/** The folder that was found at a path. @throws JournalError JOURNAL_NOT_FOUND, JOURNAL_NOT_A_FOLDER */
export function folderAt(names: Names, entry: Entry | undefined): Folder {
  if (entry === undefined) throw notFound(names)
  if (!(entry instanceof Folder)) throw noFolder(names)
  return entry
}

/** A page of a folder. Entries that come or go meanwhile may be in it or not. @throws JournalError */
export async function pageOfFolder(
  tree: Tree,
  folder: Folder,
  range: PageRange,
  { get, signal }: { readonly get: GetBlock; readonly signal: AbortSignal | undefined },
): Promise<FolderPage> {
  for (;;) {
    const { base } = folder
    try {
      return await pageOf(tree, folder, range, (cid) => get(cid, signal), signal)
    } catch (cause) {
      signal?.throwIfAborted()
      // Of a folder that was written anew meanwhile the old blocks may be gone.
      if (folder.base === base) throw storeFailure(cause, 'list a folder')
    }
  }
}

interface Placed {
  readonly name: string
  readonly key: Uint8Array
  readonly entry: () => Entry | Promise<Entry>
}

const noKey = new Uint8Array()

async function pageOf(
  tree: Tree,
  folder: Folder,
  { behind, limit }: PageRange,
  get: GetBlock,
  signal: AbortSignal | undefined,
): Promise<FolderPage> {
  const { base } = folder
  // With the block, before anything waits: a checkpoint makes them a part of the next one.
  const changes = new Map([...folder.changed()].map(([name, { entry }]) => [name, entry]))
  const order = await orderOf(base?.cid, get)
  const isBehind = await behindTest(behind)
  const changed: Placed[] = []
  for (const [name, entry] of changes) {
    if (entry === undefined || !(await isBehind(name))) continue
    const known = () => (isUnknown(entry) ? tree.entryOf(entry, signal) : entry)
    changed.push({ name, key: await keyOf(name, order), entry: known })
  }

  // Hashes cost more than all else: what is read begins behind the last one, and is in their order.
  const isTested = order === 'names' || behind.names !== undefined
  const isMerged = order === 'names' || changed.length > 0

  async function* unchanged(): AsyncGenerator<Placed, void, undefined> {
    if (base === undefined) return
    const after = order === 'hashes' ? behind.hashes : undefined
    for await (const { name, cid, size } of readFolder(base.cid, get, after === undefined ? {} : { after })) {
      if (changes.has(name) || (isTested && !(await isBehind(name)))) continue
      // One that was looked up before may be in use by now: it is the same object.
      const known = folder.known.get(name)
      const isKnown = known !== undefined && !isUnknown(known)
      const entry = () => (isKnown ? known : tree.entryOf({ cid, dagBytes: size }, signal))
      yield { name, key: isMerged ? await keyOf(name, order) : noKey, entry }
    }
  }

  let placed: AsyncIterable<Placed> | Iterable<Placed>
  if (order === 'hashes') placed = merged(inOrder(changed), unchanged())
  else {
    // They are in one block, and in that of somebody else's folder in any order.
    for await (const one of unchanged()) changed.push(one)
    placed = inOrder(changed)
  }
  const entries: { readonly name: string; readonly entry: Entry }[] = []
  for await (const { name, entry } of placed) {
    if (entries.length === limit) return { entries, order, isMore: true }
    entries.push({ name, entry: await entry() })
  }
  return { entries, order, isMore: false }
}

/** Tells of a name whether it is behind another one, in each order in which there is one. */
async function behindTest(behind: Behind): Promise<(name: string) => Promise<boolean>> {
  const bounds: { readonly order: FolderOrder; readonly key: Uint8Array }[] = []
  for (const order of ['names', 'hashes'] as const) {
    const name = behind[order]
    if (name !== undefined) bounds.push({ order, key: await keyOf(name, order) })
  }
  return async (name) => {
    for (const { order, key } of bounds) if (Buffer.compare(await keyOf(name, order), key) <= 0) return false
    return true
  }
}

function inOrder(placed: readonly Placed[]): Placed[] {
  return placed.toSorted((left, right) => Buffer.compare(left.key, right.key))
}

/** Two lists in one order as one. */
async function* merged(
  left: readonly Placed[],
  right: AsyncIterator<Placed, void>,
): AsyncGenerator<Placed, void, undefined> {
  let at = 0
  let next = await right.next()
  while (at < left.length || next.done !== true) {
    const first = left[at]
    if (first !== undefined && (next.done === true || Buffer.compare(first.key, next.value.key) < 0)) {
      at += 1
      yield first
    } else if (next.done !== true) {
      yield next.value
      next = await right.next()
    }
  }
}
