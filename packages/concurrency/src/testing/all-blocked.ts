/** Waiting until nothing else can go on. */
import { host } from '#host'
import { nodeOf } from '../ambient.ts'
import type { Kernel } from '../kernel.ts'
import type { ScopeNode } from '../scope-node.ts'
import type { WaitOptions } from '../scope.ts'
import { underSignal } from '../wait-options.ts'
import { park, refuse, type Wait } from '../wait.ts'

/** Turns of the event loop without any change after which native tasks count as blocked. */
const calmTurns = 3

/**
 * Waits until every other task waits. A sleep is a wait: the clock does not move for this one.
 *
 * In the simulator that is exact: it goes on when nothing else can, before the clock moves. On the native backend it goes
 * on after three turns of the event loop in which no task of the program began, ended, yielded, or left a wait of this
 * library. A task that awaits something foreign, a file or a socket, counts as waiting if that takes longer than these turns.
 */
export function waitAllTasksBlocked(options?: WaitOptions): Promise<void> {
  if (options?.signal !== undefined)
    return underSignal(options, async (inner) => await waitAllTasksBlocked(inner))
  const scope = nodeOf(options?.scope)
  const what = 'all tasks blocked'
  if (scope.cancelled) return refuse(scope, what, undefined)
  const { kernel } = scope
  const wait = park<void>(scope, what, undefined)
  if (kernel.eager) watchCalm(kernel, wait)
  else kernel.resumeLater({ scope, what, on: undefined, deliver: () => void wait.succeed() })
  return wait.promise
}

function watchCalm(kernel: Kernel, wait: Wait<void>): void {
  let before = standing(kernel)
  let calm = 0
  const look = () => {
    if (wait.phase !== 'pending') return
    const after = standing(kernel)
    calm = same(before, after) ? calm + 1 : 0
    before = after
    if (calm === calmTurns) wait.succeed()
    else host.turn(look)
  }
  host.turn(look)
}

/** All scopes and waits, in order, and how many tasks began and yields there were: what changes when any task goes on. */
function standing(kernel: Kernel): unknown[] {
  const all: unknown[] = [kernel.counters.spawned, kernel.counters.yields]
  collect(kernel.root, all)
  return all
}

function collect(node: ScopeNode, all: unknown[]): void {
  all.push(node)
  all.push(...node.waits())
  for (let child = node.firstChild; child !== undefined; child = child.nextSibling) collect(child, all)
}

function same(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at])
}
