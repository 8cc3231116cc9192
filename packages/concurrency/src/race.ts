/** Several ways to one result: the first counts. */
import { checkFunction, checkOptions } from './checks.ts'
import type { ScopeNode } from './scope-node.ts'
import { nameOf, refuseGenerator, type Outcome } from './scope-run.ts'
import type { Scope, ScopeOptions } from './scope.ts'
import { TaskGroupError } from './task-group-error.ts'
import { taskGroup, type TaskGroup } from './task-group.ts'
import { toError } from './task.ts'

/** Options of {@link race}. */
export interface RaceOptions extends ScopeOptions {
  /**
   * What wins. `settled`: the first that returns or fails. `fulfilled`: the first that returns; failures before it are dropped,
   * unless nobody returns. Default: `settled`.
   */
  readonly until?: 'settled' | 'fulfilled' | undefined
}

/**
 * Runs functions at once, each in a task. As soon as one has won, the others are cancelled; `race` returns when all have ended.
 * What a loser returns is dropped. A loser that fails with something else than its cancellation is not swallowed: `race` then rejects
 * with it.
 *
 * @param fns - functions, each gets its task
 * @returns what the winner returned; rejects with its own error if it failed
 * @throws TaskGroupError if losers failed after there was a winner (with the error of the winner first, if it failed too), or, with
 *   `fulfilled`, all failed; the reason if it was cancelled; RangeError if there are no functions
 */
export async function race<F extends (task: Scope) => unknown>(
  fns: Iterable<F>,
  options?: RaceOptions,
): Promise<Awaited<ReturnType<F>>> {
  const racers = checkRacers(fns)
  checkOptions(options, ['until', 'name', 'shield', 'deadline', 'signal', 'scope'])
  const { until = 'settled', ...rest } = options ?? {}
  if (until !== 'settled' && until !== 'fulfilled') {
    throw new TypeError(`until is "${String(until)}", not settled or fulfilled`)
  }
  const name = options?.name ?? 'race'
  const failures = new Set<unknown>()
  let won: Outcome<unknown> | undefined
  let group: TaskGroup | undefined
  const body = (own: TaskGroup) => {
    group = own
    const finish = (result: Outcome<unknown>, racer: Scope) => {
      won ??= result
      own.cancel(`"${racer.name}" won "${name}"`)
    }
    const runs = async (fn: F, task: Scope) => {
      let value: unknown
      try {
        value = await fn(task)
      } catch (error) {
        if (own.cancelled) throw error
        const failure = toError(task as ScopeNode, error)
        if (until === 'settled') finish({ failed: true, error: failure }, task)
        else failures.add(failure)
        return
      }
      finish({ failed: false, value }, task)
    }
    for (const fn of racers) own.spawn((task) => runs(fn, task), { name: nameOf(undefined, fn) })
  }
  try {
    await taskGroup(body, { ...rest, name })
  } catch (error) {
    if (!(error instanceof TaskGroupError) || won?.failed !== true) throw error
    // Several that wait for the same thing fail with the same error: one failure.
    const own = won.error
    const more = error.errors.filter((one) => one !== own)
    throw more.length === 0 ? own : new TaskGroupError([own, ...more], name)
  }
  if (won === undefined) throw group!.cancelled ? group!.reason : new TaskGroupError([...failures], name)
  if (won.failed) throw won.error
  return won.value as Awaited<ReturnType<F>>
}

function checkRacers<F>(fns: Iterable<F>): F[] {
  if (typeof (Object(fns) as Partial<Iterable<F>>)[Symbol.iterator] !== 'function') {
    throw new TypeError('fns is not iterable')
  }
  const racers = [...fns]
  if (racers.length === 0) throw new RangeError('fns is empty: a race without racers has no end')
  for (const [at, fn] of racers.entries()) {
    checkFunction(fn, `fns[${at}]`)
    refuseGenerator(fn)
  }
  return racers
}
