/** What changes do to the live tree: step by step, or as a transaction has done it before. */
import type { Step } from './record.ts'
import type { Entry } from './tree/folder.ts'
import type { Tree } from './tree/tree.ts'

/** What becomes of the tree by steps. */
export interface Effect {
  /** What will be gone from the tree. */
  displaced(tree: Tree, steps: readonly Step[]): readonly Entry[]
  apply(tree: Tree, steps: readonly Step[], version: number): void
}

export const stepByStep: Effect = {
  displaced: (tree, steps) => steps.flatMap((step) => tree.displacedBy(step) ?? []),
  apply: (tree, steps, version) => {
    for (const step of steps) tree.apply(step, version)
  },
}
