/**
 * A durable log: records in segment files, acknowledged when they are on the disk; and a log of operations on it, with what
 * runs them.
 *
 * @packageDocumentation
 */
export { WalError, walErrors, type WalErrorCode } from './errors.ts'
export type { BackendOptions } from './breaker.ts'
export type {
  Batch,
  CallOptions,
  Finding,
  FindingKind,
  Log,
  LogStats,
  Mode,
  ReadOptions,
  VerifyReport,
} from './log.ts'
export { openLog, type LogOptions } from './open-log.ts'
export { openWal } from './open-wal.ts'
export type { IndexStats, OperationCount, OperationFilter } from './operation-index.ts'
export type { StoreFinding, StoreStats } from './operation-store.ts'
export type {
  Attempt,
  AttemptOutcome,
  ItemResult,
  ItemResults,
  Json,
  LoggedOperation,
  OperationFailure,
  OperationProgress,
  OperationState,
  OperationTypeName,
  PromisedOperation,
} from './operation.ts'
export type {
  Appended,
  BackendHealth,
  HandlerContext,
  MissedChanges,
  NewOperation,
  OperationChange,
  OperationHandler,
  OperationPage,
  OperationTypes,
  Wal,
  WalFinding,
  WalStats,
} from './wal.ts'
export type { WalOptions } from './wal-options.ts'
export {
  readRequest,
  type ClientMessage,
  type ServerMessage,
  type SubscriptionRequest,
} from './subscription-messages.ts'
export {
  createSubscriptions,
  type Subscriptions,
  type SubscriptionsOptions,
  type SubscriptionsStats,
} from './subscriptions.ts'
