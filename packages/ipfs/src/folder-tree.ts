/**
 * The folders of an add while it runs. One tree of names serves as the check for names given twice, as the links of the
 * folders and as their counts. Nothing of a folder can be finished before the end: entries come in any order.
 */
import type { CID } from 'multiformats/cid'
import type { FilePart } from './file-layout.ts'
import { bareFolder } from './folder-block.ts'
import { FolderLinks } from './folder-links.ts'
import { emptyFolderSize, linkSize, shardAboveBytes } from './folder-size.ts'
import type { CidProfile } from './ipfs.ts'

/** Under a name: a folder, the number of a link, or {@link taken}. */
type Child = Folder | number

/** The name of a file that is not stored yet, or that could not be read. */
const taken = -1

/** A folder that has or may get entries. */
export interface Folder {
  readonly name: string
  /** Absent for the root. */
  readonly parent: Folder | undefined
  readonly children: Map<string, Child>
  /** `unused`: none of its entries could be read. `given`: named by an entry, still empty. `filled`: it has an entry. */
  state: 'unused' | 'given' | 'filled'
  /** What the importer takes for the size of its block: folders that have entries count nothing. */
  estimatedBytes: number
  /** It was once too large for a plain folder. */
  isSharded: boolean
  /** Bytes of content of its files; when it is finished, of those of its folders too. */
  bytes: number
}

/** A file that has a place in the tree. */
export interface Place {
  readonly folder: Folder
  readonly name: string
}

/** Why an entry has no place. */
export interface Obstacle {
  /** Path of what is in the way: the entry's own path, or that of a file which it would lie below. */
  readonly obstacle: string
}

/** The folders below a root that has no name. */
export class FolderTree {
  readonly root: Folder
  readonly links = new FolderLinks()
  readonly #profile: CidProfile

  constructor(profile: CidProfile) {
    this.#profile = profile
    this.root = this.#folder('', undefined)
    this.root.state = 'filled'
  }

  /** Number of entries of the root that are there. */
  get topLevel(): number {
    let count = 0
    for (const child of this.root.children.values()) if (isThere(child)) count += 1
    return count
  }

  /** Takes the name of a file. */
  placeFile(names: readonly string[]): Place | Obstacle {
    const folder = this.#descend(names, names.length - 1)
    if ('obstacle' in folder) return folder
    const name = names.at(-1)!
    if (folder.children.has(name)) return { obstacle: names.join('/') }
    folder.children.set(name, taken)
    return { folder, name }
  }

  /** Finds or makes a folder. */
  placeFolder(names: readonly string[]): Folder | Obstacle {
    return this.#descend(names, names.length)
  }

  /** Notes that a file is stored. */
  fill({ folder, name }: Place, { cid, bytes, dagBytes }: FilePart): void {
    this.#fill(folder)
    folder.children.set(name, this.links.add(cid, dagBytes))
    folder.bytes += bytes
    this.#grow(folder, linkSize(this.#profile, name, cid.byteLength, dagBytes))
  }

  /** Notes that an entry named this folder. */
  give(folder: Folder): void {
    if (folder.state !== 'unused') return
    folder.state = 'given'
    this.#fill(folder.parent!)
    this.#grow(folder.parent!, this.#emptyLinkBytes(folder))
  }

  /** The folders that are there, each after those in it and the root last. Each is finished before the next is taken. */
  *innermostFirst(): Generator<Folder, void, undefined> {
    const open = [{ folder: this.root, inner: this.root.children.values() }]
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const { done, value } = top.inner.next()
      if (done === true) {
        open.pop()
        if (top.folder.state !== 'unused') yield top.folder
      } else if (typeof value !== 'number') open.push({ folder: value, inner: value.children.values() })
    }
  }

  /** Notes that a folder is stored, and lets go of what is in it. */
  finish(folder: Folder, cid: CID, dagBytes: number): void {
    folder.children.clear()
    if (folder.parent === undefined) return
    folder.parent.bytes += folder.bytes
    folder.parent.children.set(folder.name, this.links.add(cid, dagBytes))
  }

  #descend(names: readonly string[], depth: number): Folder | Obstacle {
    let folder = this.root
    for (let at = 0; at < depth; at += 1) {
      const name = names[at]!
      let child = folder.children.get(name)
      if (typeof child === 'number') return { obstacle: names.slice(0, at + 1).join('/') }
      if (child === undefined) {
        child = this.#folder(name, folder)
        folder.children.set(name, child)
      }
      folder = child
    }
    return folder
  }

  #folder(name: string, parent: Folder | undefined): Folder {
    return {
      name,
      parent,
      children: new Map(),
      state: 'unused',
      estimatedBytes: emptyFolderSize(this.#profile, bareFolder.length),
      isSharded: false,
      bytes: 0,
    }
  }

  /** Notes that a folder has an entry; so have those above it. */
  #fill(innermost: Folder): void {
    let folder = innermost
    while (folder.state !== 'filled') {
      const parent = folder.parent!
      if (folder.state === 'given') parent.estimatedBytes -= this.#emptyLinkBytes(folder)
      folder.state = 'filled'
      folder = parent
    }
  }

  #grow(folder: Folder, bytes: number): void {
    folder.estimatedBytes += bytes
    if (folder.estimatedBytes > shardAboveBytes) folder.isSharded = true
  }

  #emptyLinkBytes({ name }: Folder): number {
    const cidBytes = this.#profile === 'unixfs-v1-2025' ? 36 : 34
    return linkSize(this.#profile, name, cidBytes, emptyFolderBytes)
  }
}

/** Bytes of the block of a folder without entries. */
const emptyFolderBytes = 4

function isThere(child: Child): boolean {
  return typeof child === 'number' ? child !== taken : child.state !== 'unused'
}

/** The path of a folder; empty for the root. */
export function pathOf(folder: Folder): string {
  const names: string[] = []
  for (let at = folder; at.parent !== undefined; at = at.parent) names.push(at.name)
  return names.reverse().join('/')
}

/** The links of a folder that is about to be finished, in the order in which they came. */
export function* linksOf(folder: Folder): Generator<readonly [name: string, link: number], void, undefined> {
  for (const [name, child] of folder.children) {
    if (typeof child === 'number' && child !== taken) yield [name, child]
  }
}
