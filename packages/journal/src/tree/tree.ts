/** The live tree: the folder at its root, and what is loaded of it. */
import {
  describeNode,
  lookUp,
  readFolder,
  type FolderLink,
  type FolderMetadata,
  type GetBlock,
} from '@ipfs-kit/ipfs/unixfs'
import { JournalError } from '../errors.ts'
import { markedBy, type Marks } from '../marks/marks.ts'
import { type Names, parsePath, pathOf } from '../path.ts'
import { isMarkStep, type Step, type StepOf } from '../record.ts'
import { type Entry, Folder, type Leaf, unloaded } from './folder.ts'

/** So many entries that have not changed stay in memory. */
const maxKnown = 65_536

/** How far memory leads along a path. */
interface Walk {
  readonly entry: Entry | undefined
  /** Names of the path that lead to it. */
  readonly depth: number
  /** What has to be looked up before it can go on. */
  readonly missing: { readonly folder: Folder; readonly name: string } | undefined
}

/** What plans are made on: the live tree, or it as a transaction sees it. */
export interface TreeView {
  /** Attributes and mounts. */
  readonly marks: Marks | undefined
  /** Whether {@link at} can tell what is there. */
  isLoaded(names: Names): boolean
  /** Loads what {@link at} needs. By the time that the caller goes on others may have changed it: ask {@link isLoaded}. */
  load(names: Names): Promise<void>
  /** What is at a path that was loaded. @throws JournalError JOURNAL_NOT_A_FOLDER, JOURNAL_BLOCK_MISSING */
  at(names: Names): Entry | undefined
  /** Looks whether a folder has entries, for {@link Folder.hasEntries}. */
  lookInto(folder: Folder): Promise<void>
}

/** A tree of folders. Steps are done at once; what they need is loaded before. */
export class Tree implements TreeView {
  readonly root: Folder
  marks: Marks | undefined
  readonly #get: GetBlock
  readonly #loaded = new Set<Folder>()
  #known = 0

  constructor(base: FolderLink | undefined, get: GetBlock, marks?: Marks) {
    this.root = new Folder(base, undefined)
    this.marks = marks
    this.#get = get
  }

  /**
   * What is at a path; nothing if it, or a folder on the way, is not there.
   *
   * @throws JournalError JOURNAL_NOT_A_FOLDER, JOURNAL_BLOCK_MISSING
   */
  async find(names: Names): Promise<Entry | undefined> {
    while (!this.isLoaded(names)) await this.load(names)
    return this.at(names)
  }

  isLoaded(names: Names): boolean {
    return walk(this.root, names).missing === undefined
  }

  async load(names: Names): Promise<void> {
    await this.loadBelow(this.root, names)
  }

  at(names: Names): Entry | undefined {
    return entryAt(this.root, names)
  }

  /** Loads what {@link entryAt} needs for a path whose first names, so many, lead to an entry. */
  async loadBelow(from: Entry | undefined, names: Names, depth = 0): Promise<void> {
    for (;;) {
      const { missing } = walk(from, names, depth)
      if (missing === undefined) return
      await this.#lookUp(missing.folder, missing.name)
    }
  }

  /** Does a step whose paths are loaded, and were checked. */
  apply(step: Step, version: number): void {
    this.marks = markedBy(this.marks, step)
    switch (step.step) {
      case 'put': {
        this.set(parsePath(step.path), putBy(step), version)
        break
      }
      case 'mkdir':
        this.set(parsePath(step.path), madeBy(step), version)
        break
      case 'rm':
        this.set(parsePath(step.path), undefined, version)
        break
      case 'mv': {
        const from = parsePath(step.from)
        const entry = this.at(from)
        this.set(from, undefined, version)
        this.set(parsePath(step.to), entry, version)
        break
      }
      case 'cp': {
        const entry = this.at(parsePath(step.from))
        this.set(parsePath(step.to), entry instanceof Folder ? entry.copy(version) : entry, version)
        break
      }
    }
  }

  /** What will be gone from the tree by a step whose paths are loaded. */
  displacedBy(step: Step): Entry | undefined {
    if (isMarkStep(step)) return undefined
    return this.at(parsePath('to' in step ? step.to : step.path))
  }

  /** Sets what is at a path whose folder is loaded. */
  set(names: Names, entry: Entry | undefined, version: number): void {
    setBelow(this.root, names, 0, entry, version)
  }

  async #lookUp(folder: Folder, name: string): Promise<void> {
    const { base } = folder
    let entry: Entry | undefined
    try {
      const link = base === undefined ? undefined : await lookUp(base.cid, name, this.#get)
      entry = link === undefined ? undefined : await this.entryOf(link)
    } catch (error) {
      // Of a folder that was written anew meanwhile the old blocks may be gone.
      if (folder.base === base) throw error
    }
    // Meanwhile it was written anew, or somebody else has looked it up: then what is there counts.
    if (folder.base !== base || folder.peek(name) !== unloaded) return
    if (this.#known >= maxKnown) this.#forget()
    folder.known.set(name, entry)
    this.#loaded.add(folder)
    this.#known += 1
  }

  /** Looks whether a folder has entries, for {@link Folder.hasEntries}. */
  async lookInto(folder: Folder): Promise<void> {
    const { base, version } = folder
    let hasEntries = false
    if (base !== undefined) {
      try {
        for await (const { name } of readFolder(base.cid, this.#get)) {
          if (folder.changeOf(name) !== undefined) continue
          hasEntries = true
          break
        }
      } catch (error) {
        if (folder.base === base) throw error
      }
    }
    if (folder.base === base && folder.version === version) folder.seen = { version, hasEntries }
  }

  /** What a link of a folder leads to. */
  async entryOf(link: FolderLink): Promise<Entry> {
    const kind = await this.#kindOf(link)
    return kind === 'directory' ? new Folder(link, undefined) : { kind, ...link }
  }

  async #kindOf({ cid }: FolderLink): Promise<Leaf['kind'] | 'directory'> {
    try {
      return describeNode(cid, await this.#get(cid)).kind
    } catch (error) {
      // It can be moved and removed all the same; whoever reads it is told.
      if (error instanceof JournalError && error.code === 'JOURNAL_BLOCK_MISSING') return 'unknown'
      throw error
    }
  }

  /** How many entries are in memory: those that have changed, and those that were looked up. */
  entriesInMemory(): number {
    let entries = 0
    for (const { known } of this.#loaded) entries += known.size
    const open = [this.root]
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      for (const [, { entry }] of folder.changed()) {
        entries += 1
        if (entry instanceof Folder) open.push(entry)
      }
    }
    return entries
  }

  #forget(): void {
    for (const folder of this.#loaded) folder.known.clear()
    this.#loaded.clear()
    this.#known = 0
  }
}

/** How far memory leads from an entry, to which the first names of a path lead, so many. */
export function walk(from: Entry | undefined, names: Names, depth = 0): Walk {
  let entry = from
  for (let at = depth; at < names.length; at += 1) {
    if (!(entry instanceof Folder)) return { entry, depth: at, missing: undefined }
    const name = names[at]!
    const next: Entry | undefined | typeof unloaded = entry.peek(name)
    if (next === unloaded) return { entry, depth: at, missing: { folder: entry, name } }
    entry = next
  }
  return { entry, depth: names.length, missing: undefined }
}

/** What is at the end of a path that is loaded, from an entry to which its first names lead. @throws JournalError as `Tree.at` */
export function entryAt(from: Entry | undefined, names: Names, first = 0): Entry | undefined {
  const { entry, missing, depth } = walk(from, names, first)
  if (missing !== undefined) throw new TypeError(`${pathOf(names)} was not loaded`)
  if (entry === undefined || depth === names.length || entry instanceof Folder) return entry
  throw noFolder(names.slice(0, depth), entry)
}

/** Sets what is at a path, from a folder to which its first names lead; all on the way are noted as having changed below. */
export function setBelow(
  from: Folder,
  names: Names,
  first: number,
  entry: Entry | undefined,
  version: number,
): void {
  let folder = from
  for (let depth = first; depth < names.length - 1; depth += 1) {
    const name = names[depth]!
    const inner = folder.peek(name)
    if (inner === undefined || inner === unloaded) {
      throw new TypeError(`${pathOf(names)} has no folder that is loaded`)
    }
    if (!(inner instanceof Folder)) throw noFolder(names.slice(0, depth + 1), inner)
    folder.pass(name, inner)
    folder = inner
  }
  folder.set(names.at(-1)!, entry, version)
}

/** What comes to a path by a step. */
export function putBy({ kind, cid, dagBytes }: StepOf<'put'>): Entry {
  return kind === 'directory'
    ? new Folder({ cid, dagBytes }, undefined)
    : { kind: kind ?? 'file', cid, dagBytes }
}

/** The folder that a step makes. */
export function madeBy(step: StepOf<'mkdir'>): Folder {
  return new Folder(undefined, metadataOf(step))
}

/** Seconds come back from the log as whatever number they fit into. */
function metadataOf({ mode, mtime }: FolderMetadata): FolderMetadata {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(mtime === undefined ? {} : { mtime: { ...mtime, secs: BigInt(mtime.secs) } }),
  }
}

function noFolder(names: Names, { kind, cid }: Leaf): JournalError {
  return kind === 'unknown'
    ? new JournalError('JOURNAL_BLOCK_MISSING', `The block ${cid} at ${pathOf(names)} is not here`)
    : new JournalError('JOURNAL_NOT_A_FOLDER', `${pathOf(names)} is no folder`)
}
