/** Working on many items, so many at once. */
import { checkFunction } from './checks.ts'
import { nameOf, refuseGenerator } from './scope-run.ts'
import type { Scope } from './scope.ts'
import { checkSource, eachOptions, spawnEach, type EachOptions, type Source } from './spawn-each.ts'
import { taskGroup, type TaskGroupNode } from './task-group.ts'

/**
 * Calls `fn` for each item, each in a task of its own, `concurrency` at once. The first failure cancels the rest. An item is taken
 * from the source when there is a place for it, so that never more than `concurrency` are in hand.
 *
 * The source is part of the work: it runs in the scope of the group, so that its own waits with this library are cancelled with it,
 * it is awaited, and it is closed (`return()`) if it was not read to its end. Pass `currentScope().signal` to what else it waits for.
 *
 * @param source - items, or an async iterable of them
 * @param fn - gets the item, its index, and the task that works on it
 * @returns the results in the order of the items, whatever the order in which they came
 * @throws TaskGroupError with what `fn` and the source failed with; the reason if it was cancelled, also if `fn` cancels its own task;
 *   RangeError if `concurrency` is no whole number from 1 up
 */
export async function map<T, R>(
  source: Source<T>,
  fn: (item: T, index: number, task: Scope) => R | PromiseLike<R>,
  options?: EachOptions,
): Promise<R[]> {
  checkSource(source, 'source')
  checkFunction(fn, 'fn')
  refuseGenerator(fn)
  const [concurrency, rest] = eachOptions(options)
  const results: R[] = []
  let taken = 0
  let done = 0
  let group: TaskGroupNode | undefined
  const body = async (scope: Scope) => {
    group = scope as TaskGroupNode
    taken = await spawnEach(group, group, source, concurrency, (item, index) => async (task) => {
      results[index] = await fn(item, index, task)
      done += 1
    })
  }
  await taskGroup(body, { ...rest, name: nameOf(options, fn) })
  if (done < taken) throw group!.reason
  return results
}
