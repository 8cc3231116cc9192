/** A folder in memory: the block that it was last written as, and what has changed since. */
import type { FolderLink, MetadataChange } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'

/** What is no folder: a file, another node, or something whose block is not here, so that nobody can tell. */
export interface Leaf {
  readonly kind: 'file' | 'symlink' | 'node' | 'unknown'
  readonly cid: CID
  /** Bytes of all blocks of its DAG. */
  readonly dagBytes: number
}

/** What a name leads to. */
export type Entry = Leaf | Folder

/** What a name leads to since a change; nothing after a removal. */
export interface Change {
  readonly entry: Entry | undefined
}

/** Not in memory: its block tells. */
export const unloaded = Symbol('unloaded')

/** What a checkpoint writes while the folder goes on changing. */
export interface FrozenFolder {
  readonly changes: ReadonlyMap<string, Change>
  readonly metadata: MetadataChange | undefined
}

export class Folder {
  /** As it was last written; absent if it never was. */
  base: FolderLink | undefined
  /** What is absent is as the block has it. */
  metadata: MetadataChange | undefined
  /** The last change of an entry. */
  version = 0
  changes = new Map<string, Change>()
  frozen: FrozenFolder | undefined
  /** Entries of the block that were looked up; absent ones too. Not those that have changed. */
  readonly known = new Map<string, Entry | undefined>()

  /** Whether the block has an entry that is there still, as somebody has seen at a version. */
  seen: { readonly version: number; readonly hasEntries: boolean } | undefined

  constructor(base: FolderLink | undefined, metadata: MetadataChange | undefined) {
    this.base = base
    this.metadata = metadata
  }

  /** Whether its block does not say what it is. */
  get isChanged(): boolean {
    return (
      this.base === undefined ||
      this.changes.size > 0 ||
      this.metadata !== undefined ||
      this.frozen !== undefined
    )
  }

  /** Mode and time that its block does not have. */
  get newMetadata(): MetadataChange | undefined {
    const { metadata, frozen } = this
    return metadata === undefined ? frozen?.metadata : { ...frozen?.metadata, ...metadata }
  }

  peek(name: string): Entry | undefined | typeof unloaded {
    const change = this.changeOf(name)
    if (change !== undefined) return change.entry
    if (this.known.has(name)) return this.known.get(name)
    return this.base === undefined ? undefined : unloaded
  }

  changeOf(name: string): Change | undefined {
    return this.changes.get(name) ?? this.frozen?.changes.get(name)
  }

  /** Whether it has entries; nothing if nobody can tell without its block. */
  get hasEntries(): boolean | undefined {
    for (const [, { entry }] of this.changed()) if (entry !== undefined) return true
    if (this.base === undefined) return false
    return this.seen?.version === this.version ? this.seen.hasEntries : undefined
  }

  set(name: string, entry: Entry | undefined, version: number): void {
    this.changes.set(name, { entry })
    this.known.delete(name)
    this.version = version
  }

  /** What is given is another. That changes no entry. */
  setMetadata(change: MetadataChange): void {
    this.metadata = { ...this.metadata, ...change }
  }

  /** It is known now what it is that nobody could tell. That is no change. */
  resolve(name: string, unknown: Leaf, entry: Entry): void {
    const change = this.changeOf(name)
    if (change?.entry === unknown) this.changes.set(name, { entry })
    else if (change === undefined && this.known.get(name) === unknown) this.known.set(name, entry)
  }

  /** Makes sure that a checkpoint comes by a folder in it that changes; that is no change of this one. */
  pass(name: string, folder: Folder): void {
    const change = this.changes.get(name)
    if (change?.entry === folder) return
    this.changes.set(name, { entry: folder })
    this.known.delete(name)
  }

  /** Everything that differs from the block, the newest of each name. */
  *changed(): Generator<readonly [string, Change], void, undefined> {
    yield* this.changes
    for (const one of this.frozen?.changes ?? []) if (!this.changes.has(one[0])) yield one
  }

  /** Another folder with the same content, which goes its own way. */
  copy(version: number): Folder {
    const copied = new Folder(this.base, this.newMetadata)
    // By hand, not by recursion, here and below: folders may be nested deeper than calls may be.
    const open = [{ from: this as Folder, to: copied }]
    for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
      for (const [name, { entry }] of pair.from.changed()) {
        const isFolder = entry instanceof Folder
        const to = isFolder ? new Folder(entry.base, entry.newMetadata) : entry
        pair.to.set(name, to, version)
        if (isFolder) open.push({ from: entry, to: to as Folder })
      }
    }
    return copied
  }

  /** Sets aside for a checkpoint what has changed, here and below. */
  freeze(): void {
    const open: Folder[] = [this]
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      if (!folder.isChanged) continue
      const { changes, metadata } = folder
      folder.frozen = { changes, metadata }
      folder.changes = new Map()
      folder.metadata = undefined
      for (const { entry } of changes.values()) if (entry instanceof Folder) open.push(entry)
    }
  }

  /** What was set aside is written. */
  settle(base: FolderLink): void {
    this.base = base
    for (const name of this.frozen?.changes.keys() ?? []) this.known.delete(name)
    this.frozen = undefined
  }

  /** What was set aside could not be written: it has changed still. */
  thaw(): void {
    const open: Folder[] = [this]
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      const { frozen } = folder
      if (frozen === undefined) continue
      folder.frozen = undefined
      if (frozen.metadata !== undefined) folder.metadata = { ...frozen.metadata, ...folder.metadata }
      for (const [name, change] of frozen.changes) {
        if (!folder.changes.has(name)) folder.changes.set(name, change)
        if (change.entry instanceof Folder) open.push(change.entry)
      }
    }
  }

  /** The roots of all that is in memory only by its CID: with these DAGs the folder can be read. */
  *roots(): Generator<CID, void, undefined> {
    const open: Folder[] = [this]
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      if (folder.base !== undefined) yield folder.base.cid
      for (const changes of [folder.frozen?.changes, folder.changes]) {
        for (const { entry } of changes?.values() ?? []) {
          if (entry instanceof Folder) open.push(entry)
          else if (entry !== undefined) yield entry.cid
        }
      }
    }
  }
}
