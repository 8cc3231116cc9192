/** Writes what has changed of a tree as blocks. */
import { editFolder, type CidProfile, type FolderLink, type GetBlock } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import type { Marks } from './marks/marks.ts'
import { writeMarks } from './marks/marks-blocks.ts'
import type { TreeBlocks } from './open-journal.ts'
import type { KeptTree } from './record.ts'
import type { TreeReader } from './tree-blocks.ts'
import { Folder, type FrozenFolder } from './tree/folder.ts'

/** Where blocks come from and go to. */
interface CheckpointBlocks {
  readonly get: GetBlock
  readonly put: (cid: CID, bytes: Uint8Array) => Promise<unknown>
  readonly step: () => Promise<void> | undefined
  readonly profile: CidProfile
}

/** What was written of a folder. */
interface Written {
  readonly folder: Folder
  readonly link: FolderLink
}

/** Folders that were written, the innermost first. */
export type WrittenFolders = readonly Written[]

/** A tree that was written. */
export interface WrittenTree {
  readonly kept: Pick<KeptTree, 'root' | 'dagBytes' | 'marks'>
  readonly written: WrittenFolders
}

/**
 * Writes what was set aside of a tree, and its attributes and mounts, so that it survives a power loss.
 *
 * @param writtenMarks - the attributes and mounts, if they were written already
 * @param step - as `editFolder` takes it
 * @param onPut - is told each block that is written
 */
export async function writeCheckpoint(
  root: Folder,
  marks: Marks | undefined,
  {
    blocks,
    reader,
    profile,
    writtenMarks,
    step,
    onPut,
  }: {
    readonly blocks: TreeBlocks
    readonly reader: TreeReader
    readonly profile: CidProfile
    readonly writtenMarks: { readonly cid: CID | undefined } | undefined
    readonly step: () => Promise<void> | undefined
    readonly onPut: ((cid: CID) => void) | undefined
  },
): Promise<WrittenTree> {
  using lease = blocks.lease({ name: 'checkpoint of a journal' })
  const put = (cid: CID, bytes: Uint8Array) => {
    onPut?.(cid)
    reader.keep(cid, bytes)
    return lease.put(cid, bytes, { verify: 'on-read' })
  }
  const { root: link, written } = await writeFrozen(root, { get: reader.get, put, step, profile })
  const marksCid = writtenMarks === undefined ? await writeMarks(marks, put) : writtenMarks.cid
  await lease.flush()
  const { cid, dagBytes } = link
  return { kept: { root: cid, dagBytes, ...(marksCid !== undefined && { marks: marksCid }) }, written }
}

/** Writes what was set aside below a folder, and gives its root and all that was written. */
async function writeFrozen(
  root: Folder,
  blocks: CheckpointBlocks,
): Promise<{ readonly root: FolderLink; readonly written: WrittenFolders }> {
  const written: Written[] = []
  const links = new Map<Folder, FolderLink>()
  // By hand, not by recursion: folders may be nested deeper than calls may be.
  const open = [{ folder: root, frozen: root.frozen, inner: foldersIn(root.frozen) }]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { done, value: inner } = top.inner.next()
    if (done !== true) {
      open.push({ folder: inner, frozen: inner.frozen, inner: foldersIn(inner.frozen) })
      continue
    }
    open.pop()
    const link = await writeFolder(top.folder, top.frozen, links, blocks)
    links.set(top.folder, link)
    if (top.frozen !== undefined) written.push({ folder: top.folder, link })
  }
  return { root: links.get(root)!, written }
}

function* foldersIn(frozen: FrozenFolder | undefined): Generator<Folder, void, undefined> {
  for (const { entry } of frozen?.changes.values() ?? []) if (entry instanceof Folder) yield entry
}

async function writeFolder(
  { base }: Folder,
  frozen: FrozenFolder | undefined,
  links: ReadonlyMap<Folder, FolderLink>,
  blocks: CheckpointBlocks,
): Promise<FolderLink> {
  // A folder that has not changed was written before, or it would have been set aside.
  if (frozen === undefined) return base!
  const changes = new Map<string, FolderLink | undefined>()
  for (const [name, { entry }] of frozen.changes) {
    changes.set(name, entry instanceof Folder ? links.get(entry)! : entry)
  }
  return await editFolder(base?.cid, changes, { ...blocks, ...frozen.metadata })
}
