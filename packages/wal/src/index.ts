/**
 * A durable log: records in segment files, acknowledged when they are on the disk.
 *
 * @packageDocumentation
 */
export { WalError, walErrors, type WalErrorCode } from './errors.ts'
export type {
  Batch,
  CallOptions,
  Entry,
  Finding,
  FindingKind,
  Log,
  LogStats,
  Mode,
  ReadOptions,
  VerifyReport,
} from './log.ts'
export { openLog, type LogOptions } from './open-log.ts'
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
