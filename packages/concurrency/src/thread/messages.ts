/** What the pool and its workers say to each other. */
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

/** Pool to worker: do this. One at a time. */
export interface Call {
  readonly target: Target
  readonly args: readonly unknown[]
  readonly portal: PortalEnd | undefined
}

/** How a call, or a call of a portal, ended. */
export type Outcome =
  | { readonly type: 'done'; readonly value: unknown }
  | { readonly type: 'failed'; readonly failure: Failure }

/** Worker to pool. */
export type WorkerMessage = { readonly type: 'ready' } | Outcome

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
