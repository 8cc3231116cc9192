/** The same test on the native backend and, under many seeds, in the simulator. */
import { host } from '#host'
import { backendVariable, nativeBackend, withBackend } from '../backend.ts'
import { checkCount, checkFunction, checkOptions } from '../checks.ts'
import type { Scope } from '../scope.ts'
import { seedVariable } from './seed-variable.ts'
import { simulate, type SweepMode } from './simulate.ts'

/** What registers a test: `test` of vitest, of node:test, of Deno. */
export type RegisterTest = (name: string, run: () => Promise<void>) => unknown

/** Options of {@link forEachBackend}, and of a single test. */
export interface EachBackendOptions {
  /** How many seeds are run in the simulator: 1, 2, … Default: 100. */
  readonly seeds?: number | undefined
  /** Default: `uniform`. */
  readonly mode?: SweepMode | undefined
  /** The one backend to run on, for what only makes sense there. Default: both. */
  readonly only?: 'native' | 'sim' | undefined
}

/** Registers a test on each backend. */
export type TestFunction = (
  name: string,
  run: (scope: Scope) => unknown,
  options?: EachBackendOptions,
) => void

/**
 * Makes a function that registers each test twice: as `[native] name`, run once, and as `[sim, N seeds] name`, run under
 * N seeds until one fails. Each run is a program of its own by `withBackend`, so the test has to make everything it uses.
 *
 * The environment selects: IPFS_KIT_BACKEND=native or =sim registers one of the two; IPFS_KIT_SEED=N (or
 * IPFS_KIT_BACKEND=sim:N) runs that seed alone, in the simulator alone.
 *
 * @param test - what registers a test
 * @throws ConcurrencyError CONCURRENCY_SIM_FAILED in the test of a seed that fails; the message names the seed, `cause` is what
 *   the test failed with
 */
export function forEachBackend(test: RegisterTest, options?: EachBackendOptions): TestFunction {
  checkFunction(test, 'test')
  checkOptions(options, ['seeds', 'mode', 'only'])
  return (name, run, ownOptions) => {
    checkFunction(run, 'run')
    checkOptions(ownOptions, ['seeds', 'mode', 'only'])
    const { seeds = 100, mode = 'uniform', only } = { ...options, ...ownOptions }
    checkCount(seeds, 'seeds', 1)
    const chosen = selection()
    if (only !== 'sim' && chosen.backend !== 'sim') {
      test(`[native] ${name}`, async () => void (await withBackend(run, { backend: nativeBackend })))
    }
    if (only !== 'native' && chosen.backend !== 'native') {
      const { seed } = chosen
      const title = seed === undefined ? `${seeds} seeds` : `seed ${seed}`
      test(`[sim, ${title}] ${name}`, async () => {
        const range = seed === undefined ? seeds : ([seed, seed] as const)
        const { failed } = await simulate(run, { seeds: range, mode, maxFailures: 1 })
        if (failed[0] !== undefined) throw failed[0].error
      })
    }
  }
}

/** What the environment asks for. */
function selection(): { readonly backend?: 'native' | 'sim'; readonly seed?: number } {
  const backend = host.environment(backendVariable) ?? ''
  const [, name, ofBackend] = /^(?:(native|sim)(?::(\d+))?)?$/.exec(backend) ?? ['', 'wrong']
  if (name === 'wrong' || (name === 'native' && ofBackend !== undefined)) {
    throw new RangeError(`${backendVariable} is "${backend}", not native, sim or sim:SEED`)
  }
  const text = host.environment(seedVariable) ?? ''
  const seed = text === '' ? ofBackend : text
  if (seed === undefined) return name === undefined ? {} : { backend: name as 'native' | 'sim' }
  if (!/^\d+$/.test(seed)) throw new RangeError(`${seedVariable} is "${seed}", not a whole number`)
  return name === 'native' ? { backend: 'native' } : { backend: 'sim', seed: Number(seed) }
}
