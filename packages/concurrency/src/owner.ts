/** Owners: the scope of work that serves several callers. */
import { currentNode, nodeOf } from './ambient.ts'
import { AbortError } from './cancel-reason.ts'
import { checkFunction, checkOptions } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import { isInside, ScopeNode, textOf } from './scope-node.ts'
import { labelOf, refuseGenerator } from './scope-run.ts'
import type { Scope } from './scope.ts'
import type { TaskOptions } from './task-group.ts'
import { TaskNode, type AnyTask, type Task, type TaskBody, type TaskHome } from './task.ts'
import { Wait } from './wait.ts'

/** Options of {@link createOwner}. */
export interface OwnerOptions {
  /** The name in errors and dumps. Default: `owner`. */
  readonly name?: string | undefined
  /**
   * The scope around it, which cancels it too, and as an owner that is left open when it ends itself. Default: the root
   * of the backend of the running code.
   */
  readonly scope?: Scope | undefined
  /**
   * Told of each failure of a task whose handle nobody had awaited by then. Default: the failure is an unhandled rejection,
   * unless the handle is awaited soon after.
   */
  readonly onError?: ((error: unknown, task: string) => void) | undefined
}

/** A frozen look at an owner. */
export interface OwnerStats {
  /** Tasks that have not ended. */
  readonly tasks: number
  /** Tasks spawned since it was made. */
  readonly spawned: number
  /** Tasks that failed. */
  readonly failed: number
  readonly closed: boolean
}

/**
 * Whose tasks outlive the caller that happened to begin them: single flight, group commit, refills. One that fails does
 * not cancel the others.
 */
export interface Owner extends AsyncDisposable {
  readonly name: string
  /** The scope of its tasks. */
  readonly scope: Scope
  /**
   * Begins a task in the owner's scope, after this call has returned.
   *
   * @throws ConcurrencyError CONCURRENCY_SCOPE_CLOSED if the owner is closed
   */
  spawn<T>(fn: (task: Scope) => T | PromiseLike<T>, options?: TaskOptions): Task<T>
  /**
   * Cancels all tasks with the source `shutdown` and waits for their end. Idempotent. As at the end of a group no
   * cancellation cuts this short; `run(owner.close())` stops waiting for tasks that are stuck in foreign work.
   *
   * @throws ConcurrencyError CONCURRENCY_AWAITS_ITSELF in a task of the owner
   */
  close(reason?: string): Promise<void>
  stats(): OwnerStats
}

class OwnerNode extends ScopeNode implements TaskHome {
  alive = 0
  spawned = 0
  failures = 0
  #awaited: Wait<void> | undefined
  readonly #onError: ((error: unknown, task: string) => void) | undefined

  constructor(parent: ScopeNode, name: string, onError: OwnerOptions['onError']) {
    super(parent.kernel, parent, 'owner', name, undefined)
    this.#onError = onError
    if (this.cancelled) this.close()
  }

  taskEnded(task: AnyTask, error: unknown): void {
    this.alive -= 1
    if (task.state !== 'failed') return
    this.failures += 1
    if (task.observed) return
    if (this.#onError === undefined) task.surface()
    else this.#tell(this.#onError, error, task.name)
  }

  /** It ends with its last task once it is cancelled, by `close` or from around it. */
  protected override interrupt(): void {
    super.interrupt()
    if (this.firstChild === undefined) this.#end()
    else this.drained = () => this.#end()
  }

  /** Resolves when it has ended. */
  async ended(): Promise<void> {
    if (this.closed) return
    this.#awaited ??= new Wait<void>(this, 'inner scopes', this)
    await this.#awaited.promise
  }

  #end(): void {
    this.close()
    this.#awaited?.succeed()
  }

  /** What the handler itself throws is nobody's failure here: it becomes an unhandled rejection. */
  #tell(handler: NonNullable<OwnerOptions['onError']>, error: unknown, task: string): void {
    try {
      handler(error, task)
    } catch (thrown) {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what the handler threw
      void Promise.reject(thrown)
    }
  }
}

class ScopeOwner implements Owner {
  readonly #node: OwnerNode
  #closing: Promise<void> | undefined

  constructor(node: OwnerNode) {
    this.#node = node
  }

  get name(): string {
    return this.#node.name
  }

  get scope(): Scope {
    return this.#node
  }

  spawn<T>(fn: TaskBody<T>, options?: TaskOptions): Task<T> {
    checkFunction(fn, 'fn')
    checkOptions(options, ['name'])
    refuseGenerator(fn)
    const node = this.#node
    const label = labelOf(options, fn)
    if (node.closed || node.cancelled) {
      throw new ConcurrencyError(
        'CONCURRENCY_SCOPE_CLOSED',
        `task "${textOf(label)}" was spawned into ${node.title}, which is closed`,
      )
    }
    node.alive += 1
    node.spawned += 1
    return new TaskNode(node, label, fn)
  }

  async close(reason?: string): Promise<void> {
    const node = this.#node
    // Code that outlived a task of the owner, as a listener made in it, is in the owner's own scope and in no task.
    const current = currentNode()
    if (current !== node && isInside(current, node)) {
      throw new ConcurrencyError(
        'CONCURRENCY_AWAITS_ITSELF',
        `a task of ${node.title} waits for its end, which cannot come before its own`,
      )
    }
    this.#closing ??= this.#end(reason)
    await this.#closing
  }

  stats(): OwnerStats {
    const { alive, spawned, failures, cancelled, closed } = this.#node
    return Object.freeze({ tasks: alive, spawned, failed: failures, closed: closed || cancelled })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #end(reason: string | undefined): Promise<void> {
    const node = this.#node
    const text = reason ?? `${node.title} was closed`
    node.cancelWith('shutdown', () => new AbortError(text, 'shutdown', node.name))
    await node.ended()
  }
}

/** Makes an owner. Close it: it is what ends its tasks. */
export function createOwner(options?: OwnerOptions): Owner {
  checkOptions(options, ['name', 'scope', 'onError'])
  if (options?.onError !== undefined) checkFunction(options.onError, 'onError')
  const parent = options?.scope === undefined ? currentNode().kernel.root : nodeOf(options.scope)
  return new ScopeOwner(new OwnerNode(parent, options?.name ?? 'owner', options?.onError))
}
