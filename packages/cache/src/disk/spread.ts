/** Work on very many items, some at once: a task for each worker, since one for each item would cost more than the work. */
import { checkpoint, map, TaskGroupError } from '@ipfs-kit/concurrency'

/** Items of a worker between two turns for others. */
const itemsOfTurn = 128

/**
 * Calls `work` for each item, `atOnce` at a time.
 *
 * @throws the first failure of `work`, which ends the rest; the reason of the signal
 */
export async function spread<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  const go = async (): Promise<void> => {
    for (let count = 1; ; count += 1) {
      const { done, value } = iterator.next()
      if (done === true) return
      await work(value)
      if (count % itemsOfTurn === 0) await checkpoint()
    }
  }
  try {
    await map(Array.from({ length: atOnce }), go, { ...options, concurrency: atOnce })
  } catch (error) {
    throw error instanceof TaskGroupError ? (error.flatten()[0] ?? error) : error
  }
}
