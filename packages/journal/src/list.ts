/** Lists a folder: what its block has and what has changed, merged in the order of the block. */
import { type GetBlock, orderOf, readFolder } from '@ipfs-kit/ipfs/unixfs'
import type { ListedEntry, ListPage } from './journal.ts'
import type { Names } from './path.ts'
import { noFolder, notFound } from './plan.ts'
import { type Entry, Folder } from './tree/folder.ts'
import type { Tree } from './tree/tree.ts'

/** The folder that was found at a path. @throws JournalError JOURNAL_NOT_FOUND, JOURNAL_NOT_A_FOLDER */
export function folderAt(names: Names, entry: Entry | undefined): Folder {
  if (entry === undefined) throw notFound(names)
  if (!(entry instanceof Folder)) throw noFolder(names)
  return entry
}

interface Placed {
  readonly name: string
  readonly key: Uint8Array
  readonly entry: () => Entry | Promise<Entry>
}

/** A page of a folder. Entries that come or go meanwhile may be in it or not. */
export async function listFolder(
  tree: Tree,
  folder: Folder,
  get: GetBlock,
  after: string | undefined,
  limit: number,
): Promise<ListPage> {
  for (;;) {
    const { base } = folder
    try {
      return await pageOf(tree, folder, get, after, limit)
    } catch (error) {
      // Of a folder that was written anew meanwhile the old blocks may be gone.
      if (folder.base === base) throw error
    }
  }
}

async function pageOf(
  tree: Tree,
  folder: Folder,
  get: GetBlock,
  after: string | undefined,
  limit: number,
): Promise<ListPage> {
  const { base } = folder
  // With the block, before anything waits: a checkpoint makes them a part of the next one.
  const changes = new Map([...folder.changed()].map(([name, { entry }]) => [name, entry]))
  const keyOf = await orderOf(base?.cid, get)
  const behind = after === undefined ? undefined : await keyOf(after)
  const changed: Placed[] = []
  for (const [name, entry] of changes) {
    if (entry === undefined) continue
    const key = await keyOf(name)
    if (behind === undefined || Buffer.compare(key, behind) > 0)
      changed.push({ name, key, entry: () => entry })
  }
  changed.sort((left, right) => Buffer.compare(left.key, right.key))

  async function* unchanged(): AsyncGenerator<Placed, void, undefined> {
    if (base === undefined) return
    for await (const { name, cid, size } of readFolder(base.cid, get, after === undefined ? {} : { after })) {
      if (changes.has(name)) continue
      // One that was looked up before may be in use by now: it is the same object.
      const known = folder.known.get(name)
      const entry = () => known ?? tree.entryOf({ cid, dagBytes: size })
      yield { name, key: await keyOf(name), entry }
    }
  }

  const entries: ListedEntry[] = []
  let isMore = false
  for await (const { name, entry } of merged(changed, unchanged())) {
    if (entries.length === limit) {
      isMore = true
      break
    }
    entries.push(listed(name, await entry()))
  }
  const last = entries.at(-1)
  return { entries, ...(isMore && last !== undefined ? { next: last.name } : {}) }
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

function listed(name: string, entry: Entry): ListedEntry {
  if (!(entry instanceof Folder)) return { name, kind: entry.kind, cid: entry.cid }
  return { name, kind: 'directory', ...(entry.isChanged ? {} : { cid: entry.base!.cid }) }
}
