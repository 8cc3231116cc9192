/** A lock: one task at a time, served in the order of asking. */
import { nodeOf, openAround } from './ambient.ts'
import { checkOptions } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import type { Permit } from './permit.ts'
import { ScopeNode } from './scope-node.ts'
import type { WaitOptions } from './scope.ts'
import type { NamedOptions } from './semaphore.ts'
import { taskAround } from './task-around.ts'
import { WaitQueue } from './wait-queue.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { failed, park, ready, refuse } from './wait.ts'

/** A frozen look at a lock. */
export interface LockStats {
  readonly locked: boolean
  /** The name of the task that holds it; `undefined` if nobody does, or code outside any task. */
  readonly holder: string | undefined
  /** Waits for it. */
  readonly waiting: number
}

/**
 * One holder at a time. A lock that is given back goes to the one who waits longest, and to nobody in between. It is not
 * re-entrant: a task that holds it and asks again is refused, since it would wait for itself.
 */
export interface Lock {
  readonly name: string
  readonly locked: boolean
  /**
   * Waits for the lock. A wait that is cancelled leaves the queue at once.
   *
   * @throws ConcurrencyError CONCURRENCY_HELD_ALREADY if this task holds it. Outside any task that cannot be told
   */
  acquire(options?: WaitOptions): Promise<Permit>
  /**
   * The lock if it is free, else `undefined`. Does not wait, and does not ask whether the scope is cancelled.
   *
   * @param options - the scope whose task takes it. Default: that of the running code
   * @throws ConcurrencyError CONCURRENCY_HELD_ALREADY as `acquire` rejects
   */
  tryAcquire(options?: Pick<WaitOptions, 'scope'>): Permit | undefined
  stats(): LockStats
}

/** The right to be inside. It is valid while the lock says that it is the current one. */
export class LockPermit implements Permit {
  declare private readonly lock: TaskLock
  /** The task that acquired it. */
  declare readonly task: ScopeNode | undefined

  constructor(lock: TaskLock, task: ScopeNode | undefined) {
    this.lock = lock
    this.task = task
  }

  release(): void {
    if (this.lock.current !== this) {
      throw new ConcurrencyError(
        'CONCURRENCY_NOT_HELD',
        `a permit of "${this.lock.name}" was released that is not held`,
      )
    }
    this.lock.handOn()
  }

  /** Gives it back if that has not been done. */
  [Symbol.dispose](): void {
    if (this.lock.current === this) this.lock.handOn()
  }
}

/** The lock as conditions see it. */
export class TaskLock implements Lock {
  readonly name: string
  current: LockPermit | undefined
  /** Waits with the permit that they will get as payload. */
  readonly #queue = new WaitQueue()

  constructor(name: string) {
    this.name = name
  }

  get locked(): boolean {
    return this.current !== undefined
  }

  acquire(options?: WaitOptions): Promise<Permit> {
    checkOptions(options, waitKeys)
    if (options?.signal !== undefined) return underSignal(options, async (inner) => await this.acquire(inner))
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'lock', this)
    const task = taskAround(scope)
    if (this.heldBy(task)) return failed(scope, 'lock', this, heldAlready(this, task!))
    const permit = new LockPermit(this, task)
    if (this.current === undefined) {
      this.current = permit
      return ready(scope, 'lock', this, permit)
    }
    const wait = park<Permit>(scope, 'lock', this)
    wait.payload = permit
    this.#queue.add(wait)
    return wait.promise
  }

  tryAcquire(options?: Pick<WaitOptions, 'scope'>): Permit | undefined {
    checkOptions(options, ['scope'])
    const task = taskAround(nodeOf(options?.scope))
    if (this.heldBy(task)) throw heldAlready(this, task!)
    if (this.current !== undefined) return undefined
    this.current = new LockPermit(this, task)
    return this.current
  }

  /** Gives the lock to the one who waits longest. */
  handOn(): void {
    const next = this.#queue.first
    this.current = next?.payload as LockPermit | undefined
    next?.succeed(this.current)
  }

  /** Waits for the lock until `permit` is valid again. Not even a cancellation ends this wait. */
  async takeBack(permit: LockPermit, scope: ScopeNode): Promise<void> {
    if (this.current === undefined) {
      this.current = permit
      return await ready(scope, 'lock', this, undefined)
    }
    const around = openAround(scope)
    const node = new ScopeNode(around.kernel, around, 'scope', this.name, { shield: true })
    const wait = park<LockPermit>(node, 'lock', this)
    wait.payload = permit
    this.#queue.add(wait)
    await wait.promise
    node.close()
  }

  /** Whether `task` is inside. Outside any task nobody can be told from others. */
  private heldBy(task: ScopeNode | undefined): boolean {
    return task !== undefined && this.current?.task === task
  }

  stats(): LockStats {
    return Object.freeze({
      locked: this.locked,
      holder: this.current?.task?.name,
      waiting: this.#queue.size,
    })
  }
}

function heldAlready(lock: TaskLock, task: ScopeNode): ConcurrencyError {
  return new ConcurrencyError('CONCURRENCY_HELD_ALREADY', `${task.title} holds lock "${lock.name}" already`)
}

/** Makes a lock that nobody holds. */
export function createLock(options?: NamedOptions): Lock {
  checkOptions(options, ['name'])
  return new TaskLock(options?.name ?? 'lock')
}
