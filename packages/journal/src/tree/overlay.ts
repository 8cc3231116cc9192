/** A tree as a transaction sees it: the live one, and over it what the transaction has changed. */
import type { MetadataChange } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { markedBy, type Marks } from '../marks/marks.ts'
import { type Names, namesOf } from '../path.ts'
import type { Step } from '../record.ts'
import { UsedPaths } from '../used-paths.ts'
import { type Entry, Folder, type Leaf } from './folder.ts'
import {
  entryAt,
  madeBy,
  metadataOf,
  putBy,
  setBelow,
  setMetadataBelow,
  type Tree,
  type TreeView,
  unknownBelow,
  walk,
} from './tree.ts'

/** A folder of the live tree in which something was changed. */
interface Layer {
  /** What is at its names instead; nothing after a removal. Folders among it are the transaction's own, whole. */
  readonly changes: Map<string, Entry | undefined>
  /** Folders of the live tree in it, in which something was changed. */
  readonly inner: Map<string, Layer>
  /** What is another of its own metadata. */
  metadata: MetadataChange | undefined
  /** Goes along with each change of it. */
  merged: Merged | undefined
}

/** A folder of the live tree with the changes of a layer, as it is at one moment. */
interface Merged {
  readonly folder: Folder
  readonly live: Folder
  readonly base: Folder['base']
  readonly liveVersion: number
  /** The object is another after each change of it. */
  readonly liveMetadata: Folder['metadata']
}

/** Where a path leads: to something of the transaction's own behind its first names, or into the live tree. */
type Place =
  | { readonly isOwn: true; readonly entry: Entry | undefined; readonly depth: number }
  | { readonly isOwn: false; readonly layer: Layer | undefined }

export class Overlay implements TreeView {
  readonly used = new UsedPaths()
  readonly #live: () => Tree
  readonly #root = newLayer()
  #steps: Step[] = []
  /** The marks as they are here, and those of the live tree that they were made from. */
  #marks: { readonly live: Marks | undefined; readonly here: Marks | undefined } | undefined
  /** Of changes here: below 0, so that they are none of the live tree's. */
  #version = 0

  constructor(live: () => Tree) {
    this.#live = live
  }

  get steps(): readonly Step[] {
    return this.#steps
  }

  get marks(): Marks | undefined {
    const live = this.#live().marks
    if (this.#marks?.live !== live || this.#marks === undefined) {
      this.#marks = { live, here: markedByAll(live, this.#steps) }
    }
    return this.#marks.here
  }

  isLoaded(names: Names): boolean {
    const place = this.#place(names)
    if (place.isOwn) {
      // The folders on the way to what is its own are the live tree's.
      if (!this.#live().isLoaded(names.slice(0, place.depth - 1))) return false
      return walk(place.entry, names, place.depth).missing === undefined
    }
    // What is copied is copied with all that was changed below.
    for (const below of pathsBelow(names, place.layer)) if (!this.#live().isLoaded(below)) return false
    return true
  }

  async load(names: Names, signal: AbortSignal | undefined): Promise<void> {
    const place = this.#place(names)
    if (place.isOwn) {
      await this.#live().load(names.slice(0, place.depth - 1), signal)
      await this.#live().loadBelow(place.entry, names, place.depth, signal)
      return
    }
    for (const below of pathsBelow(names, place.layer)) await this.#live().load(below, signal)
  }

  unknownAt(names: Names): Leaf | undefined {
    const place = this.#place(names)
    return place.isOwn ? unknownBelow(place.entry, names, place.depth)?.leaf : this.#live().unknownAt(names)
  }

  async lookAgain(names: Names, signal: AbortSignal | undefined): Promise<void> {
    const place = this.#place(names)
    if (place.isOwn) await this.#live().lookAgainBelow(place.entry, names, place.depth, signal)
    else await this.#live().lookAgain(names, signal)
  }

  at(names: Names): Entry | undefined {
    this.used.use(names)
    return this.#at(names)
  }

  /** The folder at a path, whose entries are looked at. */
  listed(names: Names): Entry | undefined {
    this.used.list(names)
    return this.#at(names)
  }

  async lookInto(folder: Folder, signal: AbortSignal | undefined): Promise<void> {
    await this.#live().lookInto(folder, signal)
  }

  /** Whether the folder that {@link at} gave is still what is there. */
  isCurrent(names: Names, folder: Folder): boolean {
    return this.isLoaded(names) && this.#at(names) === folder
  }

  /** Does a step whose paths are loaded, and were checked. */
  apply(step: Step): void {
    const live = this.#live().marks
    this.#marks = { live, here: markedBy(this.marks, step) }
    this.#steps.push(step)
    this.#version -= 1
    switch (step.step) {
      case 'put':
        this.#set(namesOf(step.path), putBy(step))
        break
      case 'mkdir':
        this.#set(namesOf(step.path), madeBy(step))
        break
      case 'meta':
        this.#setMetadata(namesOf(step.path), metadataOf(step))
        break
      case 'rm':
        this.#set(namesOf(step.path), undefined)
        break
      case 'mv': {
        const from = namesOf(step.from)
        const entry = this.#own(from)
        this.#set(from, undefined)
        this.#set(namesOf(step.to), entry)
        break
      }
      case 'cp': {
        const entry = this.#own(namesOf(step.from))
        this.#set(namesOf(step.to), entry instanceof Folder ? entry.copy(this.#version) : entry)
        break
      }
    }
  }

  /** The paths of the live tree that have to be loaded before {@link graft}. */
  *paths(): Generator<Names, void, undefined> {
    for (const { names, layer } of layersFrom([], this.#root)) {
      if (layer.metadata !== undefined) yield names
      for (const name of layer.changes.keys()) yield [...names, name]
    }
  }

  /** What will be gone from the live tree by {@link graft}. */
  *displaced(): Generator<Entry, void, undefined> {
    for (const { names, layer } of layersFrom([], this.#root)) {
      for (const name of layer.changes.keys()) {
        const entry = this.#live().at([...names, name])
        if (entry !== undefined) yield entry
      }
    }
  }

  /** Makes the changes part of a tree. */
  graft(tree: Tree, version: number): void {
    tree.marks = markedByAll(tree.marks, this.#steps)
    for (const { names, layer } of layersFrom([], this.#root)) {
      for (const [name, entry] of layer.changes) tree.set([...names, name], entry, version)
      if (layer.metadata !== undefined) tree.setMetadata(names, layer.metadata)
    }
  }

  /** The roots of what is here and not in the live tree, and of the folders that its steps take apart. */
  *roots(): Generator<CID, void, undefined> {
    // A recovery does again what was done with them, also where nothing is left of them.
    for (const step of this.#steps) if (step.step === 'put' && step.kind === 'directory') yield step.cid
    for (const { layer } of layersFrom([], this.#root)) {
      for (const entry of layer.changes.values()) {
        if (entry instanceof Folder) yield* entry.roots()
        else if (entry !== undefined) yield entry.cid
      }
    }
  }

  #place(names: Names): Place {
    let layer: Layer | undefined = this.#root
    for (const [at, name] of names.entries()) {
      if (layer.changes.has(name)) return { isOwn: true, entry: layer.changes.get(name), depth: at + 1 }
      layer = layer.inner.get(name)
      if (layer === undefined) break
    }
    return { isOwn: false, layer }
  }

  #at(names: Names): Entry | undefined {
    const place = this.#place(names)
    if (place.isOwn) return entryAt(place.entry, names, place.depth)
    const entry = this.#live().at(names)
    const { layer } = place
    return layer !== undefined && entry instanceof Folder ? this.#merged(entry, layer) : entry
  }

  /** A live folder with what was changed in it. Folders in it that were changed further down are there by name only. */
  #merged(live: Folder, layer: Layer): Folder {
    const { base, version: liveVersion } = live
    const last = layer.merged
    if (
      last !== undefined &&
      last.live === live &&
      last.base === base &&
      last.liveVersion === liveVersion &&
      last.liveMetadata === live.metadata
    ) {
      return last.folder
    }
    const folder = new Folder(base, { ...live.newMetadata, ...layer.metadata })
    for (const [name, { entry }] of live.changed()) folder.set(name, entry, this.#version)
    for (const name of layer.inner.keys()) folder.set(name, new Folder(undefined, undefined), this.#version)
    for (const [name, entry] of layer.changes) folder.set(name, entry, this.#version)
    layer.merged = { folder, live, base, liveVersion, liveMetadata: live.metadata }
    return folder
  }

  /** What is at a path, as the transaction's own: what was the live tree's is copied. */
  #own(names: Names): Entry | undefined {
    const place = this.#place(names)
    if (place.isOwn) return entryAt(place.entry, names, place.depth)
    this.used.useAll(names)
    const entry = this.#live().at(names)
    if (!(entry instanceof Folder)) return entry
    const root = entry.copy(this.#version)
    for (const { names: path, layer } of layersFrom(names, place.layer)) {
      const below = this.#live().at(path)
      // Of a folder that has not changed the copy knows only what its block has.
      if (path.length > names.length && below instanceof Folder) {
        setBelow(root, path, names.length, below.copy(this.#version), this.#version)
      }
      for (const [name, change] of layer.changes) {
        setBelow(root, [...path, name], names.length, change, this.#version)
      }
      if (layer.metadata !== undefined) setMetadataBelow(root, path, names.length, layer.metadata)
    }
    return root
  }

  #setMetadata(names: Names, change: MetadataChange): void {
    let layer = this.#root
    for (const [at, name] of names.entries()) {
      const own = layer.changes.get(name)
      if (own instanceof Folder) {
        setMetadataBelow(own, names, at + 1, change)
        return
      }
      layer = this.#innerOf(layer, name)
    }
    layer.metadata = { ...layer.metadata, ...change }
    layer.merged?.folder.setMetadata(change)
  }

  #set(names: Names, entry: Entry | undefined): void {
    let layer = this.#root
    for (const [at, name] of names.entries()) {
      const isLast = at === names.length - 1
      if (isLast) {
        // What goes with a folder is all that is in it.
        if (!layer.changes.has(name) && this.#live().at(names) instanceof Folder) this.used.useAll(names)
        layer.changes.set(name, entry)
        layer.inner.delete(name)
        layer.merged?.folder.set(name, entry, this.#version)
        return
      }
      const own = layer.changes.get(name)
      if (own instanceof Folder) {
        setBelow(own, names, at + 1, entry, this.#version)
        return
      }
      layer = this.#innerOf(layer, name)
    }
  }

  /** The layer of a folder in the folder of another. */
  #innerOf(layer: Layer, name: string): Layer {
    let inner = layer.inner.get(name)
    if (inner === undefined) {
      layer.inner.set(name, (inner = newLayer()))
      layer.merged?.folder.set(name, new Folder(undefined, undefined), this.#version)
    }
    return inner
  }
}

function markedByAll(marks: Marks | undefined, steps: readonly Step[]): Marks | undefined {
  return steps.reduce((after, step) => markedBy(after, step), marks)
}

function newLayer(): Layer {
  return { changes: new Map(), inner: new Map(), metadata: undefined, merged: undefined }
}

/** A path, and those of all folders below it that have layers. */
function* pathsBelow(names: Names, layer: Layer | undefined): Generator<Names, void, undefined> {
  yield names
  for (const { names: below } of layersFrom(names, layer)) if (below.length > names.length) yield below
}

/** A layer at a path and all below, the outer ones first. */
function* layersFrom(
  names: Names,
  layer: Layer | undefined,
): Generator<{ readonly names: Names; readonly layer: Layer }, void, undefined> {
  // By hand, not by recursion: folders may be nested deeper than calls may be.
  const open = layer === undefined ? [] : [{ names, layer }]
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    yield top
    for (const [name, inner] of top.layer.inner) open.push({ names: [...top.names, name], layer: inner })
  }
}
