/** The live tree: the folder at its root, and what is loaded of it. */
import {
  describeNode,
  IpfsError,
  lookUp,
  readFolder,
  type FolderLink,
  type MetadataChange,
  type GetBlock,
} from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { JournalError } from '../errors.ts'
import { markedBy, type Marks } from '../marks/marks.ts'
import { type Names, namesOf, pathOf } from '../path.ts'
import { storeFailure } from '../failure.ts'
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
  load(names: Names, signal: AbortSignal | undefined): Promise<void>
  /** What is at a path that is loaded, or on the way to it, and is `unknown`. */
  unknownAt(names: Names): Leaf | undefined
  /** Looks whether the block of that is there by now. */
  lookAgain(names: Names, signal: AbortSignal | undefined): Promise<void>
  /** What is at a path that was loaded. @throws JournalError JOURNAL_NOT_A_FOLDER, JOURNAL_BLOCK_MISSING */
  at(names: Names): Entry | undefined
  /** Looks whether a folder has entries, for {@link Folder.hasEntries}. */
  lookInto(folder: Folder, signal: AbortSignal | undefined): Promise<void>
}

/** A tree of folders. Steps are done at once; what they need is loaded before. */
export class Tree implements TreeView {
  root: Folder
  marks: Marks | undefined
  readonly get: GetBlock
  readonly #loaded = new Set<Folder>()
  #known = 0

  constructor(base: FolderLink | Folder | undefined, get: GetBlock, marks?: Marks) {
    this.root = base instanceof Folder ? base : new Folder(base, undefined)
    this.marks = marks
    this.get = get
  }

  /**
   * What is at a path; nothing if it, or a folder on the way, is not there.
   *
   * @throws JournalError JOURNAL_NOT_A_FOLDER, JOURNAL_BLOCK_MISSING
   */
  async find(names: Names, signal?: AbortSignal): Promise<Entry | undefined> {
    while (!this.isLoaded(names)) await this.load(names, signal)
    return this.at(names)
  }

  isLoaded(names: Names): boolean {
    return walk(this.root, names).missing === undefined
  }

  async load(names: Names, signal?: AbortSignal): Promise<void> {
    await this.loadBelow(this.root, names, 0, signal)
  }

  unknownAt(names: Names): Leaf | undefined {
    return unknownBelow(this.root, names)?.leaf
  }

  async lookAgain(names: Names, signal: AbortSignal | undefined): Promise<void> {
    await this.lookAgainBelow(this.root, names, 0, signal)
  }

  at(names: Names): Entry | undefined {
    return entryAt(this.root, names)
  }

  /** Loads what {@link entryAt} needs for a path whose first names, so many, lead to an entry. */
  async loadBelow(
    from: Entry | undefined,
    names: Names,
    depth: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (;;) {
      const { missing } = walk(from, names, depth)
      if (missing === undefined) return
      await this.#lookUp(missing.folder, missing.name, signal)
    }
  }

  /** Looks again for the block of what {@link unknownBelow} finds. */
  async lookAgainBelow(
    from: Entry | undefined,
    names: Names,
    depth: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const found = unknownBelow(from, names, depth)
    if (found === undefined) return
    const { folder, name, leaf } = found
    const entry = await this.entryOf(leaf, signal)
    if (!isUnknown(entry)) folder.resolve(name, leaf, entry)
  }

  /** Does a step whose paths are loaded, and were checked. */
  apply(step: Step, version: number): void {
    this.marks = markedBy(this.marks, step)
    switch (step.step) {
      case 'put':
        this.set(namesOf(step.path), putBy(step), version)
        break
      case 'mkdir':
        this.set(namesOf(step.path), madeBy(step), version)
        break
      case 'meta':
        this.setMetadata(namesOf(step.path), metadataOf(step))
        break
      case 'rm':
        this.set(namesOf(step.path), undefined, version)
        break
      case 'mv': {
        const from = namesOf(step.from)
        const entry = this.at(from)
        this.set(from, undefined, version)
        this.set(namesOf(step.to), entry, version)
        break
      }
      case 'cp': {
        const entry = this.at(namesOf(step.from))
        this.set(namesOf(step.to), entry instanceof Folder ? entry.copy(version) : entry, version)
        break
      }
    }
  }

  /** What will be gone from the tree by a step whose paths are loaded. */
  displacedBy(step: Step): Entry | undefined {
    if (step.step === 'meta' || isMarkStep(step)) return undefined
    return this.at(namesOf('to' in step ? step.to : step.path))
  }

  /** Sets what is at a path whose folder is loaded. The root is always a folder. */
  set(names: Names, entry: Entry | undefined, version: number): void {
    if (names.length > 0) setBelow(this.root, names, 0, entry, version)
    else this.root = entry instanceof Folder ? entry : new Folder(undefined, undefined)
  }

  /** Sets metadata of a folder that is loaded. */
  setMetadata(names: Names, change: MetadataChange): void {
    setMetadataBelow(this.root, names, 0, change)
  }

  async #lookUp(folder: Folder, name: string, signal: AbortSignal | undefined): Promise<void> {
    const { base } = folder
    let entry: Entry | undefined
    try {
      const link = base === undefined ? undefined : await lookUp(base.cid, name, this.#under(signal))
      entry = link === undefined ? undefined : await this.entryOf(link, signal)
    } catch (cause) {
      signal?.throwIfAborted()
      // Of a folder that was written anew meanwhile the old blocks may be gone.
      if (folder.base === base) throw storeFailure(cause, `look up ${JSON.stringify(name)}`)
    }
    // Meanwhile it was written anew, or somebody else has looked it up: then what is there counts.
    if (folder.base !== base || folder.peek(name) !== unloaded) return
    if (this.#known >= maxKnown) this.#forget()
    folder.known.set(name, entry)
    this.#loaded.add(folder)
    this.#known += 1
  }

  /** Looks whether a folder has entries, for {@link Folder.hasEntries}. */
  async lookInto(folder: Folder, signal: AbortSignal | undefined): Promise<void> {
    const { base, version } = folder
    let hasEntries = false
    if (base !== undefined) {
      try {
        for await (const { name } of readFolder(base.cid, this.#under(signal))) {
          if (folder.changeOf(name) !== undefined) continue
          hasEntries = true
          break
        }
      } catch (cause) {
        signal?.throwIfAborted()
        if (folder.base === base) throw storeFailure(cause, 'look into a folder')
      }
    }
    if (folder.base === base && folder.version === version) folder.seen = { version, hasEntries }
  }

  /** What a link of a folder leads to. */
  async entryOf({ cid, dagBytes }: FolderLink, signal: AbortSignal | undefined): Promise<Entry> {
    const kind = await this.#kindOf(cid, signal)
    return kind === 'directory' ? new Folder({ cid, dagBytes }, undefined) : { kind, cid, dagBytes }
  }

  /** What has no block here, or one that is damaged, can be moved and removed all the same; whoever reads it is told. */
  async #kindOf(cid: CID, signal: AbortSignal | undefined): Promise<Leaf['kind'] | 'directory'> {
    // Of bytes the CID tells it.
    if (cid.code === rawCode) return 'file'
    try {
      return describeNode(cid, await this.get(cid, signal)).kind
    } catch (error) {
      if (error instanceof JournalError && error.code === 'JOURNAL_BLOCK_MISSING') return 'unknown'
      if (error instanceof IpfsError && error.code === 'IPFS_INVALID_NODE') return 'node'
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

  #under(signal: AbortSignal | undefined): GetBlock {
    return (cid) => this.get(cid, signal)
  }

  #forget(): void {
    for (const folder of this.#loaded) folder.known.clear()
    this.#loaded.clear()
    this.#known = 0
  }
}

export function isUnknown(entry: Entry | undefined): entry is Leaf {
  return entry !== undefined && !(entry instanceof Folder) && entry.kind === 'unknown'
}

/** What is `unknown` where memory leads along a path, and the folder that it is in. */
export function unknownBelow(
  from: Entry | undefined,
  names: Names,
  depth = 0,
): { readonly folder: Folder; readonly name: string; readonly leaf: Leaf } | undefined {
  const walked = walk(from, names, depth)
  if (!isUnknown(walked.entry) || walked.depth === depth) return undefined
  const folder = walk(from, names.slice(0, walked.depth - 1), depth).entry
  return folder instanceof Folder ? { folder, name: names[walked.depth - 1]!, leaf: walked.entry } : undefined
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
  changedFolder(from, names, first, names.length - 1).set(names.at(-1)!, entry, version)
}

/** Sets metadata of the folder at a path, from one to which its first names lead. */
export function setMetadataBelow(from: Folder, names: Names, first: number, change: MetadataChange): void {
  changedFolder(from, names, first, names.length).setMetadata(change)
}

/** The folder to which so many names of a path lead, with all on the way noted as having changed below. */
function changedFolder(from: Folder, names: Names, first: number, last: number): Folder {
  let folder = from
  for (let depth = first; depth < last; depth += 1) {
    const name = names[depth]!
    const inner = folder.peek(name)
    if (inner === undefined || inner === unloaded) {
      throw new TypeError(`${pathOf(names)} has no folder that is loaded`)
    }
    if (!(inner instanceof Folder)) throw noFolder(names.slice(0, depth + 1), inner)
    folder.pass(name, inner)
    folder = inner
  }
  return folder
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
export function metadataOf({ mode, mtime }: MetadataChange): MetadataChange {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(mtime === undefined ? {} : { mtime: mtime && { ...mtime, secs: BigInt(mtime.secs) } }),
  }
}

function noFolder(names: Names, { kind, cid }: Leaf): JournalError {
  return kind === 'unknown'
    ? new JournalError('JOURNAL_BLOCK_MISSING', `The block ${cid} at ${pathOf(names)} is not here`)
    : new JournalError('JOURNAL_NOT_A_FOLDER', `${pathOf(names)} is no folder`)
}
