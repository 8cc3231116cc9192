/** What the log of operations has: one JSON text a record. */
import type {
  ItemResult,
  Json,
  LoggedOperation,
  OperationFailure,
  OperationProgress,
  PromisedOperation,
} from './operation.ts'

/** The options that a log was opened with, defaults included, by their names. */
export type WalConfig = Readonly<Record<string, string | number | boolean>>

/** A record. `at` is milliseconds since 1970. */
export type WalRecord =
  /**
   * A process has opened the log. What older epochs were running is queued again, its attempt counted. `config` is of a process
   * that runs operations.
   */
  | { readonly kind: 'open'; readonly at: number; readonly epoch: number; readonly config?: WalConfig }
  /**
   * An operation is promised; its id is the LSN of this record. `before` has dependencies in the same batch, as the distance
   * of their LSNs; they come on top of `after`. With an `epoch` it begins with that, as by a `start` at the same time.
   */
  | ({
      readonly kind: 'add'
      readonly notBefore?: number
      readonly before?: readonly number[]
      readonly epoch?: number
    } & PromisedOperation)
  | { readonly kind: 'start'; readonly at: number; readonly id: number; readonly epoch: number }
  | {
      readonly kind: 'progress'
      readonly at: number
      readonly id: number
      readonly progress?: OperationProgress
      readonly results?: readonly ItemResult[]
      /** Replaces the one before. */
      readonly checkpoint?: Json
    }
  /** An attempt has failed; without `retryAt` it was the last. Also of an operation that never began: broken, expired. */
  | {
      readonly kind: 'fail'
      readonly at: number
      readonly id: number
      readonly failure: OperationFailure
      readonly retryAt?: number
    }
  | { readonly kind: 'complete'; readonly at: number; readonly id: number; readonly result?: Json }
  | { readonly kind: 'cancel'; readonly at: number; readonly id: number; readonly reason: string }
  /** An attempt was stopped so that it goes on later. */
  | { readonly kind: 'release'; readonly at: number; readonly id: number }
  | { readonly kind: 'pause'; readonly at: number; readonly id: number }
  | { readonly kind: 'resume'; readonly at: number; readonly id: number }
  /** A failed or cancelled operation is queued again, with all its attempts before it, and waits for those of `after`. */
  | { readonly kind: 'retry'; readonly at: number; readonly id: number; readonly after?: readonly number[] }
  /** Finished operations are removed. */
  | { readonly kind: 'delete'; readonly at: number; readonly ids: readonly number[] }

/** A record with its LSN. */
export interface NumberedRecord {
  readonly lsn: number
  readonly record: WalRecord
}

/** The records that change one operation. */
export type ChangeRecord = Extract<WalRecord, { readonly id: number }>

/** A record as the payload of the log. */
export function encodeRecord(record: WalRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record))
}

/** The record of a payload that {@link encodeRecord} has made. @throws SyntaxError */
export function decodeRecord(payload: Uint8Array): WalRecord {
  const { buffer, byteOffset, byteLength } = payload
  return JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString()) as WalRecord
}

/** The operation that an `add` promises. `waitingFor` counts all its dependencies; who knows better corrects it. */
export function promised(lsn: number, record: Extract<WalRecord, { kind: 'add' }>): LoggedOperation {
  const { kind: _, notBefore, before = [], epoch, ...operation } = record
  const after = [...new Set([...operation.after, ...before.map((distance) => lsn - distance)])]
  return {
    ...operation,
    after,
    id: lsn,
    lsn,
    state: 'queued',
    paused: false,
    dueAt: notBefore ?? operation.createdAt,
    waitingFor: after.length,
    attemptCount: 0,
    attemptLimit: operation.maxAttempts,
    attempts: [],
    ...(epoch !== undefined && {
      state: 'running',
      epoch,
      attemptCount: 1,
      attempts: [{ attempt: 1, epoch, startedAt: operation.createdAt }],
    }),
  }
}
