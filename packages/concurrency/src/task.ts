/** A task: a plain async function that runs in a group or for an owner. */
import { enter, nodeOf } from './ambient.ts'
import { checkOptions } from './checks.ts'
import { ConcurrencyError, describeThrown } from './errors.ts'
import { publishTask, taskChannel } from './instruments.ts'
import { isInside, ScopeNode, unwrapAbort, type Label } from './scope-node.ts'
import type { Scope, WaitOptions } from './scope.ts'
import { WaitQueue } from './wait-queue.ts'
import { underSignal, waitKeys } from './wait-options.ts'
import { failed, park, ready, refuse, type AnyWait } from './wait.ts'

/** How a task stands. */
export type TaskState = 'pending' | 'done' | 'failed' | 'cancelled'

/** The handle of a task. Awaiting it gives what the task returned; nobody has to. */
export interface Task<T> extends PromiseLike<T> {
  readonly name: string
  readonly state: TaskState
  /**
   * Cancels this task alone. It has not ended when this returns: await it, or its group.
   *
   * @param reason - text for the reason, or an Error that becomes its `cause`
   */
  cancel(reason?: string | Error): void
  /**
   * Waits for the end of the task: what `await task` does in the scope of the running code.
   *
   * @returns what the task returned; rejects with its error, or with its reason if it was cancelled
   * @throws ConcurrencyError CONCURRENCY_AWAITS_ITSELF if the task cannot end before the caller does
   */
  join(options?: WaitOptions): Promise<T>
}

/** A task of whatever type, as its home sees it. */
// oxlint-disable-next-line typescript/no-explicit-any -- a home does not care what its tasks return
export type AnyTask = TaskNode<any>

/** Where tasks run: it is told when one has ended. */
export interface TaskHome extends ScopeNode {
  taskEnded(task: AnyTask, error: unknown): void
}

/** What a task runs. */
export type TaskBody<T> = (task: Scope) => T | PromiseLike<T>

export class TaskNode<T> extends ScopeNode implements Task<T> {
  declare state: TaskState
  /** Its number on its backend, from 1. */
  declare readonly id: number
  /** The caller of `start`, until the task said that it started. */
  declare starting: AnyWait | undefined
  declare private body: TaskBody<T> | undefined
  declare private outcome: unknown
  declare private joiners: WaitQueue | undefined
  declare private promise: Promise<T> | undefined

  constructor(home: TaskHome, label: Label, body: TaskBody<T>) {
    super(home.kernel, home, 'task', label, undefined)
    this.state = 'pending'
    this.starting = undefined
    this.body = body
    this.outcome = undefined
    this.joiners = undefined
    this.promise = undefined
    const { counters } = this.kernel
    counters.spawned += 1
    counters.alive += 1
    this.id = counters.spawned
    if (taskChannel.hasSubscribers) publishTask(this, 'spawned')
    this.kernel.begin(this)
  }

  /** What it failed with, once its state is `failed`. */
  get failure(): unknown {
    return this.outcome
  }

  /** Whether anybody has asked for the outcome. */
  get observed(): boolean {
    return this.joiners !== undefined || this.promise !== undefined
  }

  /** Begins, in the async context of whoever spawned it. */
  begin(): void {
    if (taskChannel.hasSubscribers) publishTask(this, 'began')
    const body = this.body!
    // Nothing keeps the body after it was called.
    this.body = undefined
    enter(this)
    let result: T | PromiseLike<T>
    try {
      result = body(this)
    } catch (error) {
      this.conclude(true, unwrapAbort(this, error))
      return
    }
    // Not awaited: what the body rejects with would be thrown once more, which costs as much as all the rest of an end.
    void Promise.resolve(result).then(
      (value) => this.conclude(false, value),
      (error: unknown) => this.conclude(true, unwrapAbort(this, error)),
    )
  }

  join(options?: WaitOptions): Promise<T> {
    checkOptions(options, waitKeys)
    if (options?.signal !== undefined) return underSignal(options, async (inner) => await this.join(inner))
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'task', this)
    if (this.promise !== undefined) return this.promise
    if (this.state === 'done') return ready(scope, 'task', this, this.outcome as T)
    if (this.state !== 'pending') return failed(scope, 'task', this, this.outcome)
    if (isInside(scope, this)) return failed(scope, 'task', this, awaitsItself(scope, this))
    const wait = park<T>(scope, 'task', this)
    this.joiners ??= new WaitQueue()
    this.joiners.add(wait)
    return wait.promise
  }

  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.join().then(fulfilled, rejected)
  }

  /** The body returned, or failed with `outcome`. Scopes that it left open end first. */
  conclude(failedBody: boolean, outcome: unknown): void {
    if (this.firstChild === undefined) {
      this.end(failedBody, outcome)
      return
    }
    this.reclaim((left) => this.end(true, failedBody ? outcome : left))
  }

  /** Nobody asked for the outcome: the error becomes an unhandled rejection, unless somebody asks soon. */
  surface(): void {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what the task failed with
    this.promise = Promise.reject(this.outcome)
  }

  private end(failedBody: boolean, outcome: unknown): void {
    this.outcome = outcome
    if (!failedBody) this.state = 'done'
    else if (this.cancelled && Object.is(outcome, this.reason)) this.state = 'cancelled'
    else {
      this.state = 'failed'
      this.outcome = toError(this, outcome)
    }
    this.kernel.counters.alive -= 1
    if (taskChannel.hasSubscribers) publishTask(this, 'ended')
    const { starting } = this
    if (starting === undefined) this.settleJoiners()
    else this.answerStarter(starting)
    // The home is told before the task leaves the tree, so that a failure cancels the others before the group can end.
    if (starting === undefined) (this.parent as TaskHome).taskEnded(this, this.outcome)
    this.close()
  }

  private answerStarter(starting: AnyWait): void {
    this.starting = undefined
    if (this.state === 'done') {
      starting.fail(
        new ConcurrencyError('CONCURRENCY_NOT_STARTED', `task "${this.name}" ended without calling started`),
      )
    } else {
      // A failure while it was being cancelled is not lost behind the reason.
      if (this.state === 'failed') starting.payload = this.outcome
      starting.fail(this.outcome)
    }
  }

  private settleJoiners(): void {
    const joiners = this.joiners
    if (joiners === undefined) return
    for (let wait = joiners.first; wait !== undefined; wait = joiners.first) {
      if (this.state === 'done') wait.succeed(this.outcome as never)
      else wait.fail(this.outcome)
    }
  }
}

function awaitsItself(scope: ScopeNode, task: ScopeNode): ConcurrencyError {
  const who = scope === task ? 'itself' : `${task.title}, which cannot end before it`
  return new ConcurrencyError('CONCURRENCY_AWAITS_ITSELF', `${scope.title} awaits ${who}`)
}

/** What a task failed with, as an Error. */
export function toError(node: ScopeNode, thrown: unknown): unknown {
  if (thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]') return thrown
  const message = `${node.title} failed with ${describeThrown(thrown)}`
  return new ConcurrencyError('CONCURRENCY_NON_ERROR', message, { cause: thrown })
}
