/** What a simulated disk does with names: files and folders made, renamed, removed, listed and locked. */
import { now } from '@ipfs-kit/concurrency'
import type { DiskEntry, DiskLock, DiskStat, FreeSpace, OpenMode } from '../disk.ts'
import { DiskError } from '../errors.ts'
import { refusedWith } from '../system-error.ts'
import { pageBytes } from './pages.ts'
import type { SimProcess } from './process.ts'
import { createFileNode, createFolderNode, statOf, walk } from './tree.ts'
import type { FileNode, FolderNode, Node, Place } from './tree.ts'

export class SimNames {
  readonly #process: SimProcess

  constructor(process: SimProcess) {
    this.#process = process
  }

  /** The file to open. */
  file(path: string, mode: OpenMode): FileNode {
    const place = this.#place('open', path)
    const { node } = place
    if (node !== undefined) {
      if (mode === 'create-new') throw refusedWith('EEXIST', 'open', path)
      if (node.kind === 'folder') throw refusedWith('EISDIR', 'open', path)
      return node
    }
    if (mode === 'read' || mode === 'write') throw refusedWith('ENOENT', 'open', path)
    return this.#makeFile('open', path, place)
  }

  /** The folder of a path and those above it, the highest first. */
  foldersOf(path: string): readonly string[] {
    const names = path.split('/').filter((name) => name !== '')
    return ['/', ...names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)]
  }

  /** Makes one folder. Whether it was not there. */
  makeFolder(path: string): boolean {
    const { medium } = this.#process
    const { folder, name, node } = this.#place('make the folder', path)
    if (node?.kind === 'folder') return false
    if (node !== undefined) throw refusedWith('EEXIST', 'make the folder', path)
    medium.entries.add([{ folder, name, node: createFolderNode(medium.folders) }])
    medium.folders += 1
    return true
  }

  rename(from: string, to: string): void {
    const { medium } = this.#process
    const doing = `rename to ${JSON.stringify(to)}`
    const source = this.#place(doing, from)
    const target = this.#place(doing, to)
    const { node } = source
    if (node === undefined) throw refusedWith('ENOENT', doing, from)
    if (source.name === '' || target.name === '') throw refusedWith('EBUSY', doing, from)
    if (node === target.node) return
    if (node.kind === 'folder' && (target.folder === node || isBelow(node, target.folder))) {
      throw refusedWith('EINVAL', doing, from)
    }
    if (node.kind === 'file' && to.endsWith('/')) throw refusedWith('ENOTDIR', doing, from)
    if (target.node !== undefined) checkReplaceable(node, target.node, doing, from)
    medium.entries.add([
      { folder: source.folder, name: source.name, node: undefined },
      { folder: target.folder, name: target.name, node },
    ])
    if (target.node?.kind === 'file') this.#unlinked(target.node)
  }

  unlink(path: string): boolean {
    const place = this.#placeIfAny('unlink', path)
    const node = place?.node
    if (place === undefined || node === undefined) return false
    if (node.kind === 'folder') throw refusedWith('EISDIR', 'unlink', path)
    this.#process.medium.entries.add([{ folder: place.folder, name: place.name, node: undefined }])
    this.#unlinked(node)
    return true
  }

  removeFolder(path: string): boolean {
    const place = this.#placeIfAny('remove the folder', path)
    if (place?.node?.kind !== 'folder') return false
    if (place.name === '') throw refusedWith('EBUSY', 'remove the folder', path)
    if (place.node.entries.size > 0) throw refusedWith('ENOTEMPTY', 'remove the folder', path)
    this.#process.medium.entries.add([{ folder: place.folder, name: place.name, node: undefined }])
    return true
  }

  /** Lets a sector of a file be unreadable. */
  damage(path: string, sector: number): void {
    const { node } = this.#place('damage', path)
    if (node?.kind !== 'file') throw refusedWith(node === undefined ? 'ENOENT' : 'EISDIR', 'damage', path)
    node.content.bad.add(sector)
  }

  /** In an order that the seed decides. */
  list(path: string): readonly DiskEntry[] {
    const { random } = this.#process
    const entries = [...this.#folder('list', path).entries].map(([name, { kind }]) => ({ name, kind }))
    for (let index = entries.length - 1; index > 0; index -= 1) {
      const other = random.below(index + 1)
      const entry = entries[index]!
      entries[index] = entries[other]!
      entries[other] = entry
    }
    return entries
  }

  stat(path: string): DiskStat | undefined {
    const node = this.#placeIfAny('look at', path)?.node
    return node && statOf(node)
  }

  sync(path: string): void {
    this.#process.medium.entries.sync(this.#folder('sync the folder', path))
  }

  failSync(path: string): void {
    this.#process.medium.entries.failSync(this.#folder('sync the folder', path))
  }

  freeSpace(path: string): FreeSpace {
    this.#folder('look at the volume of', path)
    const { faults, medium } = this.#process
    const totalBytes = Math.floor(faults.capacityBytes / pageBytes) * pageBytes
    return {
      freeBytes: Math.max(0, totalBytes - medium.usedBytes),
      totalBytes,
      freeInodes: Math.max(0, faults.maxFiles - medium.files),
    }
  }

  lock(path: string): DiskLock {
    const process = this.#process
    const place = this.#place('lock', path)
    const node = place.node ?? this.#makeFile('lock', path, place)
    if (node.kind === 'folder') throw refusedWith('EISDIR', 'lock', path)
    if (node.locked) {
      throw new DiskError('DISK_LOCKED', `Cannot lock ${JSON.stringify(path)} (somebody else holds it)`)
    }
    node.locked = true
    process.locks += 1
    let held = true
    return {
      async close() {
        if (!held || process.dead) return
        held = false
        node.locked = false
        process.locks -= 1
      },
    }
  }

  #makeFile(doing: string, path: string, { folder, name }: Place): FileNode {
    const { faults, medium } = this.#process
    if (path.endsWith('/')) throw refusedWith('EISDIR', doing, path)
    if (medium.files >= faults.maxFiles) throw refusedWith('ENOSPC', doing, path)
    medium.filesMade += 1
    const node = createFileNode(medium.filesMade, now())
    node.links = 1
    medium.files += 1
    medium.entries.add([{ folder, name, node }])
    return node
  }

  #unlinked(node: FileNode): void {
    node.links -= 1
    this.#process.medium.released(node)
  }

  #place(doing: string, path: string): Place {
    const place = walk(this.#process.medium.root, path)
    if (typeof place === 'string') throw refusedWith(place, doing, path)
    return place
  }

  /** `undefined` where there can be nothing. */
  #placeIfAny(doing: string, path: string): Place | undefined {
    const place = walk(this.#process.medium.root, path)
    if (place === 'ENOENT' || place === 'ENOTDIR') return undefined
    if (typeof place === 'string') throw refusedWith(place, doing, path)
    return place
  }

  #folder(doing: string, path: string): FolderNode {
    const { node } = this.#place(doing, path)
    if (node === undefined) throw refusedWith('ENOENT', doing, path)
    if (node.kind === 'file') throw refusedWith('ENOTDIR', doing, path)
    return node
  }
}

function checkReplaceable(node: Node, target: Node, doing: string, path: string): void {
  if (target.kind === 'file') {
    if (node.kind === 'folder') throw refusedWith('ENOTDIR', doing, path)
    return
  }
  if (node.kind === 'file') throw refusedWith('EISDIR', doing, path)
  if (target.entries.size > 0) throw refusedWith('ENOTEMPTY', doing, path)
}

function isBelow(folder: FolderNode, other: FolderNode): boolean {
  for (const node of folder.entries.values()) {
    if (node.kind === 'folder' && (node === other || isBelow(node, other))) return true
  }
  return false
}
