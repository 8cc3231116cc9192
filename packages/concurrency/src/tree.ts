/** The tree of scopes and tasks, and what each of them waits for. */
import { host } from '#host'
import { ScopeNode } from './scope-node.ts'
import type { Scope } from './scope.ts'
import { native } from './native.ts'
import type { Named } from './wait.ts'

/** One wait of a scope. */
export interface TreeWait {
  /** What kind of wait it is: `sleep`, `lock`, `channel send`, … */
  readonly what: string
  /** The name of what is waited on, where it has one. */
  readonly on?: string
  /** When it ends by itself, in milliseconds on the clock of `now()`. */
  readonly until?: number
}

/** A scope as a dump shows it. */
export interface TreeNode {
  readonly kind: 'root' | 'owner' | 'group' | 'task' | 'scope'
  readonly name: string
  readonly cancelled: boolean
  readonly shielded: boolean
  /** Its own deadline in milliseconds on the clock of `now()`. */
  readonly deadline?: number
  readonly waits: readonly TreeWait[]
  /** The scopes inside it, oldest first. Those more than 200 scopes deep are left out. */
  readonly inner: readonly TreeNode[]
}

/** How deep a picture goes. */
const maxDepth = 200

/** A frozen picture of a scope and everything inside it. Default: the root around the running code. */
export function tree(scope?: Scope): TreeNode {
  return describeNode(scope === undefined ? rootNode() : toNode(scope), maxDepth)
}

/** The same picture as text, one line for each scope, indented. */
export function formatTree(scope?: Scope): string {
  const node = scope === undefined ? rootNode() : toNode(scope)
  const lines: string[] = []
  write(describeNode(node, maxDepth), '', node.kernel.now(), lines)
  return lines.join('\n')
}

function rootNode(): ScopeNode {
  const node = host.ambient() as ScopeNode | undefined
  return (node?.kernel ?? native).root
}

function toNode(scope: Scope): ScopeNode {
  if (!(scope instanceof ScopeNode)) throw new TypeError('scope is not a scope of this package')
  return scope
}

function describeNode(node: ScopeNode, depth: number): TreeNode {
  const waits = node.waits().map(({ what, on, undo }): TreeWait => ({
    what,
    ...(on === undefined ? {} : { on: nameIn(node, on) }),
    ...(typeof undo === 'object' ? { until: undo.at } : {}),
  }))
  const inner: TreeNode[] = []
  for (let child = node.firstChild; child !== undefined && depth > 0; child = child.nextSibling) {
    inner.push(describeNode(child, depth - 1))
  }
  return Object.freeze({
    kind: node.kind,
    name: node.name,
    cancelled: node.cancelled,
    shielded: node.shielded,
    ...(node.deadline === undefined ? {} : { deadline: node.deadline }),
    waits: Object.freeze(waits),
    inner: Object.freeze(inner.reverse()),
  })
}

/** What is waited on; a task of another backend is named as such, since it will not go on with this one. */
function nameIn(node: ScopeNode, on: Named): string {
  const isForeign = on instanceof ScopeNode && on.kernel !== node.kernel
  return isForeign ? `${on.name} of the ${on.kernel.name} backend` : on.name
}

function write(node: TreeNode, indent: string, now: number, lines: string[]): void {
  const left = (time: number) => `${Math.max(0, Math.round(time - now))} ms`
  const notes = [
    node.cancelled ? 'cancelled' : '',
    node.shielded ? 'shielded' : '',
    node.deadline === undefined ? '' : `${left(node.deadline)} left`,
    ...node.waits.map(({ what, on, until }) => {
      const name = on === undefined || on === what ? '' : ` "${on}"`
      return `waits: ${what}${name}${until === undefined ? '' : `, ${left(until)}`}`
    }),
  ].filter((note) => note !== '')
  const tail = notes.length === 0 ? '' : ` (${notes.join('; ')})`
  lines.push(`${indent}${node.kind} "${node.name}"${tail}`)
  for (const inner of node.inner) write(inner, `${indent}  `, now, lines)
}
