/** A cancellation at every wait of a scenario, and at every step that passes meanwhile, one run for each. */
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
  /** Waits of the victim, and steps that pass while it waits, after which the sweep fails. Default: 1,000. */
  readonly maxWaits?: number | undefined
}

/** What was run. */
export interface CancelSweepReport {
  readonly runs: number
  /** Runs in which the victim was cancelled: at each wait, once parked and once settled where it can be both, and those of `during`. */
  readonly cancellations: number
  /** Those of them in which it was cancelled while it waited, after a step that was not its own. */
  readonly during: number
}

/** When a wait is cancelled: as it begins, after a step that it waits through, or settled and before it goes on. */
type Moment = 'parked' | 'during' | 'settled' | 'never'

/**
 * Runs a scenario again and again in the simulator, and cancels its victim at another moment each time: at its first wait, the second,
 * and so on, once as the wait is parked, and once after it was settled and before it went on; then after the first step that passes
 * while the victim waits, the second, and so on. The first run cancels nothing.
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
 * @throws ConcurrencyError CONCURRENCY_SIM_FAILED for the first run that fails, with the moment in the message and what it failed
 *   with as `cause`
 * @throws RangeError if the victim has no wait, more than `maxWaits`, or waits through more than `maxWaits` steps
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
  let during = 0
  for (let one = seed; one < seed + seeds; one++) {
    const untouched = new Sweep('never', Infinity)
    await untouched.run(scenario, one)
    runs += 1
    if (untouched.seen === 0) throw new RangeError('the victim of the scenario has no wait')
    for (const moment of ['parked', 'settled', 'during'] as const) {
      for (let at = 1; ; at++) {
        if (at > maxWaits) throw tooMany(moment, maxWaits)
        const sweep = new Sweep(moment, at)
        await sweep.run(scenario, one)
        runs += 1
        if (sweep.cancelledAt === undefined) break
        cancellations += 1
        if (moment === 'during') during += 1
      }
    }
  }
  return { runs, cancellations, during }
}

function tooMany(moment: Moment, maxWaits: number): RangeError {
  if (moment !== 'during') return new RangeError(`the victim has more than maxWaits (${maxWaits}) waits`)
  return new RangeError(`the victim waits through more than maxWaits (${maxWaits}) steps`)
}

/** One run, and the wait at which it is cancelled. */
class Sweep implements SimWatch {
  /** Waits of the victim so far, or steps while it waited, at the moment in question. */
  seen = 0
  /** The wait at which it was cancelled. */
  cancelledAt: Runnable | undefined = undefined
  readonly #moment: Moment
  readonly #target: number
  readonly #victims = new Set<unknown>()
  /** Parked waits inside victims, each with its victim. */
  readonly #waiting = new Map<Runnable, ScopeNode>()
  /** Victims that parked a wait in this step: for them this is the moment `parked`. */
  readonly #justParked = new Set<ScopeNode>()

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
    const victim = this.#victimAround(wait.scope)
    if (victim === undefined) return
    this.#waiting.set(wait, victim)
    this.#justParked.add(victim)
    if (this.#moment === 'parked' || this.#moment === 'never') this.#note(victim, wait, act)
  }

  settled(runnable: Runnable, act: (action: () => void) => void): void {
    const victim = this.#victimAround(runnable.scope)
    if (victim === undefined) return
    this.#waiting.delete(runnable)
    if (this.#moment === 'settled' || this.#moment === 'never') this.#note(victim, runnable, act)
  }

  stepped(): void {
    if (this.#moment === 'during') {
      const passed = new Set(this.#justParked)
      for (const [wait, victim] of this.#waiting) {
        if (passed.has(victim) || victim.cancelled) continue
        passed.add(victim)
        this.#note(victim, wait, (action) => action())
      }
    }
    this.#justParked.clear()
  }

  #note(victim: ScopeNode, runnable: Runnable, act: (action: () => void) => void): void {
    this.seen += 1
    if (this.seen !== this.#target) return
    this.cancelledAt = runnable
    const moment = this.#moment === 'during' ? 'while it waited, step' : 'at its wait'
    act(() => victim.cancel(`cancelled ${moment} ${this.#target}`))
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
    let step = 'without a cancellation'
    if (cancelledAt !== undefined) {
      const when =
        this.#moment === 'during'
          ? `after step ${this.#target} that the victim waits through`
          : `at wait ${this.#target} of the victim`
      step = `cancelled ${when}, ${cancelledAt.what}${on}, ${this.#moment}`
    }
    const message = describeThrown(cause)
    return new ConcurrencyError('CONCURRENCY_SIM_FAILED', `seed ${seed}, ${step}: ${message}`, { cause })
  }
}
