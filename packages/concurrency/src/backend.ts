/** Backends: what runs a program, and how it is chosen. */
import { host } from '#host'
import { currentNode } from './ambient.ts'
import { checkCount, checkFunction, checkOptions } from './checks.ts'
import { ConcurrencyError, describeThrown } from './errors.ts'
import { native } from './native.ts'
import { ScopeNode } from './scope-node.ts'
import { runScope, type Outcome } from './scope-run.ts'
import type { Scope } from './scope.ts'
import { pctOrder, uniformOrder } from './sim-order.ts'
import { SimKernel, type SimWatch } from './sim.ts'
import { suspend, type Resume, type Undo } from './suspend.ts'
import { formatTree } from './tree.ts'
import { Wait } from './wait.ts'

/** How the simulator chooses: each of the ready alike, or by priorities with few changes. */
export type SimMode = 'uniform' | 'pct'

/** Options of {@link sim}. */
export interface SimOptions {
  /** Default: `uniform`. */
  readonly mode?: SimMode | undefined
  /** With `pct`: the number of ordered steps of the bugs that are looked for. Default: 3. */
  readonly depth?: number | undefined
  /** With `pct`: the steps among which priorities change. Default: 8, 16, … or 1,024, by the seed. */
  readonly length?: number | undefined
  /** Steps after which the run fails with CONCURRENCY_SIM_STEPS. Default: 1,000,000. */
  readonly maxSteps?: number | undefined
  /** Gets one line for each step: its number, the virtual time, the task, and what it goes on from. */
  readonly trace?: ((line: string) => void) | undefined
}

/** A simulated run that has not begun. */
export interface SimBackend {
  readonly name: 'sim'
  readonly seed: number
  readonly mode: SimMode
  readonly depth: number
  readonly length: number | undefined
  readonly maxSteps: number
  readonly trace: ((line: string) => void) | undefined
}

/** The host's own clock, timers and order. */
export interface NativeBackend {
  readonly name: 'native'
}

/** What runs a program. */
export type Backend = NativeBackend | SimBackend

/** The backend on the host's clock and timers. */
export const nativeBackend: NativeBackend = Object.freeze({ name: 'native' })

/**
 * The simulated backend: waits go on one at a time in an order that the seed chooses, time is virtual and jumps when nothing can go
 * on. The same seed gives the same run.
 *
 * @param seed - a whole number from 0 up
 */
export function sim(seed: number, options?: SimOptions): SimBackend {
  checkCount(seed, 'seed', 0)
  checkOptions(options, ['mode', 'depth', 'length', 'maxSteps', 'trace'])
  const { mode = 'uniform', depth = 3, length, maxSteps = 1_000_000, trace } = options ?? {}
  if (mode !== 'uniform' && mode !== 'pct')
    throw new TypeError(`mode is "${String(mode)}", not uniform or pct`)
  checkCount(depth, 'depth', 1)
  if (length !== undefined) checkCount(length, 'length', 1)
  checkCount(maxSteps, 'maxSteps', 1)
  const backend: SimBackend = Object.freeze({ name: 'sim', seed, mode, depth, length, maxSteps, trace })
  simulated.add(backend)
  return backend
}

/** What {@link sim} has made. */
const simulated = new WeakSet<Backend>()

/** The variable that names the backend where none is given: `native`, `sim`, or `sim:SEED`. */
export const backendVariable = 'IPFS_KIT_BACKEND'

/**
 * The backend that the environment asks for.
 *
 * @returns the one of IPFS_KIT_BACKEND, else the native one
 * @throws RangeError if the variable holds something else
 */
export function backendFromEnvironment(): Backend {
  const text = host.environment(backendVariable) ?? ''
  if (text === '' || text === 'native') return nativeBackend
  const [, seed] = /^sim(?::(\d+))?$/.exec(text) ?? []
  if (seed === undefined && text !== 'sim') {
    throw new RangeError(`${backendVariable} is "${text}", not native, sim or sim:SEED`)
  }
  return sim(Number(seed ?? 1))
}

/** Options of {@link withBackend}. */
export interface BackendOptions {
  /** What runs it. Default: what IPFS_KIT_BACKEND asks for, else native. */
  readonly backend?: Backend | undefined
}

/**
 * Runs a whole program on a backend: `fn` is its main function. In a simulated run every task has to end with it.
 *
 * @returns what `fn` returned
 * @throws ConcurrencyError CONCURRENCY_SIM_DEADLOCK, _FOREIGN, _STEPS and _LEAK of a simulated run
 */
export async function withBackend<T>(
  fn: (scope: Scope) => T | PromiseLike<T>,
  options?: BackendOptions,
): Promise<T> {
  checkFunction(fn, 'fn')
  checkOptions(options, ['backend'])
  const backend = checkBackend(options?.backend) ?? backendFromEnvironment()
  if (backend.name === 'native') {
    const node = new ScopeNode(native, native.root, 'scope', 'main', undefined)
    return valueOf(await runScope(node, fn))
  }
  return await runSim(backend, fn)
}

function checkBackend(backend: Backend | undefined): Backend | undefined {
  if (backend === undefined || backend === nativeBackend || simulated.has(backend)) return backend
  throw new TypeError('backend is not nativeBackend or what sim() returns')
}

/**
 * Runs `fn` simulated, with somebody who sees each wait. A cancellation around the run ends it: everything in it is cancelled
 * with the same reason.
 */
export async function runSim<T>(
  backend: SimBackend,
  fn: (scope: Scope) => T | PromiseLike<T>,
  watch?: SimWatch,
): Promise<T> {
  const around = currentNode().kernel
  if (around instanceof SimKernel && around.running) {
    throw new ConcurrencyError('CONCURRENCY_SIM_FOREIGN', 'a simulated run was begun inside another one')
  }
  const { seed, mode, depth, length, maxSteps, trace } = backend
  const order = mode === 'pct' ? pctOrder(seed, depth, length) : uniformOrder(seed)
  const kernel = new SimKernel(seed, order, { maxSteps, trace, watch })
  const main = new ScopeNode(kernel, kernel.root, 'scope', 'main', undefined)
  let outcome: Outcome<T> | undefined
  const begin = () => {
    const beginning = new Wait<void>(main, 'begin', undefined)
    const body = async () => {
      await beginning.promise
      outcome = await runScope(main, fn)
    }
    void body()
    beginning.succeed()
  }
  const drive = (resume: Resume<ConcurrencyError | undefined>): Undo => {
    kernel.drive(begin, () => outcome !== undefined).then(resume.resolve, resume.reject)
    return (reason) => {
      kernel.cancel(reason)
      return 'settles-later'
    }
  }
  try {
    const failure = await suspend(drive, { what: 'simulated run' })
    if (failure !== undefined) throw withOutcome(failure, outcome)
    const value = valueOf(outcome!)
    if (kernel.root.firstChild !== undefined) throw leak(kernel.root)
    return value
  } finally {
    // What was made in the run and is used after it is refused, and does not wait for ever.
    kernel.root.cancelWith('shutdown', () => ended())
  }
}

function leak(root: ScopeNode): ConcurrencyError {
  return new ConcurrencyError(
    'CONCURRENCY_SIM_LEAK',
    `the run ended while tasks were alive\n${formatTree(root)}`,
  )
}

function ended(): ConcurrencyError {
  return new ConcurrencyError(
    'CONCURRENCY_SCOPE_CLOSED',
    'the simulated run that this scope belongs to has ended',
  )
}

function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.failed) throw outcome.error
  return outcome.value
}

/** What was wrong with the run itself, and what its main function failed with, if that is something else. */
function withOutcome(failure: ConcurrencyError, outcome: Outcome<unknown> | undefined): ConcurrencyError {
  if (outcome === undefined || !outcome.failed || outcome.error === failure) return failure
  const { error } = outcome
  const text = describeThrown(error)
  return new ConcurrencyError(failure.code, `${failure.message}\nits main function failed with: ${text}`, {
    cause: failure.cause === undefined ? error : failure.cause,
  })
}
