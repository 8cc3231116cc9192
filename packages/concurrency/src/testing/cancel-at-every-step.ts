/** A cancellation at every wait of a scenario, one run for each. */
import { runSim, sim } from '../backend.ts'
import { cancelScope } from '../cancel-scope.ts'
import { checkCount, checkFunction, checkOptions } from '../checks.ts'
import { ConcurrencyError, describeThrown } from '../errors.ts'
import type { Runnable } from '../kernel.ts'
import type { ScopeNode } from '../scope-node.ts'
import type { Scope } from '../scope.ts'
import type { SimWatch } from '../sim.ts'

/** Runs a part of the scenario in the scope that is cancelled. `undefined`: it was cut off. */
export type Victim = <T>(fn: (scope: Scope) => T | PromiseLike<T>) => Promise<T | undefined>

/** Options of {@link cancelAtEveryStep}. */
export interface CancelSweepOptions {
  /** The seed of the order in which everything goes on. Default: 1. */
  readonly seed?: number | undefined
  /** How many seeds are swept, from `seed` up. Default: 1. */
  readonly seeds?: number | undefined
  /** Waits of the victim after which the sweep fails. Default: 1,000. */
  readonly maxWaits?: number | undefined
}

/** What was run. */
export interface CancelSweepReport {
  readonly runs: number
  /** Waits at which the victim was cancelled, each once parked and once settled where it can be both. */
  readonly cancellations: number
}

/** When a wait is cancelled: as it begins to wait, or when it is settled and has not gone on. */
type Moment = 'parked' | 'settled' | 'never'

/**
 * Runs a scenario again and again in the simulator, and cancels its victim at another wait each time: at the first, the second, and so
 * on, once as the wait is parked, and once after it was settled and before it went on. The first run cancels nothing.
 *
 * ```ts
 * await cancelAtEveryStep(async (victim) => {
 *   const semaphore = createSemaphore(1)
 *   await victim(async () => {
 *     using permit = await semaphore.acquire()
 *     await checkpoint()
 *   })
 *   expect(semaphore.available).toBe(1)
 * })
 * ```
 *
 * @param scenario - makes everything anew, calls `victim` around what is to be cancelled, and checks what must hold afterwards
 * @throws ConcurrencyError CONCURRENCY_SIM_FAILED for the first run that fails, with the wait in the message and what it failed with
 *   as `cause`
 * @throws RangeError if the victim has no wait, or more than `maxWaits`
 */
export async function cancelAtEveryStep(
  scenario: (victim: Victim, scope: Scope) => unknown,
  options?: CancelSweepOptions,
): Promise<CancelSweepReport> {
  checkFunction(scenario, 'scenario')
  checkOptions(options, ['seed', 'seeds', 'maxWaits'])
  const { seed = 1, seeds = 1, maxWaits = 1000 } = options ?? {}
  checkCount(seed, 'seed', 0)
  checkCount(seeds, 'seeds', 1)
  checkCount(maxWaits, 'maxWaits', 1)
  let runs = 0
  let cancellations = 0
  for (let one = seed; one < seed + seeds; one++) {
    const untouched = new Sweep('never', Infinity)
    await untouched.run(scenario, one)
    runs += 1
    if (untouched.seen === 0) throw new RangeError('the victim of the scenario has no wait')
    for (const moment of ['parked', 'settled'] as const) {
      for (let at = 1; ; at++) {
        if (at > maxWaits) throw new RangeError(`the victim has more than maxWaits (${maxWaits}) waits`)
        const sweep = new Sweep(moment, at)
        await sweep.run(scenario, one)
        runs += 1
        if (sweep.cancelledAt === undefined) break
        cancellations += 1
      }
    }
  }
  return { runs, cancellations }
}

/** One run, and the wait at which it is cancelled. */
class Sweep implements SimWatch {
  /** Waits of the victim so far, at the moment in question. */
  seen = 0
  /** The wait at which it was cancelled. */
  cancelledAt: Runnable | undefined = undefined
  readonly #moment: Moment
  readonly #target: number
  readonly #victims = new Set<unknown>()

  constructor(moment: Moment, target: number) {
    this.#moment = moment
    this.#target = target
  }

  async run(scenario: (victim: Victim, scope: Scope) => unknown, seed: number): Promise<void> {
    const victim: Victim = async (fn) =>
      await cancelScope(
        async (scope) => {
          this.#victims.add(scope)
          return await fn(scope)
        },
        { name: 'victim' },
      )
    try {
      await runSim(sim(seed), async (scope) => await scenario(victim, scope), this)
    } catch (error) {
      throw this.#failure(seed, error)
    }
  }

  parked(wait: Runnable, act: (action: () => void) => void): void {
    if (this.#moment !== 'settled') this.#note(wait, act)
  }

  settled(runnable: Runnable, act: (action: () => void) => void): void {
    if (this.#moment !== 'parked') this.#note(runnable, act)
  }

  #note(runnable: Runnable, act: (action: () => void) => void): void {
    const scope = this.#victimAround(runnable.scope)
    if (scope === undefined) return
    this.seen += 1
    if (this.seen !== this.#target) return
    this.cancelledAt = runnable
    act(() => scope.cancel(`cancelled at its wait ${this.#target}`))
  }

  #victimAround(scope: ScopeNode): ScopeNode | undefined {
    for (let node: ScopeNode | undefined = scope; node !== undefined; node = node.parent) {
      if (this.#victims.has(node)) return node
    }
    return undefined
  }

  #failure(seed: number, cause: unknown): ConcurrencyError {
    const { cancelledAt } = this
    const on = cancelledAt?.on === undefined ? '' : ` "${cancelledAt.on.name}"`
    const step =
      cancelledAt === undefined
        ? 'without a cancellation'
        : `cancelled at wait ${this.#target} of the victim, ${cancelledAt.what}${on}, ${this.#moment}`
    const message = describeThrown(cause)
    return new ConcurrencyError('CONCURRENCY_SIM_FAILED', `seed ${seed}, ${step}: ${message}`, { cause })
  }
}
