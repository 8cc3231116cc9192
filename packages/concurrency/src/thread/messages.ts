/** What the pool and its workers say to each other, over a port that the functions of calls cannot reach. */
import type { MessagePort } from 'node:worker_threads'
import type { Failure } from './failure.ts'

/** The function of a call. */
export type Target =
  | { readonly type: 'source'; readonly name: string; readonly source: string }
  | { readonly type: 'module'; readonly name: string; readonly module: string }

/** The worker's end of a portal. */
export interface PortalEnd {
  readonly port: MessagePort
  /** One Int32, raised with each answer: a worker that waits for one sleeps on it. */
  readonly answers: SharedArrayBuffer
}

/** What is to be done. */
export interface Work {
  readonly target: Target
  readonly args: readonly unknown[]
  readonly portal: PortalEnd | undefined
}

/** Pool to worker: do this. One at a time. */
export interface Call extends Work {
  /** Counts the calls of a worker, from 1. */
  readonly id: number
}

/** How a call, or a call of a portal, ended. */
export type Outcome =
  | { readonly type: 'done'; readonly value: unknown }
  | { readonly type: 'failed'; readonly failure: Failure }

/** Worker to pool. */
export type WorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'answer'; readonly id: number; readonly outcome: Outcome }
  /** The call that came last could not be read. */
  | { readonly type: 'unreadable'; readonly failure: Failure }
  /** Nothing caught this, and the worker ends of it. */
  | { readonly type: 'uncaught'; readonly failure: Failure }
  /** The same, of the call `name` that had ended before: the worker goes on with its present call. */
  | { readonly type: 'late'; readonly name: string; readonly failure: Failure }
  /** What the call `name` left behind when it ended calls process.exit. */
  | { readonly type: 'exits'; readonly name: string }

/** Worker to pool, through a portal. */
export interface PortalCall {
  readonly id: number
  readonly name: string
  readonly args: readonly unknown[]
}

/** The answer to a {@link PortalCall}. */
export interface PortalAnswer {
  readonly id: number
  readonly outcome: Outcome
}
