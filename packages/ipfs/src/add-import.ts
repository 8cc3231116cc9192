/** Stores entries: small files at once, larger ones side by side, streams one after the other, the folders at the end. */
import { createSemaphore, type Owner } from '@ipfs-kit/concurrency'
import { EntryReadError } from '@ipfs-kit/operations'
import type { Admitted, AdmittedFile, Intake } from './add-intake.ts'
import type { AddWrites } from './add-writes.ts'
import { Ahead } from './ahead.ts'
import type { BuiltFile, FileBlocks } from './file-blocks.ts'
import { FolderBlocks } from './folder-blocks.ts'
import { pathOf, type FolderTree } from './folder-tree.ts'
import type { AddedItem, CidProfile } from './ipfs.ts'
import { createPause } from './pause.ts'

/** What files are stored with. */
export interface ImportFilesParts {
  readonly intake: Intake
  readonly tree: FolderTree
  readonly files: FileBlocks
  readonly writes: AddWrites
  readonly signal: AbortSignal
  /** Aborts `signal`, when whoever asks leaves. */
  readonly over: AbortController
  /** Whose tasks the files are that are built ahead. */
  readonly owner: Owner
}

/** What folders are stored with. */
export interface ImportFoldersParts {
  readonly intake: Intake
  readonly tree: FolderTree
  readonly writes: AddWrites
  readonly profile: CidProfile
  /** One more folder around what is added. */
  readonly wrap: boolean
}

/** An entry that waits for its turn to be answered. Without `built` it is a folder, or a file that could not be read. */
interface Begun {
  readonly entry: Admitted
  readonly built?: BuiltFile
}

/** Items that are not answered yet. */
const itemsAhead = 64
/** Larger files that are cut and hashed at once: each has up to ten chunks in memory, and one alone can keep the threads busy. */
const largeFilesAtOnce = 8

/** Stores the files that the intake admits, each an item. The folders get to know them. */
export async function* importFiles(parts: ImportFilesParts): AsyncGenerator<AddedItem, void, undefined> {
  const { intake, tree, files, writes, signal, over, owner } = parts
  await using ahead = new Ahead<Begun>(owner, 'file of an add')
  const large = createSemaphore(largeFilesAtOnce, { name: 'large files of an add' })
  const pause = createPause()
  let whole = false
  try {
    for await (const entry of intake.admitted()) {
      if ('folder' in entry) ahead.add({ entry })
      else if (files.isSmall(entry.content)) ahead.add({ entry, built: await files.small(entry.content) })
      else ahead.begin(() => build(entry))
      // A sender of many files in one stream cannot give the next one before this one is read.
      const isStream = !('folder' in entry) && !(entry.content instanceof Uint8Array)
      const most = isStream ? 0 : itemsAhead - 1
      while (ahead.size > most) {
        const item = await next()
        if (item !== undefined) yield item
      }
      const turn = pause()
      if (turn !== undefined) await turn
    }
    while (ahead.size > 0) {
      const item = await next()
      if (item !== undefined) yield item
    }
    whole = true
  } finally {
    if (!whole) over.abort()
  }

  async function build(entry: AdmittedFile): Promise<Begun> {
    using _permit = await large.acquire()
    try {
      return { entry, built: await files.any(entry.content) }
    } catch (error) {
      if (!(error instanceof EntryReadError) || signal.aborted) throw error
      intake.fail(entry.path, error)
      return { entry }
    }
  }

  /** What the oldest entry is answered with. The tree gets to know the entries in the order in which they came. */
  async function next(): Promise<AddedItem | undefined> {
    const { entry, built } = await ahead.next()
    if ('folder' in entry) tree.give(entry.folder)
    if ('folder' in entry || built === undefined) return undefined
    await built.over
    writes.check()
    const { cid, bytes } = built.file
    tree.fill(entry.place, built.file)
    intake.count(bytes)
    return { path: entry.path, cid, bytes }
  }
}

/** Stores the folders, each an item after what is in it. The one around all others is there only if it is needed or asked for. */
export async function* importFolders(parts: ImportFoldersParts): AsyncGenerator<AddedItem, void, undefined> {
  const { profile, wrap, intake, tree, writes } = parts
  const pause = createPause()
  const folders = new FolderBlocks({ profile, links: tree.links, writes, pause })
  const { topLevel } = tree
  const isWrapped = topLevel > 1 || (topLevel === 1 && wrap)
  const begun: { readonly item: AddedItem; readonly over: Promise<void> | undefined }[] = []
  for (const folder of tree.innermostFirst()) {
    if (folder === tree.root && !isWrapped) break
    const { cid, dagBytes, over } = await folders.store(folder)
    begun.push({ item: { path: pathOf(folder), cid, bytes: folder.bytes }, over })
    tree.finish(folder, cid, dagBytes)
    if (begun.length === itemsAhead) yield await next()
    await pause()
  }
  while (begun.length > 0) yield await next()

  async function next(): Promise<AddedItem> {
    const { item, over } = begun.shift()!
    await over
    writes.check()
    // The one around all others was not asked for as an item.
    if (item.path !== '') intake.count(0)
    return item
  }
}
