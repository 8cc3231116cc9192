/** Task groups: nothing that was begun inside outlives them. */
import { nodeOf } from './ambient.ts'
import { AbortError } from './cancel-reason.ts'
import { checkFunction, checkOptions } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import { checkBody, drain, labelOf, refuseGenerator, runBody } from './scope-run.ts'
import { leftOpen, ScopeNode, textOf, type Label } from './scope-node.ts'
import type { Scope, ScopeOptions, WaitOptions } from './scope.ts'
import { linkSignal } from './signal-link.ts'
import { TaskGroupError } from './task-group-error.ts'
import { TaskNode, toError, type AnyTask, type Task, type TaskBody, type TaskHome } from './task.ts'
import { underSignal } from './wait-options.ts'
import { park, refuse } from './wait.ts'

/** Options of one task. */
export interface TaskOptions {
  /** The name in errors and dumps. Default: the name of its function. */
  readonly name?: string | undefined
}

/** A group of tasks, and the scope that they run in. */
export interface TaskGroup extends Scope {
  /**
   * Begins a task, after this call has returned. It is called in any case; if it was cancelled before, its first wait
   * rejects.
   *
   * @throws ConcurrencyError CONCURRENCY_SCOPE_CLOSED if the group has ended
   */
  spawn<T>(fn: (task: Scope) => T | PromiseLike<T>, options?: TaskOptions): Task<T>
  /**
   * Begins a task and waits until it says that it is ready. Until then its crash, its cancellation and its silence are
   * told to the caller alone, and cancelling the caller cancels it. If it fails as it is cancelled, the caller gets that failure.
   *
   * @param fn - calls `started(value)` once it is ready, and goes on as a task of the group
   * @returns the value given to `started`
   * @throws ConcurrencyError CONCURRENCY_NOT_STARTED if it ends without calling `started`
   */
  start<T = void>(
    fn: (started: (value: T) => void, task: Scope) => unknown,
    options?: TaskOptions & WaitOptions,
  ): Promise<T>
}

export class TaskGroupNode extends ScopeNode implements TaskGroup, TaskHome {
  /** One more than once if a task awaits another that fails. */
  readonly errors: unknown[] = []
  /** Whether a task was cut off by the cancellation of the group. */
  cut = false

  constructor(parent: ScopeNode, label: Label, options: ScopeOptions | undefined) {
    super(parent.kernel, parent, 'group', label, options)
    if (options?.signal !== undefined) linkSignal(this, options.signal)
  }

  spawn<T>(fn: TaskBody<T>, options?: TaskOptions): Task<T> {
    return this.#begin(fn, labelOf(options, checked(fn, options, taskKeys)), fn)
  }

  start<T>(
    fn: (started: (value: T) => void, task: Scope) => unknown,
    options?: TaskOptions & WaitOptions,
  ): Promise<T> {
    if (options?.signal !== undefined) {
      return underSignal(options, async (inner) => await this.start<T>(fn, inner))
    }
    const label = labelOf(options, checked(fn, options, startKeys))
    const scope = nodeOf(options?.scope)
    if (scope.cancelled) return refuse(scope, 'start', { name: textOf(label) })
    const task: TaskNode<unknown> = this.#begin(fn, label, (self) =>
      fn((value) => started(task, value), self),
    )
    const wait = park<T>(scope, 'start', task)
    task.starting = wait
    wait.undo = (reason) => {
      task.cancelWith('explicit', () => reason)
      return 'settles-later'
    }
    return wait.promise
  }

  taskEnded(task: AnyTask, error: unknown): void {
    if (task.state === 'failed') this.fail(error, task)
    else if (task.state === 'cancelled' && Object.is(task.reason, this.reason)) this.cut = true
  }

  /** Notes a failure, and cancels what is still running. */
  fail(error: unknown, failed: ScopeNode): void {
    this.errors.push(error)
    this.cancelWith('sibling', () => siblingFailed(this, failed, error))
  }

  #begin<T>(fn: unknown, label: Label, body: TaskBody<T>): TaskNode<T> {
    refuseGenerator(fn)
    if (this.closed) {
      throw new ConcurrencyError(
        'CONCURRENCY_SCOPE_CLOSED',
        `task "${textOf(label)}" was spawned into ${this.title}, which has ended`,
      )
    }
    return new TaskNode(this, label, body)
  }
}

const taskKeys = ['name']
const startKeys = ['name', 'scope', 'signal']

function checked<F>(fn: F, options: object | undefined, known: readonly string[]): F {
  checkFunction(fn, 'fn')
  checkOptions(options, known)
  return fn
}

/** What a task calls when it is ready. */
function started(task: TaskNode<unknown>, value: unknown): void {
  const wait = task.starting
  if (wait === undefined) {
    const when = task.state === 'pending' ? 'again' : 'after it had ended'
    throw new ConcurrencyError('CONCURRENCY_STARTED_TWICE', `task "${task.name}" called started ${when}`)
  }
  if (wait.phase === 'abandoned') throw task.reason
  task.starting = undefined
  wait.succeed(value as never)
}

/**
 * Runs `fn` with a group, and returns when `fn` and every task of the group have ended. The first failure cancels the
 * rest. The callback form is deliberate: with `await using` a group could not know that its body failed.
 *
 * @param fn - the body; what it returns is the result
 * @returns what `fn` returned, also if the group was cancelled by `group.cancel` after that
 * @throws TaskGroupError with all failures of `fn` and the tasks; without failures the reason of the cancellation that cut off `fn`,
 *   or tasks of the group from around it or by its deadline
 */
export async function taskGroup<T>(
  fn: (group: TaskGroup) => T | PromiseLike<T>,
  options?: ScopeOptions,
): Promise<T> {
  checkBody(fn, options)
  const group = new TaskGroupNode(nodeOf(options?.scope), labelOf(options, fn), options)
  const outcome = await runBody(group, fn)
  const cutOff = outcome.failed && group.cancelled && Object.is(outcome.error, group.reason)
  if (outcome.failed && !cutOff) group.fail(toError(group, outcome.error), group)
  await endGroup(group)
  if (group.errors.length > 0) throw new TaskGroupError([...new Set(group.errors)], group.name)
  if (outcome.failed) throw outcome.error
  if (group.cut && group.cancelled && group.cancelledBy !== 'explicit') throw group.reason
  return outcome.value
}

/** Ends the group when the last task has ended. A scope that the body left open is a failure. */
async function endGroup(group: TaskGroupNode): Promise<void> {
  for (let child = group.firstChild; child !== undefined; child = child.nextSibling) {
    if (child.kind === 'task' || group.cancelled) continue
    group.fail(leftOpen(group, child), group)
  }
  await drain(group)
}

function siblingFailed(group: ScopeNode, failed: ScopeNode, error: unknown): AbortError {
  return new AbortError(`${failed.title} failed`, 'sibling', group.name, { cause: error })
}
