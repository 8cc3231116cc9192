/** The tree of scopes: who waits, until when, and what a cancellation reaches. */
import { AbortError, TimeoutError, type CancelSource } from './cancel-reason.ts'
import { ConcurrencyError } from './errors.ts'
import type { Kernel } from './kernel.ts'
import type { Scope } from './scope.ts'
import type { Timer } from './timers.ts'
import type { AnyWait } from './wait.ts'

/** What a node of the tree is. */
export type ScopeKind = 'root' | 'owner' | 'group' | 'task' | 'scope'

/** What cancelled a scope: one of ours, or a signal of others. */
export type CancelOrigin = CancelSource | 'signal'

/** Options of a node. */
export interface NodeOptions {
  readonly shield?: boolean | undefined
  readonly deadline?: number | undefined
}

/** A name, or the function that has it. Asking a function costs as much as opening the scope: it is done when it is needed. */
export type Label = string | { readonly name: string }

/** Whether `node` is `around` or lies inside it. */
export function isInside(node: ScopeNode, around: ScopeNode): boolean {
  let at: ScopeNode | undefined = node
  while (at !== undefined && at !== around) at = at.parent
  return at === around
}

/** A label as text. */
export function textOf(label: Label): string {
  if (typeof label === 'string') return label
  return label.name === '' ? 'anonymous' : label.name
}

/** Who cancelled a scope, and when on the clock of its backend. */
interface OwnCancel {
  readonly by: CancelOrigin
  readonly at: number
}

/** Takes a scope out of a foreign signal's list. */
export interface SignalLink {
  remove(node: ScopeNode): void
}

/** A node of the tree of scopes. Fields are declared and assigned, as in waits: there is one for each task. */
export class ScopeNode implements Scope {
  declare readonly kernel: Kernel
  declare readonly parent: ScopeNode | undefined
  declare readonly kind: ScopeKind
  declare readonly shielded: boolean
  declare readonly deadline: number | undefined
  declare cancelled: boolean
  declare reason: unknown
  declare closed: boolean
  declare link: SignalLink | undefined
  /** Called when the last inner scope has ended. */
  declare drained: (() => void) | undefined
  declare firstChild: ScopeNode | undefined
  declare nextSibling: ScopeNode | undefined
  declare previousSibling: ScopeNode | undefined
  /** What waits in it, the oldest first. */
  declare private firstWait: AnyWait | undefined
  declare private lastWait: AnyWait | undefined
  declare private timer: Timer | undefined
  declare private controller: AbortController | undefined
  declare private label: Label
  declare private ownCancel: OwnCancel | undefined

  constructor(
    kernel: Kernel,
    parent: ScopeNode | undefined,
    kind: ScopeKind,
    label: Label,
    options: NodeOptions | undefined,
  ) {
    this.kernel = kernel
    this.parent = parent
    // What a cancellation reads and writes of each scope stands together.
    this.cancelled = false
    this.reason = undefined
    this.shielded = options?.shield === true
    this.firstChild = undefined
    this.nextSibling = undefined
    this.firstWait = undefined
    this.lastWait = undefined
    this.controller = undefined
    this.previousSibling = undefined
    this.closed = false
    this.timer = undefined
    this.link = undefined
    this.ownCancel = undefined
    this.kind = kind
    this.label = label
    this.deadline = options?.deadline
    this.drained = undefined
    if (parent !== undefined) this.enter(parent)
  }

  get name(): string {
    return (this.label = textOf(this.label))
  }

  /** Who cancelled this very scope; `undefined` if nobody did, or if the cancellation came from around it. */
  get cancelledBy(): CancelOrigin | undefined {
    return this.ownCancel?.by
  }

  get effectiveDeadline(): number {
    let earliest = this.deadline ?? Infinity
    let around = this.shielded ? undefined : this.parent
    for (; around !== undefined; around = around.shielded ? undefined : around.parent) {
      if (around.deadline !== undefined && around.deadline < earliest) earliest = around.deadline
    }
    return earliest
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.cancelled) this.controller.abort(this.reason)
    }
    return this.controller.signal
  }

  cancel(reason?: string | Error): void {
    if (reason !== undefined && typeof reason !== 'string' && !(reason instanceof Error)) {
      throw new TypeError(`the reason of a cancellation is a text or an Error, not ${typeof reason}`)
    }
    if (this.kind === 'root')
      throw new TypeError('the root of a backend cannot be cancelled: open a scope in it')
    this.cancelWith('explicit', () => abortReason(this, reason))
  }

  /** Cancels this scope and those inside it up to shields. The reason is made only if it is needed. */
  cancelWith(origin: CancelOrigin, makeReason: () => unknown): void {
    if (this.cancelled || this.closed) return
    const reason = makeReason()
    this.ownCancel = { by: origin, at: this.kernel.now() }
    this.cancelled = true
    this.reason = reason
    // First everything is marked, then the waits are settled: what runs then finds the whole tree cancelled.
    const reached: ScopeNode[] = [this]
    for (const node of reached) {
      for (let child = node.firstChild; child !== undefined; child = child.nextSibling) {
        if (child.shielded || child.cancelled) continue
        child.cancelled = true
        child.reason = reason
        reached.push(child)
      }
    }
    for (let at = reached.length - 1; at >= 0; at--) reached[at]!.interrupt()
  }

  /** The deadline has passed. */
  due(): void {
    this.cancelWith('deadline', () => new TimeoutError(`the deadline of ${this.title} has passed`, this.name))
  }

  /** Kind and name, as messages give them. */
  get title(): string {
    return `${this.kind} "${this.name}"`
  }

  addWait(wait: AnyWait): void {
    const last = this.lastWait
    if (last === undefined) this.firstWait = wait
    else {
      last.nextInScope = wait
      wait.previousInScope = last
    }
    this.lastWait = wait
  }

  /** Not a word if it is not in it: a wait that went on at once never was. */
  dropWait(wait: AnyWait): void {
    const { nextInScope: next, previousInScope: previous } = wait
    if (previous !== undefined) previous.nextInScope = next
    else if (this.firstWait === wait) this.firstWait = next
    else return
    if (next === undefined) this.lastWait = previous
    else next.previousInScope = previous
    // As in a queue: one that is over must not hold those after it.
    wait.nextInScope = undefined
    wait.previousInScope = undefined
  }

  /** What waits in it, the oldest first. */
  waits(): AnyWait[] {
    const waits: AnyWait[] = []
    for (let wait = this.firstWait; wait !== undefined; wait = wait.nextInScope) waits.push(wait)
    return waits
  }

  /**
   * The body is over while scopes inside are open: cancels them. `done` is called when the last of them has ended, with
   * the error that tells of the first.
   */
  reclaim(done: (error: ConcurrencyError) => void): void {
    const left = this.firstChild!
    const error = leftOpen(this, left)
    this.drained = () => done(error)
    for (const child of this.children()) {
      const make = () =>
        new AbortError(`${child.title} was left open by ${this.title}`, 'explicit', child.name)
      if (!child.shielded) child.cancelWith('explicit', make)
    }
  }

  /** Takes the scope out of the tree. Waits that were left in it are settled, so that none of them takes anything. */
  close(): void {
    this.closed = true
    if (this.firstWait !== undefined) this.abandonLeft()
    if (this.timer !== undefined) {
      this.kernel.timers.remove(this.timer)
      this.timer = undefined
      this.kernel.timerRemoved()
    }
    this.link?.remove(this)
    if (this.ownCancel !== undefined) this.countCancel(this.ownCancel)
    const { parent, nextSibling: next, previousSibling: previous } = this
    if (parent === undefined) return
    if (previous === undefined) parent.firstChild = next
    else previous.nextSibling = next
    if (next !== undefined) next.previousSibling = previous
    this.nextSibling = undefined
    this.previousSibling = undefined
    if (parent.firstChild === undefined && parent.drained !== undefined) {
      const { drained } = parent
      parent.drained = undefined
      drained()
    }
  }

  private enter(parent: ScopeNode): void {
    const first = parent.firstChild
    if (first !== undefined) {
      this.nextSibling = first
      first.previousSibling = this
    }
    parent.firstChild = this
    if (parent.cancelled && !this.shielded) {
      this.cancelled = true
      this.reason = parent.reason
    }
    if (this.deadline !== undefined && this.deadline !== Infinity) this.arm(this.deadline)
  }

  private children(): ScopeNode[] {
    const children: ScopeNode[] = []
    for (let child = this.firstChild; child !== undefined; child = child.nextSibling) children.push(child)
    return children
  }

  private arm(deadline: number): void {
    if (deadline <= this.kernel.now()) {
      this.due()
      return
    }
    this.timer = this.kernel.timers.add(deadline, this)
    this.kernel.timerAdded(deadline)
  }

  protected interrupt(): void {
    if (this.firstWait === this.lastWait) this.firstWait?.abandon(this.reason)
    else for (const wait of this.waits()) wait.abandon(this.reason)
    this.controller?.abort(this.reason)
  }

  private abandonLeft(): void {
    const error = this.cancelled
      ? this.reason
      : new AbortError(`${this.title} ended while this wait was pending`, 'explicit', this.name)
    for (const wait of this.waits()) wait.abandon(error)
  }

  private countCancel({ at }: OwnCancel): void {
    const { counters } = this.kernel
    const took = this.kernel.now() - at
    counters.cancelled += 1
    counters.cancelMs += took
    if (took > counters.longestCancelMs) counters.longestCancelMs = took
  }
}

/** The reason of a call of `cancel`. */
function abortReason(node: ScopeNode, given: string | Error | undefined): AbortError {
  const text = given instanceof Error ? given.message : (given ?? `${node.title} was cancelled`)
  return new AbortError(text, 'explicit', node.name, given instanceof Error ? { cause: given } : undefined)
}

/** The error that a scope was left while one inside it was open. */
export function leftOpen(node: ScopeNode, inner: ScopeNode): ConcurrencyError {
  return new ConcurrencyError(
    'CONCURRENCY_SCOPE_ORDER',
    `${node.title} ended while ${inner.title} inside it was open`,
  )
}

/**
 * What a body that ran in `node` failed with, without what is only its cancellation. Functions of the host that were given the
 * signal reject with an error of their own whose cause is the reason; an `await using` whose disposal waits meets the reason once
 * more, and puts both into a SuppressedError; `Promise.any` puts it into an AggregateError.
 */
export function unwrapAbort(node: ScopeNode, error: unknown): unknown {
  if (!node.cancelled || Object.is(error, node.reason) || !(error instanceof Error)) return error
  const { code, cause, name } = error as { code?: unknown; cause?: unknown; name: string }
  if (code === 'ABORT_ERR' && Object.is(cause, node.reason)) return node.reason
  if (name === 'SuppressedError') {
    const { error: later, suppressed } = error as SuppressedError
    if (Object.is(unwrapAbort(node, suppressed), node.reason)) return unwrapAbort(node, later)
    if (Object.is(unwrapAbort(node, later), node.reason)) return unwrapAbort(node, suppressed)
  }
  if (name === 'AggregateError') {
    const { errors } = error as AggregateError
    const allCut = errors.length > 0 && errors.every((one) => Object.is(unwrapAbort(node, one), node.reason))
    if (allCut) return node.reason
  }
  return error
}
