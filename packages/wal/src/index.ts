/**
 * A durable log: records in segment files, acknowledged when they are on the disk.
 *
 * @packageDocumentation
 */
export { WalError, walErrors, type WalErrorCode } from './errors.ts'
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
