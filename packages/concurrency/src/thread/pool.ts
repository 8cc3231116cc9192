/** Worker threads under a limiter. */
import { availableParallelism } from 'node:os'
import type { ResourceLimits, Transferable } from 'node:worker_threads'
import { currentNode } from '../ambient.ts'
import { AbortError } from '../cancel-reason.ts'
import { failAfter } from '../cancel-scope.ts'
import { createCapacityLimiter } from '../capacity-limiter.ts'
import { checkCount, checkDuration, checkOptions } from '../checks.ts'
import { ConcurrencyError } from '../errors.ts'
import { ScopeNode } from '../scope-node.ts'
import type { Scope, WaitOptions } from '../scope.ts'
import { throwIfCancelled } from '../sleep.ts'
import { taskGroup, type TaskGroup } from '../task-group.ts'
import type { Target } from './messages.ts'
import { PoolWorker } from './pool-worker.ts'
import { checkPortal, openPortal } from './portal-host.ts'
import type { Portal, PortalFunctions } from './portal.ts'
import { toTarget, type ThreadModule } from './target.ts'
import type { Transfer } from './transfer.ts'

/** Options of {@link createThreadPool}. */
export interface ThreadPoolOptions {
  /** How many calls run at once, each on a thread of its own. Default: one less than the processors, at least 1. */
  readonly threads?: number | undefined
  /** The name in errors and dumps. Default: `threads`. */
  readonly name?: string | undefined
  /** Milliseconds after which a thread without work ends. 0 ends it at once. Default: 30,000. */
  readonly idleMs?: number | undefined
  /** Limits of each thread, as `Worker` takes them: `maxOldGenerationSizeMb`, … A thread that passes them dies. */
  readonly resourceLimits?: ResourceLimits | undefined
}

/** Options of {@link ThreadPool.run}. */
export interface ThreadRunOptions extends WaitOptions {
  /** The longest that the function may run, in milliseconds, not counting the wait for a thread. Default: no limit. */
  readonly timeoutMs?: number | undefined
  /** What in the arguments is moved instead of copied: ArrayBuffers, MessagePorts, … */
  readonly transfer?: readonly Transferable[] | undefined
  /**
   * Functions of this program that the worker may call; its function then gets a {@link Portal} as its last argument.
   * They run as child tasks of the call: cancelling it cancels them, and it returns when they have ended.
   */
  readonly portal?: PortalFunctions | undefined
}

/** A frozen look at a pool. */
export interface ThreadPoolStats {
  readonly name: string
  /** The most calls that run at once. */
  readonly threads: number
  /** Calls that have a thread. */
  readonly running: number
  /** Calls that wait for one. */
  readonly waiting: number
  /** Threads there are, with or without work. */
  readonly alive: number
  /** Threads without work. */
  readonly idle: number
  /** Threads started since the pool was made. */
  readonly started: number
  readonly closed: boolean
}

/** What a call gives: the result of the function, without the mark of `transfer`. */
export type ThreadResult<R> = Awaited<R> extends Transfer<infer T> ? T : Awaited<R>

/** Worker threads that run functions. */
export interface ThreadPool extends AsyncDisposable {
  /**
   * Runs a function on a thread and waits for its result. A cancelled call that waits for a thread leaves the queue at
   * once; one that runs ends its thread, in the middle of a loop if need be, and returns when that is gone.
   *
   * The function is sent as its source: it must stand alone, and sees nothing of what is around it, neither variables
   * nor imports (`await import('node:…')` inside it works). Arguments and result are cloned. For anything larger give
   * `{ module, name }`.
   *
   * @param fn - a function that stands alone, or an export of a module
   * @param args - its arguments
   * @returns its result
   * @throws what the function throws, with name, message, stack, code and cause; TypeError, RangeError for wrong arguments;
   *   `CONCURRENCY_THREAD_DIED`, `CONCURRENCY_THREAD_NOT_CLONEABLE`, `CONCURRENCY_THREAD_NO_FUNCTION`,
   *   `CONCURRENCY_THREAD_CLOSED`; TimeoutError; the reason of a cancellation
   */
  run<A extends readonly unknown[], R>(
    fn: (...args: [...A, Portal]) => R,
    args: readonly [...A],
    options: ThreadRunOptions & { readonly portal: PortalFunctions },
  ): Promise<ThreadResult<R>>
  run<A extends readonly unknown[], R>(
    fn: (...args: A) => R,
    args: readonly [...A],
    options?: ThreadRunOptions,
  ): Promise<ThreadResult<R>>
  run<R = unknown>(
    module: ThreadModule,
    args?: readonly unknown[],
    options?: ThreadRunOptions,
  ): Promise<ThreadResult<R>>
  stats(): ThreadPoolStats
  /**
   * Cancels all calls with the source `shutdown` and waits until every thread is gone. Idempotent.
   *
   * @throws ConcurrencyError CONCURRENCY_AWAITS_ITSELF in a portal of one of its calls
   */
  close(): Promise<void>
}

const poolOptions = ['threads', 'name', 'idleMs', 'resourceLimits']
const runOptions = ['timeoutMs', 'transfer', 'portal', 'scope', 'signal']

/** Makes a pool. Its threads are started when they are needed. */
export function createThreadPool(options: ThreadPoolOptions = {}): ThreadPool {
  checkOptions(options, poolOptions)
  const {
    threads = Math.max(1, availableParallelism() - 1),
    name = 'threads',
    idleMs = 30_000,
    resourceLimits,
  } = options
  checkCount(threads, 'threads', 1)
  if (typeof name !== 'string') throw new TypeError(`name is not text but ${typeof name}`)
  checkDuration(idleMs, 'idleMs')
  if (resourceLimits !== undefined && (typeof resourceLimits !== 'object' || resourceLimits === null)) {
    throw new TypeError('resourceLimits is not an object')
  }
  return new Pool(threads, name, idleMs, resourceLimits)
}

interface Idle {
  readonly worker: PoolWorker
  readonly timer: NodeJS.Timeout
}

class Pool implements ThreadPool {
  readonly #name: string
  readonly #threads: number
  readonly #idleMs: number
  readonly #resourceLimits: ResourceLimits | undefined
  readonly #limiter
  readonly #workers = new Set<PoolWorker>()
  /** Used from the end, so that those in excess grow old at the beginning. */
  readonly #idle: Idle[] = []
  /** The scopes of the calls, and what settles with each. */
  readonly #calls = new Map<Scope, Promise<unknown>>()
  #running = 0
  #started = 0
  #closing: Promise<void> | undefined

  constructor(threads: number, name: string, idleMs: number, resourceLimits: ResourceLimits | undefined) {
    this.#name = name
    this.#threads = threads
    this.#idleMs = idleMs
    this.#resourceLimits = resourceLimits
    this.#limiter = createCapacityLimiter(threads, { name })
  }

  async run(fn: unknown, args: readonly unknown[] = [], options: ThreadRunOptions = {}): Promise<never> {
    checkOptions(options, runOptions)
    if (!Array.isArray(args)) throw new TypeError('the arguments of a thread are an array')
    const { timeoutMs, transfer = [], portal, scope, signal } = options
    if (timeoutMs !== undefined) checkDuration(timeoutMs, 'timeoutMs')
    if (!Array.isArray(transfer)) throw new TypeError('transfer is not an array')
    if (portal !== undefined) checkPortal(portal)
    const target = toTarget(fn)
    if (this.#closing !== undefined) {
      throw new ConcurrencyError('CONCURRENCY_THREAD_CLOSED', `thread pool "${this.#name}" is closed`)
    }

    // The group is one call, and gives the error of its one failure as it is.
    let failure: { readonly error: unknown } | undefined
    const body = async (group: TaskGroup): Promise<unknown> => {
      try {
        return await this.#runIn(group, target, args, { timeoutMs, transfer, portal })
      } catch (error) {
        if (!group.cancelled) {
          failure = { error }
          group.cancel()
        }
        throw group.reason
      }
    }
    try {
      return (await taskGroup(body, { name: `${target.name} in ${this.#name}`, scope, signal })) as never
    } catch (error) {
      throw failure === undefined ? error : failure.error
    }
  }

  stats(): ThreadPoolStats {
    return Object.freeze({
      name: this.#name,
      threads: this.#threads,
      running: this.#running,
      waiting: this.#calls.size - this.#running,
      alive: this.#workers.size,
      idle: this.#idle.length,
      started: this.#started,
      closed: this.#closing !== undefined,
    })
  }

  async close(): Promise<void> {
    for (let around: Scope | undefined = currentNode(); around !== undefined; around = around.parent) {
      if (!this.#calls.has(around)) continue
      throw new ConcurrencyError(
        'CONCURRENCY_AWAITS_ITSELF',
        `${around.name} waits for the end of its pool, which cannot come before its own`,
      )
    }
    this.#closing ??= this.#close()
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const text = `thread pool "${this.#name}" was closed`
    const calls = [...this.#calls]
    for (const [scope] of calls) {
      ;(scope as ScopeNode).cancelWith('shutdown', () => new AbortError(text, 'shutdown', scope.name))
    }
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer)
    await Promise.all([...this.#workers].map((worker) => worker.end()))
    await Promise.all(calls.map(([, ended]) => ended))
  }

  /** A call from its beginning in the queue to its result. */
  async #runIn(
    group: TaskGroup,
    target: Target,
    args: readonly unknown[],
    options: Pick<ThreadRunOptions, 'timeoutMs' | 'transfer' | 'portal'>,
  ): Promise<unknown> {
    const ended = Promise.withResolvers<void>()
    this.#calls.set(group, ended.promise)
    try {
      // Each call borrows for itself: one task may make several.
      using _permit = await this.#limiter.acquire({ borrower: group, scope: group })
      throwIfCancelled({ scope: group })
      const worker = this.#hire()
      this.#running += 1
      try {
        await worker.ready(group)
        const call = (scope: Scope): Promise<unknown> =>
          this.#callOn(worker, group, scope, target, args, options)
        return options.timeoutMs === undefined
          ? await call(group)
          : await failAfter(options.timeoutMs, call, { name: group.name, scope: group })
      } finally {
        this.#running -= 1
        this.#dismiss(worker)
      }
    } finally {
      this.#calls.delete(group)
      ended.resolve()
    }
  }

  async #callOn(
    worker: PoolWorker,
    group: TaskGroup,
    scope: Scope,
    target: Target,
    args: readonly unknown[],
    { transfer = [], portal: functions }: Pick<ThreadRunOptions, 'transfer' | 'portal'>,
  ): Promise<unknown> {
    if (functions === undefined)
      return await worker.call({ target, args, portal: undefined }, transfer, scope)
    const portal = openPortal(functions, group)
    try {
      const { end } = portal
      return await worker.call({ target, args, portal: end }, [...transfer, end.port], scope)
    } finally {
      portal.close()
    }
  }

  /** A worker without work, or a new one. */
  #hire(): PoolWorker {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      clearTimeout(idle.timer)
      if (idle.worker.isUsable) return idle.worker
    }
    this.#started += 1
    const worker = new PoolWorker(`thread ${this.#started} of ${this.#name}`, this.#resourceLimits)
    this.#workers.add(worker)
    void worker.exited.then(() => {
      this.#workers.delete(worker)
      const at = this.#idle.findIndex((idle) => idle.worker === worker)
      if (at < 0) return
      clearTimeout(this.#idle[at]!.timer)
      this.#idle.splice(at, 1)
    })
    return worker
  }

  /** A worker whose call is over, or did not begin. */
  #dismiss(worker: PoolWorker): void {
    if (this.#closing !== undefined) return
    if (!worker.isUsable || this.#idleMs === 0) {
      void worker.end()
      return
    }
    const timer = setTimeout(() => void worker.end(), Math.min(this.#idleMs, longestTimerMs))
    timer.unref()
    this.#idle.push({ worker, timer })
  }
}

/** The longest that a timer of the host can wait, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1
