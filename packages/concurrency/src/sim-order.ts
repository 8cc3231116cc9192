/** Which of the things that can go on goes on: the two modes of the simulator. */
import type { Runnable } from './kernel.ts'
import type { ScopeNode } from './scope-node.ts'
import { taskAround } from './task-around.ts'
import { SeededRandom } from './seeded-random.ts'

/** Picks the next of several; the answer is an index. */
export interface SimOrder {
  pick(ready: readonly Runnable[], step: number): number
}

/** Each of them is as likely as the others. */
export function uniformOrder(seed: number): SimOrder {
  const random = new SeededRandom(seed)
  return { pick: (ready) => (ready.length === 1 ? 0 : random.below(ready.length)) }
}

/** Steps in a row after which a task makes room for the others, so that one that looks again and again cannot stop the run. */
const longestStreak = 256

/**
 * Random priorities with few changes (PCT: Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010). Each task has a
 * priority and the highest one goes on, except that at `depth - 1` steps, chosen beforehand among the first `length`,
 * the task that would go on falls below all others. Finds a bug of `depth` ordered steps with a probability of at least
 * 1/(tasks × length^(depth - 1)).
 */
export function pctOrder(seed: number, depth: number, given: number | undefined): SimOrder {
  const random = new SeededRandom(seed)
  // How long a run is going to be is not known: each size has its share of the seeds.
  const length = given ?? 8 << random.below(8)
  const priorities = new WeakMap<ScopeNode, number>()
  const changes = new Set<number>()
  while (changes.size < Math.min(depth - 1, length)) changes.add(1 + random.below(length))
  let lowest = 0
  let last: ScopeNode | undefined
  let streak = 0
  const priority = (runnable: Runnable) => {
    const task = taskOf(runnable.scope)
    let found = priorities.get(task)
    if (found === undefined) priorities.set(task, (found = 1 + random.next()))
    return found
  }
  const highest = (ready: readonly Runnable[]) => {
    let best = 0
    let bestPriority = priority(ready[0]!)
    for (let at = 1; at < ready.length; at++) {
      const one = priority(ready[at]!)
      if (one > bestPriority) [best, bestPriority] = [at, one]
    }
    return best
  }
  return {
    pick(ready, step) {
      const best = highest(ready)
      const task = taskOf(ready[best]!.scope)
      streak = task === last ? streak + 1 : 0
      last = task
      if (!changes.delete(step) && streak < longestStreak) return best
      streak = 0
      priorities.set(task, (lowest -= 1))
      return highest(ready)
    },
  }
}

/** The task in which a scope lies, or the outermost scope. */
export function taskOf(scope: ScopeNode): ScopeNode {
  return taskAround(scope) ?? scope.kernel.root
}
