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
  /** Folders that were not synced since. */
  readonly waiting: Set<FolderNode>
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
    for (const { folder, name, node } of changes) {
      if (node === undefined) folder.entries.delete(name)
      else folder.entries.set(name, node)
    }
    this.#operations.push({ changes, waiting: new Set(changes.map(({ folder }) => folder)) })
  }

  /**
   * Brings the names of a folder to the medium. A rename between two folders is there when both were synced; what it came
   * after, with the same name, comes with it.
   */
  sync(folder: FolderNode): void {
    const names = new Set<string>()
    const left: Operation[] = []
    const done: Operation[] = []
    for (const operation of this.#operations.toReversed()) {
      operation.waiting.delete(folder)
      if (operation.waiting.size === 0 || sharesName(operation, names)) {
        done.push(operation)
        addNames(operation, names)
      } else left.push(operation)
    }
    for (const operation of done.reverse()) apply(operation)
    this.#operations = left.reverse()
  }

  /** Each operation comes or not; but none comes when an earlier one with the same name did not. */
  losePower(random: Seeded): EntryFates {
    const keep = [0, 0.1, 0.5, 0.9, 1][random.below(5)]!
    const missing = new Set<string>()
    const fates = { kept: 0, dropped: 0 }
    for (const operation of this.#operations) {
      if (!sharesName(operation, missing) && random.chance(keep)) {
        apply(operation)
        fates.kept += 1
      } else {
        addNames(operation, missing)
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
    twin.#operations = this.#operations.map(({ changes, waiting }) => ({
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

function addNames({ changes }: Operation, names: Set<string>): void {
  for (const { folder, name } of changes) names.add(`${folder.number}/${name}`)
}

function sharesName({ changes }: Operation, names: ReadonlySet<string>): boolean {
  return changes.some(({ folder, name }) => names.has(`${folder.number}/${name}`))
}
