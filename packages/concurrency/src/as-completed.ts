/** Results in the order in which they come. */
import { currentNode } from './ambient.ts'
import { channel, type ReceiveEnd } from './channel.ts'
import { checkFunction } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import { isInside, type ScopeNode } from './scope-node.ts'
import { nameOf, refuseGenerator } from './scope-run.ts'
import type { Scope } from './scope.ts'
import { checkSource, eachOptions, spawnEach, type EachOptions, type Source } from './spawn-each.ts'
import { taskGroup, type TaskGroupNode } from './task-group.ts'

/**
 * Runs functions, `concurrency` at once, and gives `consume` their results as they come. It is a callback and no async generator
 * because a scope does not span a `yield`. A result that was not taken yet keeps its place, so that a slow `consume` slows the rest.
 *
 * When `consume` returns, what is still running is cancelled and awaited. The first failure cancels the rest and `consume`, whose
 * next wait rejects: the results never end early as if they were complete.
 *
 * @param fns - functions, or an iterable that gives them; each gets its task
 * @param consume - gets the results, to be iterated once, and the scope that it runs in
 * @returns what `consume` returned
 * @throws TaskGroupError with what the functions and `consume` failed with; the reason if it was cancelled; RangeError if
 *   `concurrency` is no whole number from 1 up
 */
export async function asCompleted<F extends (task: Scope) => unknown, R>(
  fns: Source<F>,
  consume: (results: AsyncIterable<Awaited<ReturnType<F>>>, scope: Scope) => R | PromiseLike<R>,
  options?: EachOptions,
): Promise<R> {
  checkSource(fns, 'fns')
  if (Array.isArray(fns)) for (const [at, fn] of fns.entries()) checkFunction(fn, `fns[${at}]`)
  checkFunction(consume, 'consume')
  refuseGenerator(consume)
  const [concurrency, rest] = eachOptions(options)
  const body = async (scope: Scope) => {
    const group = scope as TaskGroupNode
    const [send, receive] = channel<Awaited<ReturnType<F>>>(0, { name: `results of ${group.name}` })
    const feed = async (feeder: Scope) => {
      await spawnEach(group, feeder, fns, concurrency, (fn, index) => {
        checkFunction(fn, `fns[${index}]`)
        refuseGenerator(fn)
        const end = send.clone()
        // The end stays open if something fails: `consume` is to be cancelled then, and not to see an end.
        return async (task) => {
          await end.send((await fn(task)) as Awaited<ReturnType<F>>, { scope: task })
          end.close()
        }
      })
      send.close()
    }
    group.spawn(feed, { name: `${group.name} feed` })
    const value = await consume(iterate(receive, group), group)
    if (group.firstChild !== undefined) group.cancel(`"${group.name}" has taken what it needs`)
    return value
  }
  return await taskGroup(body, { ...rest, name: nameOf(options, consume) })
}

/** Iterates in the scope of the running code if that is inside `group`, else, as on hosts without async context, in `group`. */
function iterate<T>(receive: ReceiveEnd<T>, group: ScopeNode): AsyncIterable<T> {
  const next = async (): Promise<IteratorResult<T, undefined>> => {
    const scope = currentNode()
    try {
      return { done: false, value: await receive.receive({ scope: isInside(scope, group) ? scope : group }) }
    } catch (error) {
      if (error instanceof ConcurrencyError && error.code === 'CONCURRENCY_CHANNEL_ENDED') {
        return { done: true, value: undefined }
      }
      throw error
    }
  }
  return { [Symbol.asyncIterator]: () => ({ next }) }
}
