/** Which task a scope belongs to. */
import type { ScopeNode } from './scope-node.ts'
import type { AnyTask } from './task.ts'

/** The innermost task around `scope`, or `undefined` outside any task. */
export function taskAround(scope: ScopeNode): AnyTask | undefined {
  let node: ScopeNode | undefined = scope
  while (node !== undefined && node.kind !== 'task') node = node.parent
  return node as AnyTask | undefined
}

/** The task as messages name it. */
export function titleOf(task: ScopeNode | undefined): string {
  return task === undefined ? 'code outside any task' : task.title
}
