/** The public face of scopes. */

/** A scope: who waits, and until when. Cancelling it settles every library wait inside it, up to shields. */
export interface Scope {
  readonly name: string
  /** The scope around it; `undefined` for the root of a backend. */
  readonly parent: Scope | undefined
  /** Whether a cancellation is in force here, its own or one from around it. It stays so: each later wait rejects again. */
  readonly cancelled: boolean
  /**
   * What waits in here reject with once it is cancelled: an {@link AbortError}, a {@link TimeoutError}, or the untouched
   * reason of a signal that was passed. `undefined` before.
   */
  readonly reason: unknown
  /**
   * A standard signal for foreign APIs, aborted with {@link reason}. It is made when it is first read. The errors with the code
   * ABORT_ERR that functions of Node make of it count as the reason.
   */
  readonly signal: AbortSignal
  /** Its own deadline in milliseconds on the clock of `now()`. */
  readonly deadline: number | undefined
  /** The earliest deadline of this scope and those around it, up to a shield. `Infinity` if there is none. */
  readonly effectiveDeadline: number
  /**
   * Cancels the scope. A second call changes nothing.
   *
   * @param reason - text for the {@link AbortError}, or an Error that becomes its `cause`
   * @throws TypeError if `reason` is something else, or if this is the root of a backend
   */
  cancel(reason?: string | Error): void
}

/** The last parameter of everything that waits. */
export interface WaitOptions {
  /** The scope to wait in. Default: the one of the running code, which travels in async context. */
  readonly scope?: Scope | undefined
  /** A foreign signal that cancels this one wait; it then rejects with `signal.reason`, untouched. */
  readonly signal?: AbortSignal | undefined
}

/** Options of everything that opens a scope. */
export interface ScopeOptions {
  /** The name in reasons, errors and dumps. Default: the name of the function that is run in it. */
  readonly name?: string | undefined
  /** Cancellations and deadlines from around it do not reach into it. Default: false. */
  readonly shield?: boolean | undefined
  /** When it is cancelled by itself: milliseconds on the clock of `now()`. Default: never. */
  readonly deadline?: number | undefined
  /** A foreign signal that cancels it. One listener serves all scopes of one signal, and goes with the last of them. */
  readonly signal?: AbortSignal | undefined
  /** The scope around it. Default: the one of the running code, else the root. */
  readonly scope?: Scope | undefined
}
