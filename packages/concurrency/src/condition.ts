/** A condition: tasks wait, outside a lock, for others to change what the lock protects. */
import { nodeOf } from './ambient.ts'
import { checkCount, checkFunction, checkOptions } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import { TaskLock, type Lock, type LockPermit, type LockStats } from './lock.ts'
import type { Permit } from './permit.ts'
import type { ScopeNode } from './scope-node.ts'
import type { WaitOptions } from './scope.ts'
import type { NamedOptions } from './semaphore.ts'
import { taskAround, titleOf } from './task-around.ts'
import { WaitQueue } from './wait-queue.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { failed, park, refuse } from './wait.ts'

/** A frozen look at a condition. */
export interface ConditionStats {
  /** Waits for a notification. */
  readonly waiting: number
  /** Its lock. */
  readonly lock: LockStats
}

/**
 * Waiting for a change of what a lock protects. `wait` gives the lock back, waits to be notified, and has the lock again when
 * it returns or rejects: the permit of the caller is valid on both sides of it. Several conditions can share a lock.
 */
export interface Condition {
  readonly name: string
  readonly lock: Lock
  /** Acquires the lock: the same as `condition.lock.acquire`. */
  acquire(options?: WaitOptions): Promise<Permit>
  /**
   * Waits to be notified. In the order of asking. Being woken does not mean that what one waits for holds: somebody else may
   * have had the lock since. `waitFor` looks.
   *
   * A wait that is cancelled rejects once it has the lock again. If it had been notified by then, it passes that on to the next.
   *
   * @throws ConcurrencyError CONCURRENCY_NOT_HELD if this task does not hold the lock
   */
  wait(options?: WaitOptions): Promise<void>
  /**
   * Waits until `predicate` returns something truthy; it is called while the lock is held, first before any wait.
   *
   * @returns what `predicate` returned
   * @throws ConcurrencyError CONCURRENCY_NOT_HELD if this task does not hold the lock, TypeError if `predicate` is async
   */
  waitFor<T>(predicate: () => T, options?: WaitOptions): Promise<T>
  /**
   * Wakes those who wait longest. They go on when they have the lock, thus not before the caller gives it back.
   *
   * @param count - how many at most: a whole number from 1 up. Default: 1
   * @throws ConcurrencyError CONCURRENCY_NOT_HELD if this task does not hold the lock
   */
  notify(count?: number, options?: Pick<WaitOptions, 'scope'>): void
  /** Wakes all who wait, as `notify` does. */
  notifyAll(options?: Pick<WaitOptions, 'scope'>): void
  stats(): ConditionStats
}

class LockCondition implements Condition {
  readonly name: string
  readonly lock: TaskLock
  readonly #queue = new WaitQueue()

  constructor(lock: TaskLock, name: string) {
    this.lock = lock
    this.name = name
  }

  acquire(options?: WaitOptions): Promise<Permit> {
    return this.lock.acquire(options)
  }

  wait(options?: WaitOptions): Promise<void> {
    checkOptions(options, waitKeys)
    if (options?.signal !== undefined) return underSignal(options, async (inner) => await this.wait(inner))
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'condition', this)
    const permit = this.#permitOf(scope)
    if (permit === undefined) return failed(scope, 'condition', this, this.#notHeld(scope))
    return this.#waitOutside(scope, permit)
  }

  async waitFor<T>(predicate: () => T, options?: WaitOptions): Promise<T> {
    checkFunction(predicate, 'predicate')
    checkOptions(options, waitKeys)
    if (options?.signal !== undefined) {
      return await underSignal(options, async (inner) => await this.waitFor(predicate, inner))
    }
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return await refuse(scope, 'condition', this)
    if (this.#permitOf(scope) === undefined) throw this.#notHeld(scope)
    for (;;) {
      const value = predicate()
      if (typeof (value as PromiseLike<unknown> | undefined)?.then === 'function') {
        throw new TypeError('predicate returned a promise, which is always truthy')
      }
      if (value) return value
      await this.wait({ scope })
    }
  }

  notify(count = 1, options?: Pick<WaitOptions, 'scope'>): void {
    checkCount(count, 'count', 1)
    this.#checkHeld(options)
    this.#wake(count)
  }

  notifyAll(options?: Pick<WaitOptions, 'scope'>): void {
    this.#checkHeld(options)
    this.#wake(Infinity)
  }

  stats(): ConditionStats {
    return Object.freeze({ waiting: this.#queue.size, lock: this.lock.stats() })
  }

  async #waitOutside(scope: ScopeNode, permit: LockPermit): Promise<void> {
    const wait = park<void>(scope, 'condition', this)
    this.#queue.add(wait)
    this.lock.handOn()
    try {
      await wait.promise
    } catch (error) {
      await this.lock.takeBack(permit, scope)
      throw error
    }
    await this.lock.takeBack(permit, scope)
    if (scope.cancelled) {
      this.#wake(1)
      throw scope.reason
    }
  }

  #wake(count: number): void {
    const queue = this.#queue
    for (let left = count; left > 0 && queue.first !== undefined; left--) queue.first.succeed(undefined)
  }

  /** The permit with which the task of `scope` holds the lock. */
  #permitOf(scope: ScopeNode): LockPermit | undefined {
    const { current } = this.lock
    return current !== undefined && current.task === taskAround(scope) ? current : undefined
  }

  #checkHeld(options: Pick<WaitOptions, 'scope'> | undefined): void {
    checkOptions(options, ['scope'])
    const scope = nodeOf(options?.scope)
    if (this.#permitOf(scope) === undefined) throw this.#notHeld(scope)
  }

  #notHeld(scope: ScopeNode): ConcurrencyError {
    return new ConcurrencyError(
      'CONCURRENCY_NOT_HELD',
      `${titleOf(taskAround(scope))} uses condition "${this.name}" without holding lock "${this.lock.name}"`,
    )
  }
}

/**
 * Makes a condition.
 *
 * @param lock - from `createLock`. Default: one of its own
 * @throws TypeError if `lock` is something else
 */
export function createCondition(lock?: Lock, options?: NamedOptions): Condition {
  checkOptions(options, ['name'])
  const name = options?.name ?? 'condition'
  if (lock === undefined) return new LockCondition(new TaskLock(name), name)
  if (!(lock instanceof TaskLock)) throw new TypeError('lock is not a lock of this package')
  return new LockCondition(lock, name)
}
