/** Figures of a backend: how many tasks are alive, how fast they come, how long cancelling takes, how late the loop is. */
import { host } from '#host'
import { currentNode } from './ambient.ts'
import { checkOptions } from './checks.ts'
import type { LoopDelay } from './host.ts'
import type { Kernel } from './kernel.ts'
import { ScopeNode } from './scope-node.ts'
import type { Scope } from './scope.ts'

export type { LoopDelay } from './host.ts'

/** A frozen look at a backend. The counts are kept in any case; looking costs nothing between looks. */
export interface BackendStats {
  readonly backend: 'native' | 'sim'
  /** Tasks that have not ended. */
  readonly tasks: number
  /** Tasks spawned since the backend was made. */
  readonly spawned: number
  /** Cancellations that are through: scopes that were cancelled themselves and have ended. */
  readonly cancellations: number
  /** Milliseconds from the call of `cancel`, or the deadline, to the end of the scope: all of them, on average, the longest. */
  readonly cancelTotalMs: number
  readonly cancelMeanMs: number
  readonly cancelMaxMs: number
  /** Waits that rejected at once because their scope was cancelled. */
  readonly refusedWaits: number
  /** Sleeps and deadlines whose time has not come. */
  readonly timers: number
}

/** A frozen look at a backend and at what it did since the last look. */
export interface MonitorStats extends BackendStats {
  /** Milliseconds since the last look, or since `monitor` was called, on the clock of the backend. */
  readonly sinceMs: number
  /** Tasks spawned in that time, for each second of it. 0 if no time has passed. */
  readonly spawnedPerSecond: number
  /** The mean of the cancellations that came through in that time. 0 if there were none. */
  readonly recentCancelMeanMs: number
  /**
   * How late the event loop ran in that time. `undefined` in the simulator, on hosts that cannot tell, and after `close`.
   */
  readonly loopDelay: LoopDelay | undefined
}

/** Looks at a backend from time to time. */
export interface Monitor extends Disposable {
  stats(): MonitorStats
  /** Stops measuring the event loop. Idempotent. */
  close(): void
}

/** Options of {@link monitor} and {@link backendStats}. */
export interface MonitorOptions {
  /** A scope of the backend. Default: that of the running code. */
  readonly scope?: Scope | undefined
}

/** The figures of the backend of the running code since it was made. */
export function backendStats(options?: MonitorOptions): BackendStats {
  return Object.freeze(look(kernelOf(options)))
}

/**
 * Begins to measure the backend of the running code: rates between looks, and the delay of the event loop on hosts that
 * can tell it (Node, Deno).
 */
export function monitor(options?: MonitorOptions): Monitor {
  return new KernelMonitor(kernelOf(options))
}

class KernelMonitor implements Monitor {
  readonly #kernel: Kernel
  readonly #loopDelay: ReturnType<typeof host.loopDelay>
  #closed = false
  #before: BackendStats
  #at: number

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    // Virtual time has no event loop, and measuring the real one would be real work in a simulated run.
    this.#loopDelay = kernel.name === 'native' ? host.loopDelay() : undefined
    this.#before = look(kernel)
    this.#at = kernel.now()
  }

  stats(): MonitorStats {
    const before = this.#before
    const after = look(this.#kernel)
    const at = this.#kernel.now()
    const sinceMs = at - this.#at
    const through = after.cancellations - before.cancellations
    this.#before = after
    this.#at = at
    return Object.freeze({
      ...after,
      sinceMs,
      spawnedPerSecond: sinceMs === 0 ? 0 : ((after.spawned - before.spawned) / sinceMs) * 1000,
      recentCancelMeanMs: through === 0 ? 0 : (after.cancelTotalMs - before.cancelTotalMs) / through,
      loopDelay: this.#closed ? undefined : this.#loopDelay?.read(),
    })
  }

  close(): void {
    this.#closed = true
    this.#loopDelay?.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** The backend that is looked at. The scope that names it may have ended. */
function kernelOf(options: MonitorOptions | undefined): Kernel {
  checkOptions(options, ['scope'])
  const scope = options?.scope ?? currentNode()
  if (!(scope instanceof ScopeNode)) throw new TypeError('scope is not a scope of this package')
  return scope.kernel
}

function look({ name, counters, timers }: Kernel): BackendStats {
  const { alive, spawned, cancelled, cancelMs, longestCancelMs, refused } = counters
  return {
    backend: name,
    tasks: alive,
    spawned,
    cancellations: cancelled,
    cancelTotalMs: cancelMs,
    cancelMeanMs: cancelled === 0 ? 0 : cancelMs / cancelled,
    cancelMaxMs: longestCancelMs,
    refusedWaits: refused,
    timers: timers.size,
  }
}
