/** Why a scope was cancelled. */

/**
 * Who asked for a cancellation: `explicit` a call of `cancel`, `deadline` a deadline that passed, `sibling` a failed
 * task of the same group, `shutdown` the owner that is closed.
 */
export type CancelSource = 'explicit' | 'deadline' | 'sibling' | 'shutdown'

/** The reason of a cancellation that was asked for. Its `cause` is the error that led to it, if there is one. */
export class AbortError extends Error {
  override readonly name = 'AbortError'
  readonly source: Exclude<CancelSource, 'deadline'>
  /** The name of the scope that was cancelled. */
  readonly scope: string

  constructor(
    message: string,
    source: Exclude<CancelSource, 'deadline'>,
    scope: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.source = source
    this.scope = scope
  }
}

/** The reason of a cancellation by a deadline. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError'
  readonly source = 'deadline'
  /** The name of the scope whose deadline passed. */
  readonly scope: string

  constructor(message: string, scope: string, options?: ErrorOptions) {
    super(message, options)
    this.scope = scope
  }
}
