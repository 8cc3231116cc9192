/** What a log and the child process of an attempt tell each other: a line of JSON each. */
import type { ItemResult, Json, LoggedOperation, OperationProgress } from '../store/operation.ts'
import type { NewOperation } from '../wal/wal.ts'

/** A failure on its way to the other process. */
export interface SentFailure {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly kind?: string
}

/** What the child is told, on its stdin. */
export type ToChild =
  | {
      readonly kind: 'run'
      readonly module: string
      readonly params: Json
      readonly operation: LoggedOperation
    }
  | { readonly kind: 'cancel'; readonly reason: string }
  /** What it asked to save is acknowledged, or has failed. */
  | { readonly kind: 'saved'; readonly id: number; readonly failure?: SentFailure }

/** What the child tells, on its stdout behind a mark; what has none is what its handler writes. */
export type FromChild =
  | { readonly kind: 'alive' }
  | { readonly kind: 'progress'; readonly progress: OperationProgress }
  | { readonly kind: 'results'; readonly results: readonly ItemResult[] }
  | { readonly kind: 'save'; readonly id: number; readonly checkpoint: Json }
  | { readonly kind: 'followUp'; readonly operation: NewOperation }
  | { readonly kind: 'done'; readonly value?: Json }
  | { readonly kind: 'failed'; readonly failure: SentFailure }

/** What another process is to know of an error: no stack. */
export function sentFailure(error: unknown): SentFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message } = error
  const { code, kind } = error as { readonly code?: unknown; readonly kind?: unknown }
  return {
    name,
    message,
    ...(typeof code === 'string' && { code }),
    ...(typeof kind === 'string' && { kind }),
  }
}

/** The error that the other process had, without its stack. */
export function receivedError({ message, ...rest }: SentFailure): Error {
  return Object.assign(new Error(message), rest)
}
