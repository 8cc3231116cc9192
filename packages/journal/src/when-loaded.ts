/** What the calls do with a tree: when what it needs is in memory, and with nothing in between. */
import { throwIfCancelled } from '@ipfs-kit/concurrency'
import type { Names } from './path.ts'
import { EntriesUnknown } from './plan.ts'
import type { Leaf } from './tree/folder.ts'
import type { TreeView } from './tree/tree.ts'

/** Gives the tree if it can be used now; waits until it can otherwise. @throws what there is to say if it never can */
export type UsableTree = (signal: AbortSignal | undefined) => TreeView | Promise<void>

/** Does something with a tree as soon as paths are loaded. What `act` throws to be told of entries is looked up. */
export async function whenLoaded<T>(
  usable: UsableTree,
  paths: () => Iterable<Names>,
  act: (tree: TreeView) => T,
  signal: AbortSignal | undefined,
): Promise<Awaited<T>> {
  const lookedAgain = new Set<Leaf>()
  for (;;) {
    throwIfCancelled()
    signal?.throwIfAborted()
    const tree = usable(signal)
    if (tree instanceof Promise) {
      await tree
      continue
    }
    const missing = firstMissing(tree, paths())
    if (missing !== undefined) {
      await tree.load(missing, signal)
      continue
    }
    const unknown = firstUnknown(tree, paths(), lookedAgain)
    if (unknown !== undefined) {
      await tree.lookAgain(unknown, signal)
      continue
    }
    let done: T
    try {
      done = act(tree)
    } catch (error) {
      if (!(error instanceof EntriesUnknown)) throw error
      await tree.lookInto(error.folder, signal)
      continue
    }
    return await done
  }
}

function firstMissing(tree: TreeView, paths: Iterable<Names>): Names | undefined {
  for (const names of paths) if (!tree.isLoaded(names)) return names
  return undefined
}

/** A path to what nobody could tell when it was loaded: since then its block may have come. */
function firstUnknown(tree: TreeView, paths: Iterable<Names>, lookedAgain: Set<Leaf>): Names | undefined {
  for (const names of paths) {
    const leaf = tree.unknownAt(names)
    if (leaf === undefined || lookedAgain.has(leaf)) continue
    lookedAgain.add(leaf)
    return names
  }
  return undefined
}
