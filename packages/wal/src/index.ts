/**
 * A durable log: records in segment files, acknowledged when they are on the disk; and a log of operations on it, with what
 * runs them.
 *
 * @packageDocumentation
 */
export { WalError, walErrors, type WalErrorCode } from './errors.ts'
export type { BackendOptions } from './executor/breaker.ts'
export { childHandler, type ChildHandlerOptions } from './child/child-handler.ts'
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
} from './log/log.ts'
export { openLog, type LogOptions } from './log/open-log.ts'
export { openWal } from './wal/open-wal.ts'
export type { IndexStats, OperationCount, OperationFilter } from './store/operation-index.ts'
export type { StoreFinding, StoreStats } from './store/operation-store.ts'
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
} from './store/operation.ts'
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
} from './wal/wal.ts'
export type { WalOptions } from './wal/wal-options.ts'
export {
  readRequest,
  type ClientMessage,
  type AskedSubscription,
  type ServerMessage,
  type SubscriptionRequest,
} from './wal/subscription-messages.ts'
export {
  createSubscriptions,
  type Subscriptions,
  type SubscriptionsOptions,
  type SubscriptionsStats,
} from './wal/subscriptions.ts'
