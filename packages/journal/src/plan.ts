/** What the calls do to the tree: checked against what is loaded, and told as steps. Nothing here waits, and nothing changes. */
import type { FolderLink, MetadataChange, UnixfsMetadata } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { JournalError } from './errors.ts'
import type { HeldDag } from './hold-dag.ts'
import { countBelow } from './marks/marks.ts'
import { checkMarks, checkMovable, checkRemovable, checkWritable } from './marks/plan-marks.ts'
import { isWithin, type Names, pathOf } from './path.ts'
import type { Step } from './record.ts'
import { type Entry, Folder } from './tree/folder.ts'
import type { TreeView } from './tree/tree.ts'

export function planMkdir(tree: TreeView, names: Names, metadata: UnixfsMetadata, parents: boolean): Step[] {
  const there = tree.at(names)
  if (there !== undefined) {
    if (parents && there instanceof Folder) return []
    throw exists(names)
  }
  checkWritable(tree, names)
  return [...planParents(tree, names, parents), { step: 'mkdir', path: pathOf(names), ...metadata }]
}

export function planWrite(
  tree: TreeView,
  names: Names,
  { cid, dagBytes }: FolderLink,
  parents: boolean,
): Step[] {
  const there = tree.at(names)
  // What nobody can tell, since its block is not here, may be mended so.
  if (there instanceof Folder || (there !== undefined && !['file', 'unknown'].includes(there.kind))) {
    throw noFile(names)
  }
  checkWritable(tree, names)
  return [...planParents(tree, names, parents), { step: 'put', path: pathOf(names), cid, dagBytes }]
}

export function planPut(tree: TreeView, names: Names, entry: HeldDag, parents: boolean): Step[] {
  if (tree.at(names) !== undefined) throw exists(names)
  checkWritable(tree, names)
  return [...planParents(tree, names, parents), { step: 'put', path: pathOf(names), ...entry }]
}

/** That of a folder; a file is another one then. */
export function planMetadata(tree: TreeView, names: Names, change: MetadataChange): Step[] {
  if (!(sourceOf(tree, names) instanceof Folder)) throw changedMeanwhile(names)
  checkWritable(tree, names)
  if (Object.keys(change).length === 0) return []
  return [{ step: 'meta', path: pathOf(names), ...change }]
}

/** What becomes of a file whose content was another one when the change of it began. */
export function planEdit(tree: TreeView, names: Names, before: CID, { cid, dagBytes }: FolderLink): Step[] {
  // A checkpoint may have made another object of it meanwhile: the CID tells.
  const now = tree.at(names)
  if (now === undefined || now instanceof Folder || !now.cid.equals(before)) throw changedMeanwhile(names)
  checkWritable(tree, names)
  return [{ step: 'put', path: pathOf(names), cid, dagBytes }]
}

/** A plan has to know whether a folder has entries. */
export class EntriesUnknown {
  readonly folder: Folder

  constructor(folder: Folder) {
    this.folder = folder
  }
}

/** @throws EntriesUnknown */
export function planRemove(tree: TreeView, names: Names, recursive: boolean): Step[] {
  if (names.length === 0) throw new JournalError('JOURNAL_INTO_ITSELF', 'The root cannot be removed')
  const there = tree.at(names)
  if (there === undefined) throw notFound(names)
  if (there instanceof Folder && !recursive && hasEntries(there)) throw notEmpty(names)
  checkRemovable(tree, names)
  return [{ step: 'rm', path: pathOf(names) }]
}

/** @throws EntriesUnknown */
export function planMove(tree: TreeView, from: Names, to: Names, parents: boolean): Step[] {
  const entry = sourceOf(tree, from)
  if (from.length === 0 || isWithin(to, from)) {
    if (from.length > 0 && to.length === from.length) return []
    throw new JournalError('JOURNAL_INTO_ITSELF', `${pathOf(from)} cannot be moved to ${pathOf(to)}`)
  }
  if (isWithin(from, to)) throw notEmpty(to)
  const there = tree.at(to)
  if (there instanceof Folder) {
    if (!(entry instanceof Folder)) throw exists(to)
    if (hasEntries(there)) throw notEmpty(to)
  } else if (there !== undefined && entry instanceof Folder) throw noFolder(to)
  checkMovable(tree, from)
  checkRemovable(tree, to)
  return [...planParents(tree, to, parents), { step: 'mv', from: pathOf(from), to: pathOf(to) }]
}

export function planCopy(tree: TreeView, from: Names, to: Names, parents: boolean): Step[] {
  sourceOf(tree, from)
  if (tree.at(to) !== undefined) throw exists(to)
  checkWritable(tree, to)
  checkMarks(tree, countBelow(tree.marks, from))
  return [...planParents(tree, to, parents), { step: 'cp', from: pathOf(from), to: pathOf(to) }]
}

/** The steps that make the folders that are missing on the way. */
export function planParents(tree: TreeView, names: Names, parents: boolean): Step[] {
  const steps: Step[] = []
  for (let depth = 1; depth < names.length; depth += 1) {
    const above = names.slice(0, depth)
    const there = steps.length > 0 ? undefined : tree.at(above)
    if (there instanceof Folder) continue
    if (there !== undefined) throw noFolder(above)
    if (!parents) throw notFound(above)
    steps.push({ step: 'mkdir', path: pathOf(above) })
  }
  return steps
}

function hasEntries(folder: Folder): boolean {
  const known = folder.hasEntries
  // oxlint-disable-next-line typescript/only-throw-error -- no failure: who made the plan looks, and makes it again
  if (known === undefined) throw new EntriesUnknown(folder)
  return known
}

function sourceOf(tree: TreeView, names: Names): Entry {
  const entry = tree.at(names)
  if (entry === undefined) throw notFound(names)
  return entry
}

export function notFound(names: Names): JournalError {
  return new JournalError('JOURNAL_NOT_FOUND', `There is nothing at ${pathOf(names)}`)
}

function changedMeanwhile(names: Names): JournalError {
  return new JournalError('JOURNAL_CONFLICT', `${pathOf(names)} has changed meanwhile`)
}

function exists(names: Names): JournalError {
  return new JournalError('JOURNAL_EXISTS', `There is something at ${pathOf(names)}`)
}

function notEmpty(names: Names): JournalError {
  return new JournalError('JOURNAL_NOT_EMPTY', `The folder ${pathOf(names)} is not empty`)
}

export function noFolder(names: Names): JournalError {
  return new JournalError('JOURNAL_NOT_A_FOLDER', `${pathOf(names)} is no folder`)
}

function noFile(names: Names): JournalError {
  return new JournalError('JOURNAL_NOT_A_FILE', `${pathOf(names)} is no file`)
}
