/** What the core asks of the program that runs it. `#host` picks the implementation by the export condition `node`. */

/** A channel on which plain objects are published while somebody listens. */
export interface HostChannel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
  subscribe(listener: (message: unknown) => void): void
  unsubscribe(listener: (message: unknown) => void): void
}

/** How late the event loop ran, in milliseconds, since it was last asked. */
export interface LoopDelay {
  readonly meanMs: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** The hooks of one host. */
export interface Host {
  readonly name: 'node' | 'portable'
  /** The value that travels with async calls; `undefined` where the host cannot carry one. */
  ambient(): object | undefined
  /** Calls `fn(value)` with `value` as the ambient one. Without async context: calls it. */
  within<V extends object, T>(value: V, fn: (value: V) => T): T
  /** Makes `value` the ambient one for the rest of the microtask that this is called in. Without async context: nothing. */
  enter(value: object): void
  /** Milliseconds of a clock that never goes back. */
  now(): number
  /** Calls `fn` once after `ms`; the answer stops it. */
  timer(ms: number, fn: () => void): () => void
  /** Calls `fn` in a later turn of the event loop, after pending input and output had its chance. */
  turn(fn: () => void): void
  /** Makes a function that, each time it is called, lets `fn` be called when no microtask is left. */
  whenQuiet(fn: () => void): () => void
  channel(name: string): HostChannel
  /** A variable of the environment, where there is one. */
  environment(name: string): string | undefined
  /**
   * Reports each timer, socket, file request or other piece of real work that is begun while `belongs(ambient)` holds.
   * The answer stops it. On hosts that cannot see this, nothing is reported.
   */
  watchForeign(
    belongs: (ambient: object) => boolean,
    found: (what: string, stack: string) => void,
  ): () => void
  /**
   * Reports what promises were rejected with that nobody handled, where `belongs(ambient)` holds. The answer stops it. Hosts
   * that cannot tell where a promise comes from report nothing.
   */
  watchRejections(belongs: (ambient: object) => boolean, found: (error: unknown) => void): () => void
  /** Starts to measure the delay of the event loop, anew after each look; `undefined` where the host has no such thing. */
  loopDelay(): { read(): LoopDelay; close(): void } | undefined
}
