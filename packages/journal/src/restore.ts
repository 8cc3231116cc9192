/** Makes what is at a path what it was in another tree. */
import { markAt, type Marks, marksBelow } from './marks/marks.ts'
import { checkMarks, checkRemovable } from './marks/plan-marks.ts'
import type { HeldDag } from './hold-dag.ts'
import { type Names, pathOf } from './path.ts'
import { planParents } from './plan.ts'
import type { Step } from './record.ts'
import type { TreeView } from './tree/tree.ts'

/** @param marks - those of the other tree */
export function planRestore(tree: TreeView, names: Names, dag: HeldDag, marks: Marks | undefined): Step[] {
  checkRemovable(tree, names)
  const path = pathOf(names)
  const carried = attributesBelow(marks, names)
  checkMarks(tree, carried.length)
  const { tier } = markAt(tree.marks, names)
  return [
    ...planParents(tree, names, true),
    // With what was there all goes that it carried.
    ...(tree.at(names) === undefined ? [] : [{ step: 'rm', path } as const]),
    { step: 'put', path, ...dag },
    ...carried,
    // Where it is to lie is of now.
    ...(tier === undefined ? [] : [{ step: 'tier', path, tier } as const]),
  ]
}

function attributesBelow(marks: Marks | undefined, names: Names): Step[] {
  return [...marksBelow(marks, names)].flatMap(({ names: below, mark: { attributes } }) => {
    const path = pathOf([...names, ...below])
    return attributes === undefined ? [] : [{ step: 'attributes', path, attributes } as const]
  })
}
