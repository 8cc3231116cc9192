/** One attempt: its handler in a scope of its own, what it has told so far, and how it ended. */
import { cancelScope, createEvent, currentScope, now, type Event, type Scope } from '@ipfs-kit/concurrency'
import type { AttemptContext } from './attempt-context.ts'
import type { LoggedOperation } from '../store/operation.ts'
import type { HandlerContext, OperationHandler } from '../wal/wal.ts'

/** Why an attempt is stopped. */
export type Stop =
  | { readonly kind: 'cancel'; readonly reason: string }
  | { readonly kind: 'pause' }
  /** The log is being closed. */
  | { readonly kind: 'drain' }

/** How the handler ended. */
export type Ending =
  | { readonly kind: 'returned'; readonly value: unknown }
  /** It returned after its time was up or it was cancelled: nobody wants its result any more. */
  | { readonly kind: 'late' }
  | { readonly kind: 'threw'; readonly error: unknown }
  /** It was cut off by its deadline, or by whoever stopped it. */
  | { readonly kind: 'cut' }

/** An attempt under way. It has its operation until its handler has ended, whatever that takes. */
export class Attempt {
  /** As it was when its turn came. */
  readonly operation: LoggedOperation
  /** What its handler has told, once it has begun. */
  context: AttemptContext | undefined
  /** Whether it was told that the handler goes on after it was cancelled. */
  isToldStuck = false
  /** Set once its end is written, or could not be. */
  readonly ended: Event
  /** Milliseconds on the monotonic clock at which it was told to stop. */
  stoppedAt: number | undefined
  #stop: Stop | undefined
  #scope: Scope | undefined

  constructor(operation: LoggedOperation) {
    this.operation = operation
    this.ended = createEvent(ending)
  }

  /** Why it is stopped, if it is. */
  get stop(): Stop | undefined {
    return this.#stop
  }

  /** Whether the running code is that of its handler. */
  get isAroundCaller(): boolean {
    if (this.#scope === undefined) return false
    let scope: Scope | undefined = currentScope()
    while (scope !== undefined && scope !== this.#scope) scope = scope.parent
    return scope !== undefined
  }

  /** Milliseconds since its handler was told to stop, 0 if it was not. */
  get stoppingMs(): number {
    const { deadline = Infinity, cancelled = false } = this.#scope ?? {}
    const since = Math.min(this.stoppedAt ?? Infinity, cancelled ? deadline : Infinity)
    return since === Infinity ? 0 : Math.max(0, now() - since)
  }

  /** Cancels the handler. Who cancels the operation counts more than who pauses it, and that more than the end of the process. */
  request(stop: Stop): void {
    if (this.#stop === undefined || weight[stop.kind] > weight[this.#stop.kind]) this.#stop = stop
    this.stoppedAt ??= now()
    this.#scope?.cancel(reasons[stop.kind])
  }

  /** Runs the handler, and returns when it has ended: also one that goes on after it was cancelled. */
  async run(
    handler: OperationHandler,
    params: unknown,
    timeMs: number,
    contextOf: (signal: () => AbortSignal) => HandlerContext,
  ): Promise<Ending> {
    let scope: Scope | undefined
    const name = `${this.operation.type} ${this.operation.id}`
    try {
      const done = await cancelScope(
        async (own) => {
          scope = own
          this.#scope = own
          if (this.#stop !== undefined) own.cancel(reasons[this.#stop.kind])
          return {
            value: (await handler.run(
              params,
              contextOf(() => own.signal),
            )) as unknown,
          }
        },
        { name, deadline: now() + timeMs },
      )
      if (done === undefined) return { kind: 'cut' }
      const isUnwanted =
        scope?.cancelled === true && (this.#stop === undefined || this.#stop.kind === 'cancel')
      return isUnwanted ? { kind: 'late' } : { kind: 'returned', value: done.value }
    } catch (error) {
      return scope?.cancelled === true ? { kind: 'cut' } : { kind: 'threw', error }
    }
  }
}

/** Made once: there are as many as attempts. */
const ending = { name: 'end of an attempt' }
const weight = { drain: 0, pause: 1, cancel: 2 } as const
const reasons = {
  drain: 'the log of operations is being closed',
  pause: 'the operation was paused',
  cancel: 'the operation was cancelled',
} as const
