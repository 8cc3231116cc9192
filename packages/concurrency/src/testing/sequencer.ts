/** Putting the steps of several tasks into one order. */
import { host } from '#host'
import { nodeOf } from '../ambient.ts'
import { checkCount } from '../checks.ts'
import type { WaitOptions } from '../scope.ts'
import { suspend, type Resume } from '../suspend.ts'

/**
 * Waits for its turn: position 0 first, then 1, …
 *
 * @throws RangeError if `position` is no whole number from 0 up, or was asked for before
 */
export type Sequencer = (position: number, options?: WaitOptions) => Promise<void>

/**
 * Makes a sequencer: `await seq(0)` in one task, `await seq(1)` in another, and so on. A position goes on after the one
 * before it did and its task has come to its next wait. A position that is cancelled while it waits can be asked for again;
 * those after it wait.
 */
export function sequencer(): Sequencer {
  let open = 0
  const asked = new Set<number>()
  const waiting = new Map<number, Resume<void>>()
  const openNext = () => {
    open += 1
    waiting.get(open)?.resolve()
    waiting.delete(open)
  }
  return async (position, options) => {
    checkCount(position, 'position', 0)
    if (asked.has(position)) throw new RangeError(`position ${position} was asked for before`)
    asked.add(position)
    const { eager } = nodeOf(options?.scope).kernel
    try {
      await suspend<void>(
        (resume) => {
          if (position === open) resume.resolve()
          else waiting.set(position, resume)
          return () => void waiting.delete(position)
        },
        { ...options, what: `sequencer ${position}` },
      )
    } catch (error) {
      asked.delete(position)
      throw error
    }
    // In the simulator the caller comes to its next wait before anything else goes on; natively, when no microtask is left.
    if (eager) host.whenQuiet(openNext)()
    else openNext()
  }
}
