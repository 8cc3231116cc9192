/** One scenario under many seeds. */
import { sim, withBackend, type SimMode, type SimOptions } from '../backend.ts'
import { checkCount, checkFunction, checkOptions } from '../checks.ts'
import { ConcurrencyError, describeThrown } from '../errors.ts'
import type { Scope } from '../scope.ts'
import { seedVariable } from './seed-variable.ts'

/** How each seed is run: in one of the simulator's modes, or once in each of them. */
export type SweepMode = SimMode | 'both'

/** Options of {@link simulate}. */
export interface SimulateOptions {
  /** The seeds: the first and the last, or a number of them, which begin at 1. Default: 100. */
  readonly seeds?: number | readonly [from: number, to: number] | undefined
  /** Default: `uniform`. */
  readonly mode?: SweepMode | undefined
  /** Stops after so many failed runs. Default: every seed is run. */
  readonly maxFailures?: number | undefined
  /** Steps after which one run fails with CONCURRENCY_SIM_STEPS. Default: 1,000,000. */
  readonly maxSteps?: number | undefined
  /** Gets one line for each step of each run, as that of `sim`. */
  readonly trace?: ((line: string) => void) | undefined
}

/** A run that failed. */
export interface FailedRun {
  readonly seed: number
  readonly mode: SimMode
  /** CONCURRENCY_SIM_FAILED; its `cause` is what the scenario failed with. */
  readonly error: ConcurrencyError
}

/** What came of a scenario. */
export interface SimulateReport {
  /** Runs that were made. */
  readonly runs: number
  readonly failed: readonly FailedRun[]
}

/**
 * Runs a scenario simulated under many seeds, one after the other. The same seed and mode give the same run.
 *
 * @param scenario - makes everything it uses anew: a run fails by what it throws, by a deadlock, a leak, or foreign work
 * @returns the runs that failed; does not throw for them
 * @throws RangeError if the seeds are none
 */
export async function simulate(
  scenario: (scope: Scope) => unknown,
  options?: SimulateOptions,
): Promise<SimulateReport> {
  checkFunction(scenario, 'scenario')
  checkOptions(options, ['seeds', 'mode', 'maxFailures', 'maxSteps', 'trace'])
  const { seeds = 100, mode = 'uniform', maxFailures = Infinity, maxSteps, trace } = options ?? {}
  const [from, to] = typeof seeds === 'number' ? [1, seeds] : seeds
  checkCount(from, 'the first seed', 0)
  checkCount(to, typeof seeds === 'number' ? 'seeds' : 'the last seed', from)
  if (maxFailures !== Infinity) checkCount(maxFailures, 'maxFailures', 1)
  const modes = modesOf(mode)
  const failed: FailedRun[] = []
  let runs = 0
  for (let seed = from; seed <= to; seed++) {
    for (const one of modes) {
      if (failed.length >= maxFailures) break
      runs += 1
      const error = await runOnce(scenario, seed, { mode: one, maxSteps, trace })
      if (error !== undefined) failed.push({ seed, mode: one, error })
    }
  }
  return { runs, failed }
}

function modesOf(mode: SweepMode): readonly SimMode[] {
  if (mode === 'both') return ['uniform', 'pct']
  if (mode === 'uniform' || mode === 'pct') return [mode]
  throw new TypeError(`mode is "${String(mode)}", not uniform, pct or both`)
}

async function runOnce(
  scenario: (scope: Scope) => unknown,
  seed: number,
  options: SimOptions & { readonly mode: SimMode },
): Promise<ConcurrencyError | undefined> {
  try {
    await withBackend(scenario, { backend: sim(seed, options) })
    return undefined
  } catch (error) {
    return simFailed(seed, options.mode, error)
  }
}

/** What a failed run is reported as. */
function simFailed(seed: number, mode: SimMode, cause: unknown): ConcurrencyError {
  const how = mode === 'pct' ? ', mode pct' : ''
  const message = describeThrown(cause)
  return new ConcurrencyError(
    'CONCURRENCY_SIM_FAILED',
    `seed ${seed}${how}: ${message}\nto run it again: ${seedVariable}=${seed}`,
    { cause },
  )
}
