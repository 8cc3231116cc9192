/** The tree of scopes and tasks, and what each of them waits for. */
import { host } from '#host'
import { ScopeNode } from './scope-node.ts'
import type { Scope } from './scope.ts'
import { native } from './native.ts'

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
  /** The scopes inside it, oldest first. */
  readonly inner: readonly TreeNode[]
}

/** A frozen picture of a scope and everything inside it. Default: the root around the running code. */
export function tree(scope?: Scope): TreeNode {
  return describeNode(scope === undefined ? rootNode() : toNode(scope))
}

/** The same picture as text, one line for each scope, indented. */
export function formatTree(scope?: Scope): string {
  const node = scope === undefined ? rootNode() : toNode(scope)
  const lines: string[] = []
  write(describeNode(node), '', node.kernel.now(), lines)
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

function describeNode(node: ScopeNode): TreeNode {
  const waits: TreeWait[] = []
  for (let wait = node.firstWait; wait !== undefined; wait = wait.nextInScope) {
    waits.unshift({
      what: wait.what,
      ...(wait.on === undefined ? {} : { on: wait.on.name }),
      ...(wait.timer === undefined ? {} : { until: wait.timer.at }),
    })
  }
  const inner: TreeNode[] = []
  for (let child = node.firstChild; child !== undefined; child = child.nextSibling) {
    inner.unshift(describeNode(child))
  }
  return Object.freeze({
    kind: node.kind,
    name: node.name,
    cancelled: node.cancelled,
    shielded: node.shielded,
    ...(node.deadline === undefined ? {} : { deadline: node.deadline }),
    waits,
    inner,
  })
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
