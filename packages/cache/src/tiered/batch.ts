/** Many keys: so many at once, each with its own outcome, in the order of asking. */
import {
  failAfter,
  moveOnAfter,
  type Owner,
  race,
  run,
  shield,
  type Task,
  throwIfCancelled,
} from '@ipfs-kit/concurrency'
import { checkCount, checkMs } from './policy.ts'

/** Keys, or what else is worked on. */
export type Source<T> = Iterable<T> | AsyncIterable<T>

/** Options of the calls for many keys. */
export interface BatchOptions {
  /** Keys that are worked on at once, 1 to 1,024. Default 16. */
  readonly concurrency?: number
  /** Time for each key. Default 30,000. */
  readonly timeoutMs?: number
  /** Ends it; the items that came before are whole. */
  readonly signal?: AbortSignal
}

/** What became of one key: a failure is that of this key alone. */
export type BatchItem<T> =
  | { readonly key: string; readonly value: T }
  | { readonly key: string; readonly error: unknown }

/** @throws TypeError, RangeError */
export function checkBatch(options: BatchOptions): Required<Omit<BatchOptions, 'signal'>> {
  const { concurrency = 16, timeoutMs = 30_000, signal: _signal, ...unknown } = options
  const [other] = Object.keys(unknown)
  if (other !== undefined)
    throw new TypeError(`A call for many keys has no option ${other}; it has concurrency, timeoutMs, signal`)
  checkCount('concurrency', concurrency, 1, 1024)
  checkMs('timeoutMs', timeoutMs, 2_147_483_647)
  return { concurrency, timeoutMs }
}

/**
 * Works on each item in a task of the owner, and yields the outcomes in the order of the items. An item is taken from the
 * source when there is a place for it. Who leaves early cancels what runs.
 */
export async function* eachOf<I, T>(
  owner: Owner,
  source: Source<I>,
  work: { readonly keyOf: (item: I) => string; readonly run: (item: I) => Promise<T> },
  options: { readonly concurrency: number; readonly timeoutMs: number; readonly signal: AbortSignal },
): AsyncGenerator<BatchItem<T>, void, undefined> {
  const { concurrency, timeoutMs, signal } = options
  const iterator = iteratorOf(source)
  const window: Task<BatchItem<T>>[] = []
  let next: Promise<IteratorResult<I, unknown>> | undefined
  let isOver = false
  const begin = (item: I): Task<BatchItem<T>> => {
    const key = work.keyOf(item)
    return owner.spawn(
      async () => {
        try {
          return { key, value: await failAfter(timeoutMs, () => work.run(item)) }
        } catch (error) {
          // Anything else than its cancellation would be the failure of a task that nobody has asked yet.
          throwIfCancelled()
          return { key, error }
        }
      },
      { name: 'one of many' },
    )
  }
  try {
    for (;;) {
      signal.throwIfAborted()
      if (!isOver && window.length < concurrency) next ??= iterator.next()
      const [oldest] = window
      if (oldest === undefined && next === undefined) return
      // Who comes first, the source or the oldest; the wait that loses is begun again.
      const isItem = await firstOf(next, oldest, signal)
      if (isItem) {
        const step = await next!
        next = undefined
        signal.throwIfAborted()
        if (step.done === true) isOver = true
        else window.push(begin(step.value))
      } else {
        const item = await oldest!.join({ signal })
        window.shift()
        yield item
      }
    }
  } finally {
    await endAll(window)
    if (!isOver) await close(iterator, next !== undefined)
  }
}

/** Cancels tasks and waits for their end. */
async function endAll(tasks: readonly Task<unknown>[]): Promise<void> {
  for (const task of tasks) task.cancel('nobody takes the items any more')
  await shield(async () => {
    for (const task of tasks) {
      try {
        await task.join()
      } catch (error) {
        // Its cancellation, as was asked for: nobody takes what became of it.
        if (task.state === 'pending') throw error
      }
    }
  })
}

/** Tells a source that it is left. One that is asked for an item at this moment may never answer: it is told, not awaited. */
async function close(iterator: AsyncIterator<unknown>, isAsked: boolean): Promise<void> {
  const left = iterator.return?.()
  if (left === undefined) return
  if (isAsked) await moveOnAfter(0, () => run(left))
  else await run(left)
}

/** Waits until the source has an item, which is true, or the oldest task its outcome. */
async function firstOf(
  next: Promise<unknown> | undefined,
  oldest: Task<unknown> | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const racers: (() => Promise<boolean>)[] = []
  if (next !== undefined)
    racers.push(async () => {
      await run(next)
      return true
    })
  if (oldest !== undefined)
    racers.push(async () => {
      await oldest.join()
      return false
    })
  return race(racers, { signal, name: 'batch' })
}

function iteratorOf<I>(source: Source<I>): AsyncIterator<I, unknown> {
  const { [Symbol.asyncIterator]: iterate } = source as Partial<AsyncIterable<I>>
  if (typeof iterate === 'function') return iterate.call(source)
  if (typeof (source as Partial<Iterable<I>> | undefined)?.[Symbol.iterator] !== 'function')
    throw new TypeError('The source of many keys is not iterable')
  return oneByOne(source as Iterable<I>)
}

async function* oneByOne<I>(items: Iterable<I>): AsyncGenerator<I, void, undefined> {
  yield* items
}
