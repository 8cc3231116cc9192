/** Names that were made, changed and removed in folders, and that are not on the medium yet. */
import type { Seeded } from './seeded.ts'
import type { FolderNode, Node } from './tree.ts'

/** A name of a folder, and what it leads to from now on. */
export interface EntryChange {
  readonly folder: FolderNode
  readonly name: string
  readonly node: Node | undefined
}

/** Changes that reach the medium together or not at all: a rename has two. */
interface Operation {
  readonly changes: readonly EntryChange[]
  /** Folders that have no name any more: removed, or replaced. */
  readonly removed: readonly FolderNode[]
  /** Folders that were not synced since. */
  readonly waiting: Set<FolderNode>
  /** A sync of it failed: another one does not bring it to the medium. */
  failed: boolean
}

/** What became of the operations in a power loss. */
export interface EntryFates {
  kept: number
  dropped: number
}

export class EntryLog {
  #operations: Operation[] = []

  /** Makes changes that programs see at once. */
  add(changes: readonly EntryChange[]): void {
    const removed: FolderNode[] = []
    for (const { folder, name, node } of changes) {
      const before = folder.entries.get(name)
      const isElsewhere = changes.some((change) => change.node === before)
      if (before?.kind === 'folder' && !isElsewhere) removed.push(before)
      if (node === undefined) folder.entries.delete(name)
      else folder.entries.set(name, node)
    }
    const waiting = new Set(changes.map(({ folder }) => folder))
    this.#operations.push({ changes, removed, waiting, failed: false })
  }

  /**
   * Brings the names of a folder to the medium. A rename between two folders is there when both were synced; what it builds on
   * comes with it.
   */
  sync(folder: FolderNode): void {
    const needed = new Bases()
    const left: Operation[] = []
    const done: Operation[] = []
    for (const operation of this.#operations.toReversed()) {
      operation.waiting.delete(folder)
      if ((operation.waiting.size === 0 && !operation.failed) || needed.have(operation)) {
        done.push(operation)
        needed.add(operation)
      } else left.push(operation)
    }
    for (const operation of done.reverse()) apply(operation)
    this.#operations = left.reverse()
  }

  /**
   * A sync that fails: some of the names are on the medium, and the system takes all of them for written. So the others
   * are seen until the power is lost, and whatever is synced later says nothing of them unless it builds on them.
   */
  failSync(folder: FolderNode): void {
    for (const operation of this.#operations) if (operation.waiting.has(folder)) operation.failed = true
  }

  /** Each operation comes or not; but none comes when one that it builds on did not. */
  losePower(random: Seeded): EntryFates {
    const keep = [0, 0.1, 0.5, 0.9, 1][random.below(5)]!
    const missing = new Missing()
    const fates = { kept: 0, dropped: 0 }
    for (const operation of this.#operations) {
      if (!missing.hasBaseOf(operation) && random.chance(keep)) {
        apply(operation)
        fates.kept += 1
      } else {
        missing.add(operation)
        fates.dropped += 1
      }
    }
    this.#operations = []
    return fates
  }

  /** The same log of a tree whose nodes were copied. */
  copy(twinOf: (node: Node) => Node): EntryLog {
    const twin = new EntryLog()
    const folder = (node: FolderNode): FolderNode => twinOf(node) as FolderNode
    twin.#operations = this.#operations.map(({ changes, removed, waiting, failed }) => ({
      failed,
      removed: removed.map(folder),
      changes: changes.map((change) => ({
        folder: folder(change.folder),
        name: change.name,
        node: change.node && twinOf(change.node),
      })),
      waiting: new Set([...waiting].map(folder)),
    }))
    return twin
  }
}

function apply({ changes }: Operation): void {
  for (const { folder, name, node } of changes) {
    if (node === undefined) folder.durable.delete(name)
    else folder.durable.set(name, node)
  }
}

/*
 * An operation builds on an earlier one that has the same name, that gave a name to a folder which it changes, or that
 * changed a folder which it removes: else a file could have lost its old name and its new one.
 */

/** What some operations build on. */
class Bases {
  readonly #names = new Set<string>()
  readonly #changed = new Set<Node | undefined>()
  readonly #removed = new Set<FolderNode>()

  add({ changes, removed }: Operation): void {
    for (const { folder, name } of changes) {
      this.#names.add(nameOf(folder, name))
      this.#changed.add(folder)
    }
    for (const folder of removed) this.#removed.add(folder)
  }

  /** Whether one of them builds on an earlier operation. */
  have({ changes }: Operation): boolean {
    return changes.some(
      ({ folder, name, node }) =>
        this.#names.has(nameOf(folder, name)) || this.#changed.has(node) || this.#removed.has(folder),
    )
  }
}

/** Operations that did not come. */
class Missing {
  readonly #names = new Set<string>()
  readonly #named = new Set<Node | undefined>()
  readonly #changed = new Set<FolderNode>()

  add({ changes }: Operation): void {
    for (const { folder, name, node } of changes) {
      this.#names.add(nameOf(folder, name))
      this.#named.add(node)
      this.#changed.add(folder)
    }
  }

  /** Whether a later operation builds on one of them. */
  hasBaseOf({ changes, removed }: Operation): boolean {
    return (
      changes.some(({ folder, name }) => this.#names.has(nameOf(folder, name)) || this.#named.has(folder)) ||
      removed.some((folder) => this.#changed.has(folder))
    )
  }
}

function nameOf(folder: FolderNode, name: string): string {
  return `${folder.number}/${name}`
}
