/** What is left of a simulated disk when the process that used it has ended. */
import type { Content } from './content.ts'
import { EntryLog } from './entry-log.ts'
import { pageBytes } from './pages.ts'
import type { PowerLoss } from './power-loss.ts'
import type { Seeded } from './seeded.ts'
import { createFileNode, createFolderNode } from './tree.ts'
import type { FileNode, FolderNode, Node } from './tree.ts'

/** What the power losses of a disk did so far. */
export interface PowerLossStats {
  /** Changes of sectors that reached the medium, that did not, and that did in part. */
  readonly sectorsKept: number
  readonly sectorsDropped: number
  readonly sectorsTorn: number
  /** Files made, renamed and removed that reached the medium, and that did not. */
  readonly entriesKept: number
  readonly entriesDropped: number
}

export class Medium {
  root: FolderNode
  entries: EntryLog
  files = 0
  usedPages = 0
  folders: number
  /** Files that were made. */
  filesMade = 0
  losses: PowerLossStats = {
    sectorsKept: 0,
    sectorsDropped: 0,
    sectorsTorn: 0,
    entriesKept: 0,
    entriesDropped: 0,
  }

  constructor(root = createFolderNode(0), entries = new EntryLog(), folders = 1) {
    this.root = root
    this.entries = entries
    this.folders = folders
    this.#count()
  }

  get usedBytes(): number {
    return this.usedPages * pageBytes
  }

  /** Does something to a file that may change the room it takes. */
  change<T>(content: Content, what: () => T): T {
    const before = content.cached.taken
    try {
      return what()
    } finally {
      this.usedPages += content.cached.taken - before
    }
  }

  /** A name, or a handle, of the file is gone; without any its room is free. */
  released(file: FileNode): void {
    if (file.links > 0 || file.handles > 0) return
    this.files -= 1
    this.usedPages -= file.content.cached.taken
  }

  /** The process dies. What it wrote stays; files without a name go. */
  endProcess(): void {
    this.#count()
  }

  /** The power is lost. */
  losePower(random: Seeded, tearing: number): void {
    const fates = { kept: 0, dropped: 0, torn: 0 }
    const entries = this.entries.losePower(random)
    const loss: PowerLoss = { random, tearing, count: (fate) => (fates[fate] += 1) }
    const seen = new Set<Node>()
    const restore = (node: Node): void => {
      if (seen.has(node)) return
      seen.add(node)
      if (node.kind === 'file') {
        node.content = node.content.afterPowerLoss(loss)
        return
      }
      node.entries = new Map(node.durable)
      for (const below of node.durable.values()) restore(below)
    }
    restore(this.root)
    const { losses } = this
    this.losses = {
      sectorsKept: losses.sectorsKept + fates.kept,
      sectorsDropped: losses.sectorsDropped + fates.dropped,
      sectorsTorn: losses.sectorsTorn + fates.torn,
      entriesKept: losses.entriesKept + entries.kept,
      entriesDropped: losses.entriesDropped + entries.dropped,
    }
    this.#count()
  }

  /** Another medium with the same on it. Bytes are shared until one of the two changes them. */
  copy(): Medium {
    const twins = new Map<Node, Node>()
    const twinOf = (node: Node): Node => {
      const known = twins.get(node)
      if (known !== undefined) return known
      if (node.kind === 'file') {
        const file = createFileNode(node.number, node.modifiedMs, node.content.copy())
        file.changes = node.changes
        twins.set(node, file)
        return file
      }
      const folder = createFolderNode(node.number)
      twins.set(node, folder)
      for (const [name, below] of node.entries) folder.entries.set(name, twinOf(below))
      for (const [name, below] of node.durable) folder.durable.set(name, twinOf(below))
      return folder
    }
    const root = twinOf(this.root) as FolderNode
    const twin = new Medium(root, this.entries.copy(twinOf), this.folders)
    twin.losses = this.losses
    twin.filesMade = this.filesMade
    return twin
  }

  /** Counts what programs see, anew. */
  #count(): void {
    this.files = 0
    this.usedPages = 0
    const count = (folder: FolderNode): void => {
      for (const node of folder.entries.values()) {
        if (node.kind === 'folder') {
          count(node)
          continue
        }
        node.links = 1
        node.handles = 0
        node.locked = false
        this.files += 1
        this.usedPages += node.content.cached.taken
      }
    }
    count(this.root)
  }
}
