/** Tasks for the items of a source, so many at once: what `map` and `asCompleted` have in common. */
import { checkCount, checkOptions } from './checks.ts'
import { unwrapAbort, type ScopeNode } from './scope-node.ts'
import type { Scope, ScopeOptions } from './scope.ts'
import { createSemaphore } from './semaphore.ts'
import type { TaskGroupNode } from './task-group.ts'

/** Options of what runs a task for each item. */
export interface EachOptions extends ScopeOptions {
  /** Items that are worked on at once: a whole number from 1 up. Default: 16. */
  readonly concurrency?: number | undefined
}

/** Where items come from. What an async source waits for with this library is cancelled with the work on its items. */
export type Source<T> = Iterable<T> | AsyncIterable<T>

/** Begins the work on one item: called when the item is taken. */
export type Each<T> = (item: T, index: number) => (task: Scope) => Promise<void>

/** Parts the options of a scope from `concurrency`. */
export function eachOptions(options: EachOptions | undefined): [concurrency: number, rest: ScopeOptions] {
  checkOptions(options, ['concurrency', 'name', 'shield', 'deadline', 'signal', 'scope'])
  const { concurrency = 16, ...rest } = options ?? {}
  checkCount(concurrency, 'concurrency', 1)
  return [concurrency, rest]
}

/** Refuses what gives no items. */
export function checkSource(source: unknown, what: string): void {
  const { [Symbol.asyncIterator]: asyncIterator, [Symbol.iterator]: iterator } = Object(source) as Record<
    symbol,
    unknown
  >
  if (typeof asyncIterator === 'function' || typeof iterator === 'function') return
  throw new TypeError(`${what} is not iterable`)
}

/**
 * Takes items and spawns a task for each, in the order of the source. An item is taken when there is a place for it, so that
 * never more than `concurrency` are in hand. The source is part of the work: what it waits for with this library is cancelled with
 * `scope`, it is awaited, and it is closed if it was not read to its end.
 *
 * @returns how many items were taken
 */
export async function spawnEach<T>(
  group: TaskGroupNode,
  scope: Scope,
  source: Source<T>,
  concurrency: number,
  each: Each<T>,
): Promise<number> {
  const places = createSemaphore(concurrency, { name: `places of ${group.name}` })
  const iterator = iteratorOf(source)
  // A source that has ended or thrown is not to be closed.
  let toClose = true
  try {
    for (let index = 0; ; index++) {
      const place = await places.acquire({ scope })
      toClose = false
      const { done, value } = await iterator.next()
      if (done === true) return index
      toClose = true
      if (scope.cancelled) throw scope.reason
      const work = each(value, index)
      const body = async (task: Scope) => {
        try {
          await work(task)
        } catch (error) {
          // One that was cancelled alone leaves a gap that nobody could see: the rest is cut off with it.
          if (task.cancelled && Object.is(unwrapAbort(task as ScopeNode, error), task.reason)) {
            group.cancelWith('explicit', () => task.reason)
          }
          throw error
        } finally {
          place.release()
        }
      }
      group.spawn(body, { name: `${group.name}[${index}]` })
    }
  } finally {
    if (toClose) await iterator.return?.()
  }
}

function iteratorOf<T>(source: Source<T>): AsyncIterator<T, unknown> | Iterator<T, unknown> {
  // A text has an iterator and knows no `in`.
  const { [Symbol.asyncIterator]: asyncIterator } = source as Partial<AsyncIterable<T>>
  return asyncIterator === undefined ? (source as Iterable<T>)[Symbol.iterator]() : asyncIterator.call(source)
}
